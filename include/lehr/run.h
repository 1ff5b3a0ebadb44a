/* run.h: a run is a table of replicas that a backend moves.                                         */
#ifndef LEHR_RUN_H
#define LEHR_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/kinds.h"
#include "lehr/objective.h"
#include "lehr/status.h"
#include "lehr/temper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When a run ends: whatever comes first; 0 means no such limit. Looked at between slices; scans,
 * proposals, target, temperature and frozen fall on the same scan on every backend.                  */
typedef struct lehr_stop_spec {
    int64_t scans;
    int64_t proposals; /* over all rows; rounded up to whole scans */
    int64_t frozen;    /* scans without an accepted proposal in any row */
    double wall_s;
    lehr_metric metric; /* looked at every `observe` scans */
    double value;
} lehr_stop_spec;

/* Mini-batches: all rows of a run see one random batch of the training part, until the next is drawn;
 * energies are then worked out anew. Optimization, not sampling.                                     */
typedef struct lehr_batch_spec {
    int64_t points;  /* 0: all points, always */
    int64_t refresh; /* scans between batches, at least 1 */
    int64_t grow;    /* points of the last batch, reached geometrically; 0: no change */
} lehr_batch_spec;

typedef struct lehr_run_spec {
    uint64_t seed;
    lehr_method method;
    int32_t copies; /* tempering: independent ladders; annealing: independent rows */
    lehr_ladder_spec ladder;
    lehr_cooling_spec cooling;
    double adapt;       /* share of the scans after which step sizes are frozen, in [0,1] */
    int32_t move_count; /* 1 to LEHR_MOVES_MAX */
    lehr_move_spec moves[LEHR_MOVES_MAX];
    lehr_exchange_spec exchange;
    lehr_stop_spec stop;
    int64_t observe; /* scans between observations, at least 1 */
    lehr_numerics numerics;
    bool
        keep_activations; /* between proposals, so that a move costs what it touches: the same bits */
    bool early_rejection;    /* as soon as an energy can only be too high: the same bits */
    bool delayed_acceptance; /* a quarter of the points decides first: another sequence */
    lehr_batch_spec batch;
    int64_t
        held; /* an extended run: from this scan on temperatures, step sizes and batches stay as they are... */
    int64_t
        extra; /* ...and it ends so many scans later, whatever the stop rules say; 0: not extended */
    char backend
        [LEHR_NAME_MAX]; /* "auto", "cpu", "cuda", "cuda:N", "cuda:N,M", "cuda:all", or "cuda:" and
                                    a part of one device's name */
    int32_t threads;     /* 0: the CPUs of the affinity mask */
    char cache_dir[LEHR_PATH_MAX]; /* where compiled kernels are kept between runs; "": nowhere */
} lehr_run_spec;

/* A spec with every default filled in (configs/defaults.yaml lists them). */
LEHR_API lehr_run_spec lehr_run_spec_default(void);

typedef struct lehr_run lehr_run;

/* Loss and metrics of one set of weights on one part; NaN where it has no meaning. */
typedef struct lehr_score {
    double loss;     /* reduced as the loss says, without penalties; standardized units */
    double accuracy; /* share of right classes */
    double r2, rmse; /* regression; rmse in the data's units */
} lehr_score;

/* One look at a run: everything that a progress line or an event file shows. */
typedef struct lehr_observation {
    int64_t scan, scans; /* done, and planned (0 when no number of scans is set) */
    int64_t proposals;
    double wall_s;
    double energy_best;     /* lowest E of any row so far */
    double energy_cold;     /* mean E of the rows on the coldest rung */
    double acceptance;      /* of proposals, on the coldest rung, since the last observation */
    double swap_acceptance; /* mean swap probability since the start; NaN without exchange */
    double temperature;     /* of the coldest rung */
    int64_t best_scan;
    lehr_score best_train, best_validation;
} lehr_observation;

/* Called at every observation scan. Anything but LEHR_OK ends the run with that status. */
typedef lehr_status (*lehr_observe_fn)(const lehr_observation *observation, const lehr_run *run,
                                       void *data);

/* Table, backend and first energies. The objective must outlive the run; nothing is allocated later.
 *
 * Fails with LEHR_ERR_ARG on a bad spec, LEHR_ERR_UNSUPPORTED when the backend cannot run it,
 * LEHR_ERR_DEVICE without the device asked for, LEHR_ERR_NUMERIC when a first energy is not finite.   */
LEHR_API lehr_status lehr_run_create(const lehr_run_spec *spec, const lehr_objective *objective,
                                     lehr_run **out);
LEHR_API void lehr_run_destroy(lehr_run **run);

