/* start.h: where a free trial goes on: at a scan that its crate has saved, or over again, since its state can be lost. */
#ifndef LEHR_STUDY_START_H
#define LEHR_STUDY_START_H

#include "study/prune.h"
#include "study/save.h"
#include "study/shelf.h"
#include "study/trials.h"

enum { LEHR_LENGTHS_WORDS = 512 };

typedef struct lehr_start {
    int64_t scan;
    bool goes_on;
    lehr_source *source; /* NULL: none */
    const char *lost;    /* why it starts over; NULL: it does not, or its source says so */
} lehr_start;

/* Of a trial by its number in the sweep's list, as its directory was seen; `look->anew` is set. `prune` may be NULL. Fails
 * with LEHR_ERR_IO when something cannot be read now, LEHR_ERR_EXISTS, LEHR_ERR_MEMORY. */
lehr_status lehr_start_find(lehr_shelf *shelf, lehr_prune *prune, int32_t index,
                            lehr_trial_look *look, lehr_start *out);

/* Have its state in memory, when it joins a launch that stands at *at, or one that has no trial yet (NULL). */
lehr_status lehr_start_read(lehr_shelf *shelf, const lehr_trial *trial, const int64_t *at,
                            lehr_trial_look *look, lehr_start *s);

/* What the sweep says now is for trials that begin; one that goes on keeps its lengths. `words`: those that differ, ""
 * where none does. */
lehr_status lehr_start_lengths(const lehr_sweep *sweep, const lehr_trial *trial,
                               const lehr_start *s, lehr_lengths *kept,
                               char words[LEHR_LENGTHS_WORDS]);

#endif
