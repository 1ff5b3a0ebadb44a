/* run/run.h: the inside of runs and of packs of them, shared by the files of this folder. */
#ifndef LEHR_RUN_INSIDE_H
#define LEHR_RUN_INSIDE_H

#include <stdatomic.h>

#include "backend.h"
#include "base/cache.h"
#include "run/comm.h"
#include "lehr/run.h"

enum { LEHR_CANDIDATES = 64 }; /* rows evaluated together at an observation */

/* What runs that move together share. A run alone is a pack of one. */
struct lehr_pack {
    lehr_backend_options options;
    const lehr_objective *objective;
    const lehr_problem *problem;
    const lehr_backend *backend;
    lehr_cache cache;               /* of compiled kernels */
    char notice[5 * LEHR_NAME_MAX]; /* what a user may not expect; "" */
    char where[LEHR_NAME_MAX],
        device[LEHR_NAME_MAX]; /* of all ranks: "cuda:0,1", and what they are */
    int32_t gpus;              /* of all ranks */
    void *state;               /* of the backend */
    lehr_table *table;         /* group i is that of run i */
    const lehr_comm *comm;     /* who shares its rows */
    int32_t first_row, rows;   /* ours */
    lehr_table view;           /* what the backend sees: the table from our first row on */
    lehr_group *view_group;
    bool *cut,
        any_cut;   /* [R] rows of copies that several ranks share; several ranks only, as are: */
    int64_t *each; /* [ranks] bytes that a rank tells */
    char *told;    /* rows that are told of */
    char *heard;
    bool pulled; /* the table is as the backends', but for weights of other ranks: */
    bool weights_pulled;
    bool broken; /* other ranks wait for nothing any more */

    int32_t count;
    lehr_run *run; /* [count] */
    int64_t scan;  /* done */
    double scan_s; /* predicted wall time of one scan; 0: not known yet */
    double look_s; /* spent in looks that no run has been charged with */
    atomic_int interrupted;

    /* scratch of observations, so that the loop allocates nothing */
    float *candidate; /* [LEHR_CANDIDATES,P] */
    double candidate_energy[LEHR_CANDIDATES];
    int32_t candidates;
    float *outputs;                      /* [N,K] of the largest part; regression only */
    float *batch_inputs, *batch_targets; /* of a mini-batch */
    int32_t *batch_order;                /* [N] */
};

struct lehr_run {
    lehr_run_spec spec;
    lehr_pack *pack;

    int64_t scan;        /* done */
    int64_t last_scan;   /* of the plan; INT64_MAX when no number of scans is set */
    int64_t planned;     /* the same before the run was extended: the length of its schedules */
    lehr_stop last_stop; /* why the run ends at last_scan */
    lehr_stop stop;
    double wall_s; /* spent in this run */

    /* best: weights chosen at observations */
    float *best;        /* [P] */
    double best_loss;   /* validation loss, or training energy without a validation part */
    double best_energy; /* its training energy, for ties */
    int64_t best_scan;
    int64_t observed_scan;    /* of the last observation, -1: none */
    lehr_score best_score[2]; /* training and validation part, as of best_scan */

    int64_t cold_proposed, cold_accepted; /* at the last observation */
    int64_t accepts, accepts_scan; /* for the frozen rule: accepted so far, when it last rose */
    lehr_observation observation;
};

/* lehr_pack_create_shared with a backend's options, for tests and benches that choose tiles and kernels; and a pack of
 * one run, which it returns. */
lehr_status lehr_pack_create_with(const lehr_run_spec *specs, int32_t count,
                                  const lehr_backend_options *options,
                                  const lehr_objective *objective, const lehr_comm *comm,
                                  lehr_pack **out);
lehr_status lehr_run_create_with(const lehr_run_spec *spec, const lehr_backend_options *options,
                                 const lehr_objective *objective, lehr_run **out);

/* The run's group in the table of its pack. */
lehr_group *lehr_run_group(const lehr_run *run);

/* ---- run.c: one run ---- */

/* Check its spec and fill its group but for its places in a table; plans its end. */
lehr_status lehr_run_plan_group(lehr_run *run, lehr_group *group);

/* First temperatures, step sizes and weights of its group. */
lehr_status lehr_run_fill(lehr_run *run);

/* First observation of a run whose energies are in the table. */
lehr_status lehr_run_begin(lehr_run *run);

/* Scans until its next observation, batch or end. */
int64_t lehr_run_scans_left(const lehr_run *run);

/* Observe it when that is due, and see whether it ends. */
lehr_status lehr_run_look(lehr_run *run);

/* ---- pack.c ---- */

/* A pack that knows what its runs are about, without table and backend; lehr_pack_destroy frees it. */
lehr_status lehr_pack_new(const lehr_run_spec *specs, int32_t count,
                          const lehr_backend_options *options, const lehr_objective *objective,
                          lehr_pack **out);

/* Rows and rules of the runs' groups[count], and a table of that shape, without its arrays. */
lehr_status lehr_pack_shape(lehr_pack *pack, lehr_group *groups, lehr_table *shape);

/* choose.c: backend and devices for a table of that shape, as the spec's name says; `auto` takes the CPU where a GPU
 * cannot run it or has no memory for it, on all ranks where one has to, and leaves a notice. */
lehr_status lehr_pack_choose(lehr_pack *pack, const lehr_table *shape);

/* First energies of all rows, and first observations. */
lehr_status lehr_pack_start(lehr_pack *pack);

/* The table as it is now on the backends of all ranks, but for the weights of others; and with them. */
lehr_status lehr_pack_pull(lehr_pack *pack);
lehr_status lehr_pack_pull_weights(lehr_pack *pack);

/* The table has been written: the backend's becomes the same. */
lehr_status lehr_pack_push(lehr_pack *pack);

/* observe.c: choose `best` among the cold rows and the rows' lowest energies; fill run->observation. */
lehr_status lehr_run_observe(lehr_run *run);
lehr_status lehr_run_score(lehr_run *run, lehr_part part, const float *theta, lehr_score *out);

/* batch.c: mini-batches, of a run that is alone. Plan checks the spec; draw sets the backend's points for run->scan;
 * refresh does that and weighs all rows anew, when a batch ends at run->scan. */
bool lehr_batched(const lehr_run *run);
lehr_status lehr_batch_plan(lehr_run *run);
lehr_status lehr_batch_create(lehr_run *run);
void lehr_batch_destroy(lehr_run *run);
lehr_status lehr_batch_draw(lehr_run *run);
lehr_status lehr_batch_refresh(lehr_run *run);
int64_t lehr_batch_scans_left(const lehr_run *run);

/* converge.c: the rules that end a run. */
lehr_status lehr_stop_plan(lehr_run *run, int32_t rows);
lehr_stop lehr_stop_observed(lehr_run *run);

#endif
