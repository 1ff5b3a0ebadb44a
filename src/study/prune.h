/* prune.h: synchronous successive halving: at certain scans only the best points go on.
 *
 * What a trial has reached at such a stage stands in rungs/<scan>/<id>, written whole and never changed. Who goes
 * on is a function of these files and of the sweep's list alone, so every process comes to the same answer at any time,
 * and no order of work matters. The list may grow or shrink: then some go on that were pruned before. All trials of a point (seeds, say) live or die together, by their mean. Karnin et al. 2013,
 * Jamieson and Talwalkar 2016 (arXiv:1502.07943). */
#ifndef LEHR_STUDY_PRUNE_H
#define LEHR_STUDY_PRUNE_H

#include "study/ledger.h"

enum { LEHR_STAGES_MAX = 40 };

/* What stands of a trial at a stage. */
typedef enum lehr_reached {
    LEHR_REACHED_NOTHING,
    LEHR_REACHED_PASSED, /* it has come there */
    LEHR_REACHED_ENDED,  /* it had ended before, and counts as it was */
    LEHR_REACHED_FAILED  /* it has failed, and may be tried again */
} lehr_reached;

typedef enum lehr_fate {
    LEHR_FATE_RUNS,  /* to the next stage, or its end */
    LEHR_FATE_WAITS, /* for what others reach at this stage */
    LEHR_FATE_PRUNED
} lehr_fate;

typedef struct lehr_prune {
    lehr_ledger ledger;
    const lehr_yard *yard;
    int32_t eta, stages;
    int64_t scan[LEHR_STAGES_MAX]; /* [stages] */
    lehr_dir dir[LEHR_STAGES_MAX]; /* [stages] */
    double *value;         /* [stages,trials] what a trial has reached; NaN: there is no figure */
    lehr_reached *reached; /* [stages,trials] */
    bool unread;     /* some file could not be read at the last refresh; lehr_error() says why */
    int32_t *ended;  /* [points] stage that ended it; stages: none */
    int32_t decided; /* stages */
} lehr_prune;

/* May this trial be judged half way? Fails with LEHR_ERR_ARG on a chain that is hot until its end, an unknown length,
 * and one that no stage or no observation falls into. */
lehr_status lehr_prune_check(const lehr_prune_spec *spec, const lehr_config *config, int64_t scans);

/* The stages of a sweep whose list is written. *out is NULL when it prunes nothing. */
lehr_status lehr_prune_create(const lehr_trials *trials, const lehr_yard *yard, lehr_prune **out);
void lehr_prune_destroy(lehr_prune **prune);

/* Read what has been reached since, and judge. What cannot be read now is not known yet. */
lehr_status lehr_prune_refresh(lehr_prune *prune);

/* Of a trial that stands at a scan, as of the last refresh: before the stage that ends its point it runs, and one that
 * ends before it comes there runs to its end. */
lehr_fate lehr_prune_fate(const lehr_prune *prune, int32_t trial, int64_t scan);

/* Is it written what a trial has reached at every stage up to a scan? Fails with LEHR_ERR_IO when that cannot be read
 * now. */
lehr_status lehr_prune_knows(lehr_prune *prune, int32_t trial, int64_t scan, bool *knows);

/* As of the last refresh: the scan at which it cannot be said yet who goes on, -1: none. And is this a trial that has
 * yet to reach it? */
int64_t lehr_prune_open(const lehr_prune *prune);
bool lehr_prune_lacks(const lehr_prune *prune, int32_t trial);

/* Write down what trials that ended under another list or rule had reached. */
lehr_status lehr_prune_look_back(lehr_prune *prune);

/* A trial has come to a stage; it has ended at a scan, and counts as it is at all stages that it has not come to; it has
 * failed. What is written already stays, but for the failure of a trial that comes farther now. */
lehr_status lehr_prune_reach(lehr_prune *prune, int32_t trial, int32_t stage, double value);
lehr_status lehr_prune_end(lehr_prune *prune, int32_t trial, int64_t scan, double value);
lehr_status lehr_prune_fail(lehr_prune *prune, int32_t trial);

#endif