/* One line of what may not be expected: backend "auto" had to do without a GPU, a GPU without kernels made for
 * this network, activations do not fit, the run optimizes and does not sample; else "". */
LEHR_API const char *lehr_run_notice(const lehr_run *run);

/* What a run would take and look like, before any work. */
typedef struct lehr_plan {
    char backend[LEHR_NAME_MAX], device[LEHR_NAME_MAX]; /* as in lehr_run_summary */
    char kernels[LEHR_NAME_MAX];                        /* which ones run */
    char notice[5 * LEHR_NAME_MAX];                     /* lehr_run_notice */
    int32_t rows, rungs, copies, parameters;
    int32_t devices, units; /* how many share the copies; multiprocessors or threads of the first */
    int32_t parts;          /* of the rows, that take turns; 1: all rows stay on their device */
    int64_t table_bytes;    /* replica table, host memory */
    int64_t host_bytes;     /* of the backend */
    int64_t kept_bytes;     /* of these, activations kept between proposals; 0: none are */
    int64_t wanted_bytes;   /* of activations that do not fit: proposals are evaluated in full */
    int64_t device_bytes;   /* of each device; 0 on the CPU */
    int64_t free_bytes;     /* of the device that has the least */
    int64_t scans;          /* until the run ends at the latest; 0: not known */
    int64_t multiply_adds;  /* of one proposal, over all training points; 0: not known (callback) */
} lehr_plan;

/* Plan a run: nothing is drawn or evaluated and no memory of the run is taken. Fails as lehr_run_create does
 * where that can be known. */
LEHR_API lehr_status lehr_run_plan(const lehr_run_spec *spec, const lehr_objective *objective,
                                   lehr_plan *out);

/* Start every row from the weights theta[P] instead of drawn ones; only before the first scan.
 * Fails with LEHR_ERR_ARG later, or when binary or ternary weights hold other values, and with
 * LEHR_ERR_NUMERIC when the energy is not finite.                                                   */
LEHR_API lehr_status lehr_run_start_from(lehr_run *run, const float *theta);

/* Run to a stop rule. A run that has stopped stays stopped. */
LEHR_API lehr_status lehr_run_go(lehr_run *run, lehr_observe_fn observe, void *data);

/* One slice of at most `scans` scans (0: as many as the engine likes); *stop says whether and why it ended.
 * However a run is cut into slices, its bits are the same.                                            */
LEHR_API lehr_status lehr_run_advance(lehr_run *run, int64_t scans, lehr_stop *stop);

/* Ask a running lehr_run_go to stop after its slice; safe in a signal handler and from any thread. Runs of a pack
 * all stop. */
LEHR_API void lehr_run_interrupt(lehr_run *run);

/* Why a run has ended; LEHR_STOP_NONE while it goes on. */
LEHR_API lehr_stop lehr_run_stopped(const lehr_run *run);

/* End a run here, for a reason of the caller's: its rows rest while others of its pack go on. */
LEHR_API lehr_status lehr_run_halt(lehr_run *run, lehr_stop why);

/* ---- Packs: runs of one objective that move together, as rows of the same launches. Every run has its own seed,
 * ladder, step sizes and length, and the same bits as alone. ---- */

typedef struct lehr_pack lehr_pack;

/* May runs of these specs stand in one pack? Seed, temperatures, step sizes, exchange, stop rules and observation
 * intervals may differ; runs on mini-batches stand alone. */
LEHR_API bool lehr_specs_pack(const lehr_run_spec *a, const lehr_run_spec *b);

/* As lehr_run_create, for count runs; specs[count] must pack with each other, else LEHR_ERR_ARG. An objective of a
 * callback takes one run only. */
LEHR_API lehr_status lehr_pack_create(const lehr_run_spec *specs, int32_t count,
                                      const lehr_objective *objective, lehr_pack **out);

/* ---- Ranks: processes that share the rows of a pack; the bits are those of one process. All create it, then rank 0
 * does with it and its runs what it likes and the others follow. ---- */

typedef struct lehr_comm lehr_comm;

/* This process alone; and the ranks of MPI_COMM_WORLD, which is initialized where that is not done. Fails with
 * LEHR_ERR_UNSUPPORTED in a build without MPI, LEHR_ERR_IO where MPI fails. */
LEHR_API const lehr_comm *lehr_comm_solo(void);
LEHR_API lehr_status lehr_comm_mpi(const lehr_comm **out);

LEHR_API int32_t lehr_comm_rank(const lehr_comm *comm);
LEHR_API int32_t lehr_comm_ranks(const lehr_comm *comm);

