/* launch.h: trials of one shape, taken by this process, from their first weights to their files. */
#ifndef LEHR_STUDY_LAUNCH_H
#define LEHR_STUDY_LAUNCH_H

#include "study/model.h"
#include "study/prune.h"
#include "study/record.h"
#include "study/shelf.h"
#include "study/trials.h"
#include "study/yard.h"

/* So many states fit into one checkpoint: each takes 7 KB of its header, LEHR_SAFETENSORS_LARGE_MAX at most. */
enum { LEHR_SEATS_MAX = 4096 };

/* A trial in a launch. */
typedef struct lehr_seat {
    int32_t trial;          /* its index */
    int32_t attempts;       /* before this one */
    lehr_trial_state state; /* RUNNING until it has ended */
    lehr_dir dir;           /* the store's, once that is there */
    lehr_store *store;
    lehr_run *run;                  /* of the pack it stands in now; NULL: none */
    lehr_past past;                 /* before it was taken; scan -1: it starts over */
    lehr_lengths lengths;           /* of a seat that goes on */
    bool written;                   /* its result; the status follows */
    lehr_fate fate;                 /* RUNS unless a stage has stopped it */
    char pack[LEHR_CRATE_ID_BYTES]; /* the crate that holds its state; "": it begins */
} lehr_seat;

typedef struct lehr_launch {
    const lehr_trials *trials;
    const lehr_yard *yard;
    const char *cache_dir;
    lehr_prune *prune; /* NULL: nothing is pruned */
    lehr_seat *seat;   /* [count], all at one scan */
    int32_t count;
    lehr_shelf shelf; /* what they go on from; empty after the launch */

    /* Between slices; true: stop. May be NULL. */
    bool (*look)(void *data);

    /* As in lehr_worker_spec; may be NULL. */
    void (*say)(const char *sentence, void *data);
    void *data;
    bool stopped; /* it did */
} lehr_launch;

const lehr_trial *lehr_seat_trial(const lehr_launch *launch, const lehr_seat *seat);

/* Run all seats. When a pack cannot be made or fails, its halves are tried, so that only the trial to blame has
 * failed in the end. Fails on what no trial is to blame for. */
lehr_status lehr_launch_run(lehr_launch *launch);

#endif
