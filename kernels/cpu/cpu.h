/* cpu.h: the state of the CPU backend, and what its files offer each other.
 *
 * cpu.c opens and closes, pack.c lays the data out, known.c keeps what is known of rows, band.c says which
 * rows walk together, energy.c says what a target's weights are worth, sorted.c sorts their points, judge.c weighs and decides proposals of networks, scan.c moves rows,
 * exchange.c adapts steps and swaps rungs, evaluate.c scores weights. What is heavy with arithmetic is
 * in lanes*.c. Nothing is allocated after open.                                                     */
#ifndef LEHR_CPU_CPU_H
#define LEHR_CPU_CPU_H

#include <stdbool.h>

#include "backend.h"
#include "core/target.h"
#include "cpu/lanes.h"
#include "cpu/pool.h"

/* Sums over the points of one chunk, added in the order of core/sum.h. */
typedef struct lehr_chunk_sums {
    float loss;
    float hits; /* right classes; 0 for regression */
} lehr_chunk_sums;

/* A thread's room for one of the proposals that it judges. */
typedef struct lehr_scratch {
    float *block;    /* the allocation behind the floats */
    float *proposed; /* [P] */
    float *loss;     /* [panels,16] of the points of a proposal */
    float *column;   /* [panels,16] a unit's outputs */
    char *seen;      /* [tiles] which ones a proposal has visited */
    float **act;     /* [3,layers] the allocation behind the next three */
    float **swing;   /* [layers] two tiles in turn, for what is not kept */
    float **spare;   /* [layers] what a proposal writes; traded for a row's when it is accepted */
    float **view;    /* [layers] what a proposal reads and writes */
} lehr_scratch;

/* What is known of a row's current weights. */
typedef struct lehr_known {
    float **act; /* [layers] their activations [panels,width,16]; NULL: not kept */
    int32_t
        *order; /* [tiles] as they are visited: those of large loss first, they may decide alone */
    double *loss; /* [tiles] */
    bool fresh;   /* false: the weights were set from outside */
    /* Where points are sorted: the row's own, those of large loss first. */
    lehr_panels part;
    lehr_pile pile;  /* the same, to be written */
    int32_t accepts; /* since they were sorted */
} lehr_known;

#define LEHR_TOGETHER_MAX 8

/* Rows of one run that walk over the inputs together. */
typedef struct lehr_band {
    int32_t first, count;
} lehr_band;

typedef struct lehr_cpu {
    const lehr_problem *problem;
    const lehr_energy_args *args; /* of the problem */
    lehr_table *table;
    const lehr_lanes *lanes;
    lehr_pool *pool;
    lehr_panels part[LEHR_PART_COUNT];
    float *packed[LEHR_PART_COUNT][2]; /* the allocations behind `part`: inputs, targets */
    lehr_panels work;     /* what proposals are weighed on: the training part or a batch */
    float *batch[2];      /* the allocations behind a batch */
    int64_t most_points;  /* of `work`, ever */
    lehr_known *known;    /* [R] */
    float **known_act;    /* [R,layers] the allocation behind their pointers */
    float *kept;          /* and behind the activations, with those of threads */
    int32_t *known_order; /* [R,tiles] */
    double *known_loss;   /* [R,tiles] */
    float *sorted;        /* the allocations behind points of rows */
    lehr_u32 *sorted_index;
    lehr_loss_scale scale;
    int32_t tile_panels, tiles, quarter_tiles; /* of the training part */
    int32_t *bound; /* [tiles+1] where points are sorted: panels at which tiles begin */
    bool keeps, early,
        sorts; /* activations are kept; proposals are rejected early; points sorted */
    uint32_t visit_seed;
    int32_t together; /* rows of a band at most; 1: every row walks alone */
    lehr_band *band;  /* [bands] of all rows */
    int32_t bands;
    lehr_scratch *scratch;  /* [threads,together] */
    lehr_units *units;      /* [threads] */
    int32_t scratch_count;  /* of them that are made */
    int32_t *row_group;     /* [R] */
    double *energy, *prior; /* [R] of first weights, and of proposals for a callback */
    double *log_hastings;   /* [R] of proposals for a callback */
    float *proposed;        /* callback: [R,P] */
    lehr_chunk_sums *chunk; /* [chunks of the largest part] */
#if defined(LEHR_PLANTS)
    double *stale; /* [R] energies at the exchange before */
#endif
} lehr_cpu;

/* ---- pack.c ---- */

/* Lay a part out in panels; inputs of D columns, targets of Y. An empty part gives NULLs. */
lehr_status lehr_pack_part(const lehr_part_data *data, int32_t inputs, int32_t targets,
                           float *packed[2], lehr_panels *out);

/* Points [first, first+count) of x[N,width] as panels [panels,width,16], padded with zeros. */
void lehr_pack_points(const float *x, int64_t first, int64_t count, int32_t width, float *out);

/* The other way: out[count,width] from panels z[panels,width,16]. */
void lehr_unpack_points(const float *z, int64_t count, int32_t width, float *out);

/* Floats rounded up to whole cache lines, so that threads and arrays do not share any. */
int64_t lehr_padded(int64_t floats);

/* ---- cpu.c ---- */

/* Cut `work` into tiles. */
void lehr_cpu_cut(lehr_cpu *cpu);

/* ---- known.c ---- */