/* End all ranks now, with this exit code. */
LEHR_API void lehr_comm_abort(const lehr_comm *comm, int code);

/* MPI_Finalize, where it is due. */
LEHR_API void lehr_comm_finish(void);

/* lehr_pack_create on ranks, by all of them. A rank's failure is its own: let it end all with lehr_comm_abort. */
LEHR_API lehr_status lehr_pack_create_shared(const lehr_run_spec *specs, int32_t count,
                                             const lehr_objective *objective, const lehr_comm *comm,
                                             lehr_pack **out);

/* Ranks other than 0: do as rank 0 does with its pack, until it destroys it. Fails as what it does. */
LEHR_API lehr_status lehr_pack_follow(lehr_pack *pack);

/* Destroys its runs, too. */
LEHR_API void lehr_pack_destroy(lehr_pack **pack);

LEHR_API int32_t lehr_pack_count(const lehr_pack *pack);

/* Run `index`; it is the pack's: do not destroy it. lehr_run_advance and lehr_run_go refuse it where it is not
 * alone. */
LEHR_API lehr_run *lehr_pack_run(lehr_pack *pack, int32_t index);

/* One slice of at most `scans` scans (0: as many as the engine likes) for all runs that have not ended;
 * *moving: are there any left? */
LEHR_API lehr_status lehr_pack_advance(lehr_pack *pack, int64_t scans, bool *moving);

/* What a pack would take: lehr_run_plan for all runs together. Rows and scans are those of all (the longest),
 * rungs and copies those of the first. */
LEHR_API lehr_status lehr_pack_plan(const lehr_run_spec *specs, int32_t count,
                                    const lehr_objective *objective, lehr_plan *out);

/* What a run has reached. */
typedef struct lehr_run_summary {
    lehr_stop stop;
    int64_t scans, proposals;
    double wall_s;
    int32_t rows, rungs, copies, parameters, moves, threads; /* threads: of rank 0 */
    int32_t ranks, gpus;                                     /* gpus: of all ranks */
    int64_t best_scan;
    lehr_score best[LEHR_PART_COUNT];
    double energy_best;    /* lowest training energy of any row */
    int64_t nonfinite;     /* proposals seen to be NaN or infinite; some are rejected before that */
    int32_t nonfinite_row; /* first row that had one, -1: none */
    double barrier;        /* sum over pairs of 2 erfinv(r)/sqrt(pi), mean over copies */
    int64_t round_trips;   /* over all copies */
    double tau_predicted, tau_observed; /* round trips per exchange, of one copy */
    uint64_t state_hash;
    char backend[LEHR_NAME_MAX], device[LEHR_NAME_MAX]; /* "cuda:0,1": of all ranks */
    lehr_numerics numerics;
} lehr_run_summary;

LEHR_API lehr_status lehr_run_summarize(lehr_run *run, lehr_run_summary *out);

/* Step size and acceptance of one move kind on one rung, mean over copies. */
typedef struct lehr_move_report {
    double scale, acceptance;
    int64_t proposals;
} lehr_move_report;

LEHR_API lehr_move_report lehr_run_move(const lehr_run *run, int32_t move, int32_t rung);

/* Mean swap probability between rung and rung+1, over copies; NaN before the first exchange. */
LEHR_API double lehr_run_swap(const lehr_run *run, int32_t rung);

/* Replica flow: of the visits of a rung, at exchanges since the start and over copies, the share by replicas whose last
 * end of the ladder was the coldest rung and not the hottest: 1 on rung 0, 0 on the hottest. A step shows where
 * replicas turn back. Replicas that have been at neither end do not count; NaN before any that has.
 *
 * Katzgraber, Trebst, Huse, Troyer 2006, doi:10.1088/1742-5468/2006/03/P03018. */
LEHR_API double lehr_run_flow(const lehr_run *run, int32_t rung);

/* Temperature of a rung now; +inf where beta is 0. */
LEHR_API double lehr_run_temperature(const lehr_run *run, int32_t rung);

/* Copy `best` (P floats), or the current weights and energy of a row (either may be NULL). */
LEHR_API lehr_status lehr_run_best(const lehr_run *run, float *theta);
LEHR_API lehr_status lehr_run_row(lehr_run *run, int32_t row, float *theta, double *energy,
                                  int32_t *rung);

/* Network outputs [N,K] (after the output activation) of weights theta[P] for inputs[N,D] as given, i.e.
 * already standardized. Runs on the calling thread.                                                   */
LEHR_API lehr_status lehr_network_forward(const lehr_objective *objective, const float *theta,
                                          const float *inputs, int64_t points, float *outputs);

#ifdef __cplusplus
}
#endif

#endif
