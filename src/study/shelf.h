/* shelf.h: the crates of others, from which trials go on: each is read once and then asked. */
#ifndef LEHR_STUDY_SHELF_H
#define LEHR_STUDY_SHELF_H

#include "base/text.h"
#include "study/checkpoint.h"
#include "study/crate.h"
#include "study/journal.h"

/* __metadata__ `config` of a checkpoint of many runs. */
#define LEHR_CRATE_CONFIG "pack"

/* What a crate holds. */
typedef struct lehr_source {
    char id[LEHR_CRATE_ID_BYTES];
    lehr_dir dir;
    bool whole; /* it holds something that is of use, at: */
    int64_t scan;
    lehr_checkpoint *checkpoint; /* NULL: not whole, or put down */
    lehr_journal *journal;
    lehr_text notice; /* what is to be said of it; empty: nothing */
} lehr_source;

typedef struct lehr_shelf {
    const lehr_yard *yard;
    lehr_source **source; /* [count] */
    int32_t count;
} lehr_shelf;

/* A crate as it is on the disk now. One that is damaged, or gone, is found without a checkpoint, and with a notice.
 * Fails with LEHR_ERR_EXISTS when it is of another version of lehr, LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_shelf_find(lehr_shelf *shelf, const char *id, lehr_source **out);

/* The same with its memory, should it have been put down. */
lehr_status lehr_shelf_read(lehr_shelf *shelf, const char *id, lehr_source **out);

/* Does it hold the state of a trial? Not to be asked of one that was put down. */
bool lehr_source_has(const lehr_source *source, const char *trial);

/* Let its memory go; where it stands is still known. */
void lehr_source_put_down(lehr_source *source);

/* How many are in memory, with two descriptors each. */
int32_t lehr_shelf_open(const lehr_shelf *shelf);

/* Forget everything. */
void lehr_shelf_clear(lehr_shelf *shelf);

/* Remove the crates that no trial needs any more, and forget all. */
void lehr_shelf_drop(lehr_shelf *shelf);

/* The prefix of a trial's fields. */
void lehr_crate_prefix(const char *trial, char out[LEHR_RUN_ID_BYTES + 1]);

#endif
