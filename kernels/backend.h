/* backend.h: the table of operations that kernels/cpu and kernels/cuda fill and src/run calls.
 *
 * A backend moves the rows of a replica table. The table is host memory owned by the run; a backend that
 * computes elsewhere keeps a copy and moves it with push and pull.
 *
 * The table may be one process's part of a larger one: its first row is then not the first of its group, whose
 * first_row lies before it. Copies that have not all their rows in the table are settled by the caller. */
#ifndef LEHR_BACKEND_H
#define LEHR_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/table.h"
#include "lehr/device.h"
#include "lehr/objective.h"
#include "lehr/status.h"

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

/* Which kernels of the CUDA backend run: all give the same bits. */
typedef enum lehr_path {
    LEHR_PATH_AUTO,
    LEHR_PATH_FUSED, /* one launch for many scans, weights stay in shared memory */
    LEHR_PATH_TILED  /* several launches per scan, for networks too wide for that */
} lehr_path;

/* Where compiled kernels are kept between runs. get: bytes stored under `key`, allocated with malloc for the
 * caller, or NULL; put: store, quietly doing nothing when it cannot. Both see keys of letters and digits. */
typedef struct lehr_cache_fns {
    void *(*get)(const char *key, size_t *size, void *data);
    void (*put)(const char *key, const void *bytes, size_t size, void *data);
    void *data;
} lehr_cache_fns;

#define LEHR_DEVICES_MAX 16

/* Zero everywhere lets the backend choose. */
typedef struct lehr_backend_options {
    lehr_numerics numerics;
    int32_t device_count;             /* cuda: how many of device[] share the copies; 0: device 0 */
    int32_t device[LEHR_DEVICES_MAX]; /* their indices */
    int32_t threads;                  /* cpu: 0: CPUs of the affinity mask */
    int32_t point_tile;               /* cpu: a multiple of 16 that divides 1024 */
    int32_t forget;                   /* 1: activations are not kept between proposals */
    int32_t whole;                    /* 1: no proposal is rejected before its energy is whole */
    uint32_t visit_seed;              /* cpu: not 0: tiles are visited in a random order */
    int32_t rows_together;            /* cpu: rows that walk over the inputs together, at most 8 */
    int32_t plain;                    /* 1: kernels for any machine (cpu), not specialized (cuda) */
    int64_t batch_points;             /* the most points of a batch; 0: proposals see all points */
    lehr_path path;                   /* cuda */
    int32_t row_threads;              /* cuda, fused: threads of a row: 32, 64, 128 or 256 */
    int32_t look_rounds; /* cuda, fused: rounds of points between looks at a sum; 0: by the shape */
    int32_t launch_scans; /* cuda: scans of one launch at most */
    int64_t memory_bytes; /* cuda: use no more of a device; cpu: keep no more activations */
    lehr_cache_fns cache; /* cuda: get and put may be NULL */
} lehr_backend_options;

/* Memory that a run would take, known before any is. */
typedef struct lehr_memory_plan {
    int64_t host_bytes;   /* of the backend, without the table */
    int64_t kept_bytes;   /* of these, activations kept between proposals; 0: none are */
    int64_t wanted_bytes; /* what could not be kept: proposals are evaluated in full */
    int64_t device_bytes; /* of each device, at once */
    int64_t free_bytes;   /* of the device that has the least */
    int32_t parts;        /* 1 a device: all rows stay; more: parts take turns on the devices */
    char kernels[LEHR_NAME_MAX]; /* which kernels run */
} lehr_memory_plan;

/* Loss and right answers of one row on one part. */
typedef struct lehr_evaluation {
    double loss; /* reduced as args.reduction says; no penalty, no prior */
    double hits; /* classification: right predictions; else 0 */
} lehr_evaluation;

typedef struct lehr_backend {
    const char *name; /* "cpu" */
    /* Devices that are there; 0 sets *reason to why ("no NVIDIA driver"), NULL is allowed. */
    int32_t (*device_count)(const char **reason);
    void (*describe)(int32_t device, lehr_device_info *out);
    /* Can this backend run it? Asks no device. */
    lehr_status (*supports)(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table);
    /* Memory for it. Fails with LEHR_ERR_DEVICE when one copy does not fit, naming needed and free bytes. */
    lehr_status (*plan)(const lehr_backend_options *options, const lehr_problem *problem,
                        const lehr_table *table, lehr_memory_plan *out);
    /* Make state for this problem and table (both are kept). All memory of the loop is taken here. */
    lehr_status (*open)(const lehr_backend_options *options, const lehr_problem *problem,
                        lehr_table *table, void **out);
    void (*close)(void **state);
    /* E and U of every row's theta, into the table; best = theta. Fails with LEHR_ERR_NUMERIC. */
    lehr_status (*start)(void *state);
    /* Weigh proposals on this batch of the training part from now on, at most options->batch_points; start or
     * reweigh comes next. */
    lehr_status (*batch)(void *state, const lehr_part_data *batch);
    /* E and U of every row's theta anew, into the table; best = theta. Fails with LEHR_ERR_NUMERIC. */
    lehr_status (*reweigh)(void *state);
    /* `scans` proposals for every row from scan number `scan` on. After each scan s with (s+1) a multiple of a
     * group's `every`: step sizes are adapted, then rungs are exchanged. */
    lehr_status (*slice)(void *state, uint64_t scan, uint64_t scans);
    /* Loss of `rows` parameter rows theta[rows,P] on a part, into out[rows]. */
    lehr_status (*evaluate)(void *state, lehr_part part, const float *theta, int32_t rows,
                            lehr_evaluation *out);
    /* Host table -> device, device -> host table. */
    lehr_status (*push)(void *state);
    lehr_status (*pull)(void *state);
    /* The same of all but the weights: of these both have the same. */
    lehr_status (*push_labels)(void *state);
    lehr_status (*pull_labels)(void *state);
    int32_t (*threads)(const void *state);
    /* One line about what this run has to do without, or ""; valid while it is open. NULL: never anything. */
    const char *(*notice)(const void *state);
} lehr_backend;

extern const lehr_backend lehr_backend_cpu;
extern const lehr_backend lehr_backend_cuda; /* without CUDA in the build: one with no device */

/* Network outputs [N,K] (after the output activation) of theta[P] for inputs[N,D], one thread, any CPU. */
lehr_status lehr_forward(const lehr_network *network, const float *theta, const float *inputs,
                         int64_t points, float *outputs);

#endif
