/* journal.h: what is observed of the trials of a pack, as lines of one file, and each trial's own lines again.
 *
 * A line of packs/<id>/events.jsonl is one of a run's events.jsonl with its trial in front: {"trial":"<id>",...}. */
#ifndef LEHR_STUDY_JOURNAL_H
#define LEHR_STUDY_JOURNAL_H

#include <stdint.h>

#include "base/text.h"
#include "study/directory.h"

typedef struct lehr_journal lehr_journal;

/* A new events.jsonl in a directory, which must stay open. Fails with LEHR_ERR_EXISTS, LEHR_ERR_IO,
 * LEHR_ERR_MEMORY. */
lehr_status lehr_journal_create(const lehr_dir *dir, lehr_journal **out);

/* The first so many bytes of one that is there, to be read only. Fails with LEHR_ERR_DATA when it is shorter or holds
 * something else. */
lehr_status lehr_journal_open(const lehr_dir *dir, int64_t size_bytes, lehr_journal **out);
void lehr_journal_destroy(lehr_journal **journal);

/* Add lines of a trial's own, "{...}\n" each. They are in the file within a second or two; what a killed process
 * has not written is behind its last checkpoint. */
lehr_status lehr_journal_add(lehr_journal *journal, const char *id, const char *lines,
                             size_t length);

/* All lines of a trial as its own, added to `out`. */
lehr_status lehr_journal_lines(lehr_journal *journal, const char *id, lehr_text *out);

/* Everything onto the disk, and how much that is. */
lehr_status lehr_journal_sync(lehr_journal *journal, int64_t *size_bytes);

#endif
