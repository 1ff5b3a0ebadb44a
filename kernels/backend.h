/* backend.h: the table of operations that kernels/cpu and kernels/cuda fill and src/run calls.
 *
 * A backend moves the rows of a replica table. The table is host memory owned by the run; a backend that
 * computes elsewhere keeps a copy and moves it with push and pull.                                   */
#ifndef LEHR_BACKEND_H
#define LEHR_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/args.h"
#include "lehr/device.h"
#include "lehr/objective.h"
#include "lehr/status.h"

/* All replicas of all groups. Rows are numbered over all groups; R rows, P parameters. */
typedef struct lehr_table {
    int32_t rows, parameters, group_count, moves; /* moves: the most of any group */
    lehr_group *group;                            /* [group_count] */
    float *theta;                                 /* [R,P] current weights */
    double *energy;                               /* [R] E of theta, without beta */
    double *prior;                                /* [R] U of theta */
    float *best;                                  /* [R,P] weights of the row's lowest E */
    double *best_energy;                          /* [R] */
    int64_t *best_scan;    /* [R] scans done when it was found; 0: the first weights */
    int32_t *rung;         /* [R] the row's temperature inside its copy */
    int32_t *slot_row;     /* [slots] row of its group that holds (copy, rung) */
    double *beta;          /* [betas] 1/temperature of each group's rungs (ladder) */
    double *log_step;      /* [steps] ln sigma of (copy, rung, move) */
    int64_t *step_updates; /* [steps] updates so far */
    double *alpha_sum;     /* [R,moves] acceptance probabilities since the last update */
    int32_t *alpha_count;  /* [R,moves] */
    int64_t *proposed;     /* [steps] since the start */
    int64_t *accepted;     /* [steps] */
    double *swap_sum;      /* [slots] swap probabilities of (copy, rung) with rung+1, summed */
    int64_t *swap_count;   /* [slots] attempts */
    int8_t
        *direction; /* [R] round trips: +1 left the coldest, -1 left the hottest, 0 neither yet */
    int64_t *trips; /* [R] round trips finished */
    int64_t *nonfinite; /* [R] proposals rejected because E or U was not finite */
    int64_t *accepts;   /* [R] accepted proposals, all moves */
} lehr_table;

/* One part of the data, as given: row-major. */
typedef struct lehr_part_data {
    const float *inputs;  /* [N,D] */
    const float *targets; /* [N,K], or [N,1] class numbers */
    int64_t points;
} lehr_part_data;

/* What a backend evaluates. Pointers stay valid while it is open. */
typedef struct lehr_problem {
    lehr_energy_args args;
    lehr_part_data part[LEHR_PART_COUNT];
    lehr_energy_fn callback; /* target callback */
    void *callback_data;
} lehr_problem;

typedef struct lehr_backend_options {
    int32_t device;     /* index for "cuda:N" */
    int32_t threads;    /* 0: CPUs of the affinity mask */
    int32_t point_tile; /* 0: the backend's choice; a multiple of 16 that divides 1024 */
    int32_t plain;      /* cpu: 1 uses the plain C kernels even where better ones run */
} lehr_backend_options;

/* Loss and right answers of one row on one part. */
typedef struct lehr_evaluation {
    double loss; /* reduced as args.reduction says; no penalty, no prior */
    double hits; /* classification: right predictions; else 0 */
} lehr_evaluation;

typedef struct lehr_backend {
    const char *name; /* "cpu" */
    int32_t (*device_count)(void);
    void (*describe)(int32_t device, lehr_device_info *out);
    lehr_status (*supports)(const lehr_problem *problem, const lehr_table *table,
                            lehr_numerics numerics);
    /* Make state for this problem and table (both are kept). All memory of the loop is taken here. */
    lehr_status (*open)(const lehr_backend_options *options, const lehr_problem *problem,
                        lehr_table *table, void **out);
    void (*close)(void **state);
    /* E and U of every row's theta, into the table; best = theta. Fails with LEHR_ERR_NUMERIC. */
    lehr_status (*start)(void *state);
    /* `scans` proposals for every row from scan number `scan` on. After each scan s with (s+1) a multiple of a
     * group's `every`: step sizes are adapted, then rungs are exchanged. */
    lehr_status (*slice)(void *state, uint64_t scan, uint64_t scans);
    /* Loss of `rows` parameter rows theta[rows,P] on a part, into out[rows]. */
    lehr_status (*evaluate)(void *state, lehr_part part, const float *theta, int32_t rows,
                            lehr_evaluation *out);
    /* Host table -> device, device -> host table. */
    lehr_status (*push)(void *state);
    lehr_status (*pull)(void *state);
    int32_t (*threads)(const void *state);
} lehr_backend;

extern const lehr_backend lehr_backend_cpu;

/* Network outputs [N,K] (after the output activation) of theta[P] for inputs[N,D], one thread, any CPU. */
lehr_status lehr_forward(const lehr_network *network, const float *theta, const float *inputs,
                         int64_t points, float *outputs);

#endif