/* Bytes of the activations of all rows and rooms of threads when they are kept. */
int64_t lehr_known_bytes(const lehr_backend_options *options, const lehr_problem *problem,
                         const lehr_table *table, int32_t rooms);

/* Does a run gain from kept activations? */
bool lehr_known_wanted(const lehr_problem *problem, const lehr_table *table);

/* Make `known` and `scratch` for the network and tiles of cpu; threads are there. */
lehr_status lehr_known_create(lehr_cpu *cpu);
void lehr_known_destroy(lehr_cpu *cpu);

/* Room of one thread for tiles of `panels` of a network (may have no layer), and nothing else. */
lehr_status lehr_scratch_create(const lehr_network *network, int32_t panels, lehr_scratch *out);
void lehr_scratch_destroy(lehr_scratch *scratch);

/* Let every row visit the tiles of the points that there are now, in their first order. */
void lehr_known_order(lehr_cpu *cpu);

/* The weights of every row, or the points, have been set from outside. */
void lehr_known_forget(lehr_cpu *cpu);

/* ---- band.c ---- */

/* Rows that shall walk together when there is room for it. */
int32_t lehr_band_rows(const lehr_backend_options *options, const lehr_problem *problem,
                       const lehr_table *table, int32_t threads);

/* Make bands of `together` rows, and units of threads. */
lehr_status lehr_band_create(lehr_cpu *cpu);
void lehr_band_destroy(lehr_cpu *cpu);

/* A thread's first room. */
lehr_scratch *lehr_cpu_room(const lehr_cpu *cpu, int32_t worker);

/* ---- sorted.c ---- */

/* Bytes of all rows' points; 0: there are too many to sort. */
int64_t lehr_sorted_bytes(const lehr_problem *problem, const lehr_table *table);
lehr_status lehr_sorted_create(lehr_cpu *cpu);
void lehr_sorted_destroy(lehr_cpu *cpu);

/* Cut sorted points into tiles. */
lehr_status lehr_sorted_cut(lehr_cpu *cpu);

/* loss[N] in the row's order to out[N] in that of the data. */
void lehr_sorted_put_back(const lehr_known *known, const float *loss, float *out);

/* The row's losses are now loss[panels,16] in its order, `put_back` in that of the data. Points whose loss
 * has grown rise; now and then all are sorted anew. `loss` is destroyed.                            */
void lehr_sorted_learn(const lehr_cpu *cpu, lehr_known *known, float *loss, const float *put_back);

/* ---- energy.c ---- */

/* What penalties and priors need. */
lehr_sizes lehr_cpu_sizes(const lehr_cpu *cpu, const float *theta);

/* E and U of theta[P]. Not for networks and callbacks. */
lehr_energies lehr_cpu_energy(const lehr_cpu *cpu, const float *theta);

/* From the energy of a network's loss or of a callback: adds penalties and prior. */
lehr_energies lehr_cpu_energy_from(const lehr_cpu *cpu, double energy, const float *theta);

/* lehr_sum of x[n]. */
double lehr_cpu_sum(const lehr_cpu *cpu, const float *x, int64_t n);

/* The same of loss[N] over the points of the quarter. */
double lehr_cpu_quarter_sum(const lehr_cpu *cpu, const float *loss);

/* ---- judge.c ---- */

/* A network's proposal before the judge. */
typedef struct lehr_trial {
    lehr_draft draft; /* `proposed` holds the weights */
    lehr_proposal proposal;
    lehr_touch touch;
    double log_hastings;
    lehr_energies energies; /* filled when it is accepted, as is `quarter` of delayed runs */
    double quarter;
    bool shared; /* all threads work on it; only outside of pool loops */
} lehr_trial;

/* Decide a proposal of a row and, when it is accepted, keep what is known of it. */
lehr_decision lehr_cpu_judge(lehr_cpu *cpu, lehr_scratch *room, const lehr_walk *walk,
                             const lehr_group *group, lehr_trial *trial);

/* Proposals of the rows of a band, which all touch the same unit of the first layer: d[count]. */
void lehr_cpu_judge_band(lehr_cpu *cpu, int32_t worker, const lehr_walk *const *walk,
                         lehr_trial *trial, int32_t count, lehr_decision *d);

/* Learn a row's weights: what is known of it becomes fresh. Returns E, U, and *quarter of delayed runs. */
lehr_energies lehr_cpu_learn(lehr_cpu *cpu, int32_t worker, int64_t row, double *quarter);

/* ---- scan.c, exchange.c, evaluate.c: operations of backend.h; the caller has entered lehr_fp_enter ---- */

lehr_status lehr_cpu_slice(lehr_cpu *cpu, uint64_t scan, uint64_t scans);

/* After scan number `scan`, in groups whose `every` divides scan+1: adapt steps, exchange rungs. */
void lehr_cpu_settle(lehr_cpu *cpu, uint64_t scan);

lehr_status lehr_cpu_start(lehr_cpu *cpu);
lehr_status lehr_cpu_batch(lehr_cpu *cpu, const lehr_part_data *data);
lehr_status lehr_cpu_reweigh(lehr_cpu *cpu);
lehr_status lehr_cpu_evaluate(lehr_cpu *cpu, lehr_part part, const float *theta, int32_t rows,
                              lehr_evaluation *out);
void lehr_cpu_outputs(lehr_cpu *cpu, lehr_part part, const float *theta, int32_t rows, float *out);

#endif
