/* cpu.h: the state of the CPU backend, and what its files offer each other.
 *
 * cpu.c opens and closes, pack.c lays the data out, energy.c says what a row's weights are worth, scan.c
 * moves rows, exchange.c adapts steps and swaps rungs, evaluate.c scores weights. What is heavy with
 * arithmetic is in lanes*.c. Nothing is allocated after open.                                       */
#ifndef LEHR_CPU_CPU_H
#define LEHR_CPU_CPU_H

#include "backend.h"
#include "cpu/lanes.h"
#include "cpu/pool.h"

/* One thread's own room. */
typedef struct lehr_scratch {
    float *block;    /* the allocation behind all of it */
    float *proposed; /* [P] */
    lehr_tile tile;
} lehr_scratch;

typedef struct lehr_cpu {
    const lehr_problem *problem;
    const lehr_energy_args *args; /* of the problem */
    lehr_table *table;
    const lehr_lanes *lanes;
    lehr_pool *pool;
    lehr_panels part[LEHR_PART_COUNT];
    float *packed[LEHR_PART_COUNT][2]; /* the allocations behind `part`: inputs, targets */
    lehr_scratch *scratch;             /* [threads] */
    int32_t scratch_count;             /* of them that are made */
    int32_t *row_group;                /* [R] */
    double *energy, *prior;            /* [R] of first weights, and of proposals for a callback */
    double *log_hastings;              /* [R] of proposals for a callback */
    float *proposed;                   /* callback: [R,P] */
    lehr_chunk_sums *chunk;            /* [chunks of the largest part] */
#if defined(LEHR_PLANTS)
    double *stale; /* [R] energies at the exchange before */
#endif
} lehr_cpu;

/* E and U of some weights. */
typedef struct lehr_energies {
    double energy, prior;
} lehr_energies;

/* ---- pack.c ---- */

/* Lay a part out in panels; inputs of D columns, targets of Y. An empty part gives NULLs. */
lehr_status lehr_pack_part(const lehr_part_data *data, int32_t inputs, int32_t targets,
                           float *packed[2], lehr_panels *out);

/* Points [first, first+count) of x[N,width] as panels [panels,width,16], padded with zeros. */
void lehr_pack_points(const float *x, int64_t first, int64_t count, int32_t width, float *out);

/* Room of one thread for `parameters` and for tiles of `points` of a network (may have no layer). */
lehr_status lehr_scratch_create(int64_t parameters, int32_t points, const lehr_network *network,
                                lehr_scratch *out);
void lehr_scratch_destroy(lehr_scratch *scratch);

/* ---- energy.c ---- */

/* E and U of theta[P], all by the calling thread. Not for callbacks. */
lehr_energies lehr_cpu_energy(const lehr_cpu *cpu, int32_t worker, const float *theta);

/* The same bits, with all threads sharing the chunks of points. Only outside of pool loops. */
lehr_energies lehr_cpu_energy_shared(lehr_cpu *cpu, const float *theta);

/* From a callback's energy: adds penalties and prior. */
lehr_energies lehr_cpu_energy_from(const lehr_cpu *cpu, double energy, const float *theta);

/* ---- scan.c, exchange.c, evaluate.c: operations of backend.h; the caller has entered lehr_fp_enter ---- */

lehr_status lehr_cpu_slice(lehr_cpu *cpu, uint64_t scan, uint64_t scans);

/* After scan number `scan`, when scan+1 is a multiple of `every`: adapt steps, exchange rungs. */
void lehr_cpu_settle(lehr_cpu *cpu, const lehr_group *group, uint64_t scan);

lehr_status lehr_cpu_start(lehr_cpu *cpu);
lehr_status lehr_cpu_evaluate(lehr_cpu *cpu, lehr_part part, const float *theta, int32_t rows,
                              lehr_evaluation *out);

#endif
