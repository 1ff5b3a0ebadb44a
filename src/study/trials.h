/* trials.h: the trials of a sweep, before any work: ids, sizes, and which of them can share a launch. */
#ifndef LEHR_STUDY_TRIALS_H
#define LEHR_STUDY_TRIALS_H

#include "lehr/run.h"
#include "study/store.h"
#include "study/sweep.h"

typedef struct lehr_trial {
    int64_t number; /* in the sweep */
    char id[LEHR_RUN_ID_BYTES];
    int32_t data;  /* trials with equal ones read the same data */
    int32_t shape; /* trials of equal shape can share a launch */
    int32_t rows, parameters;
    int64_t scans; /* at most; 0: not known */
    int64_t bytes; /* of its rows, on the host, or on each device */
    double work;   /* multiply-adds in all; 0: not known */
    bool alone;    /* starts from weights of a file, or on batches */
} lehr_trial;

/* What trials of one shape have in common. */
typedef struct lehr_shape {
    char *text; /* their data, network, loss and prior as config keys */
    uint64_t hash;
    lehr_run_spec spec; /* of the first one */
} lehr_shape;

typedef struct lehr_trials {
    lehr_sweep *sweep;
    lehr_trial *trial; /* [count], by number */
    int32_t count;
    int32_t excluded, repeated;
    lehr_shape *shape; /* [shapes] */
    int32_t shapes;
    char **data; /* [datas] their data as config keys */
    int32_t datas;
    char backend[LEHR_NAME_MAX], device[LEHR_NAME_MAX], notice[5 * LEHR_NAME_MAX];
    int32_t rows_most;  /* of a launch */
    int64_t bytes_most; /* of a launch */
} lehr_trials;

/* All trials of a sweep: each one's config is checked against its data. Fails, naming the trial, as
 * lehr_sweep_config, lehr_dataset_create and lehr_run_plan; with LEHR_ERR_ARG when there are none, or more than
 * limits.trials. The sweep must outlive them. */
lehr_status lehr_trials_plan(lehr_sweep *sweep, lehr_trials **out);
void lehr_trials_destroy(lehr_trials **trials);

/* Can one more trial stand in a launch that holds `rows` and `bytes`, the first being `first`? */
bool lehr_trials_fit(const lehr_trials *trials, const lehr_trial *first, int64_t rows,
                     int64_t bytes, const lehr_trial *next);

/* The work of one shape's moment, to predict from: proposals a second of trial `index`, by running it for at
 * least `seconds` without writing anything; 0 when it cannot run. */
double lehr_trials_rate(const lehr_trials *trials, int32_t index, double seconds);

#endif
