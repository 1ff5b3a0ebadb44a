/* worker.h: one process at work on a sweep: take what fits into a launch, run it, write it down, again. */
#ifndef LEHR_STUDY_WORKER_H
#define LEHR_STUDY_WORKER_H

#include "study/trials.h"
#include "study/yard.h"

/* Trials by state. */
typedef struct lehr_tally {
    int32_t trials; /* all */
    int32_t state[LEHR_TRIAL_STATE_COUNT];
    int32_t unknown; /* of the running: nobody can tell */
} lehr_tally;

typedef struct lehr_worker_progress {
    lehr_tally tally; /* of the shard, as far as this worker knows */
    double left_s;    /* for what is not finished, by this worker alone; NaN when not known */
    double proposals_per_s;
} lehr_worker_progress;

typedef struct lehr_worker_spec {
    lehr_trials *trials;
    lehr_yard *yard;
    int32_t shard, shards; /* trials shard, shard+shards, ... */
    lehr_retry retry;
    const char *cache_dir; /* of compiled kernels; "": nowhere */

    /* Asked between slices; true: write nothing more and end. */
    bool (*stopping)(void *data);
    void (*look)(const lehr_worker_progress *progress, void *data);

    /* Told what nobody would expect: what is damaged, and what that costs. May be NULL. */
    void (*say)(const char *sentence, void *data);
    void *data;
} lehr_worker_spec;

/* How a worker has ended. */
typedef enum lehr_worker_end {
    LEHR_WORKER_DONE,    /* nothing is left that it could do */
    LEHR_WORKER_STOPPED, /* `stopping` said so, or limits.wall_s */
    LEHR_WORKER_WAITS    /* what is left needs the results of others */
} lehr_worker_end;

/* Work until nothing is left. Trials go on from where somebody has saved them; what stops is saved. A trial
 * that fails does not stop the others; what no trial is to blame for does: LEHR_ERR_IO, LEHR_ERR_DEVICE,
 * LEHR_ERR_MEMORY. */
lehr_status lehr_worker_go(const lehr_worker_spec *spec, lehr_worker_end *end);

/* Look at all trials of a shard. */
void lehr_worker_count(const lehr_worker_spec *spec, lehr_tally *out);

#endif
