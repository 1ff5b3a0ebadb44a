/* crate.h: packs/<id>/: what the trials of one pack keep together while they run.
 *
 *     trials          their ids, one a line
 *     lock            held as long as the pack is at work
 *     events.jsonl    what is observed of them (journal.h)
 *     ckpt/           the states of all, in two generations (generations.h)
 *
 * Only its maker ever writes there; whoever goes on with one of its trials, alone or with others, reads it and makes a
 * crate of its own. `owner` in a trial's directory names the crate that holds its state, and leads to another one
 * only when the state there is on the disk. A crate that no trial is led to can go. */
#ifndef LEHR_STUDY_CRATE_H
#define LEHR_STUDY_CRATE_H

#include "study/lock.h"
#include "study/yard.h"

typedef struct lehr_crate {
    char id[LEHR_CRATE_ID_BYTES];
    lehr_dir dir; /* fd -1: none */
    lehr_lock lock;
    struct lehr_crate *next; /* of those that this process has open */
} lehr_crate;

/* Make one for trials[count] and lock it; `crate` must stay where it is. Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_crate_make(const lehr_yard *yard, const char *const *trials, int32_t count,
                            lehr_crate *crate);

/* Let go of it; harmless on one that was not made. */
void lehr_crate_close(lehr_crate *crate);

/* Remove one unless somebody is at work in it or a trial still needs it. What cannot be told now stays, for
 * lehr_crates_clean of a later worker. */
void lehr_crate_drop(const lehr_yard *yard, const char *id);

/* Remove all that are needed no more. */
void lehr_crates_clean(const lehr_yard *yard);

#endif
