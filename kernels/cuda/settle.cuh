/* settle.cuh: step sizes adapt and neighboring rungs of a copy trade places.
 *
 * One block = one copy of one group; its threads stride over rungs, over pairs, and over rungs again. Weights
 * never move.
 * Budget: 64 threads, no shared memory, no spills. Three parts with a barrier between them: a rung's
 * row, its energy and its label are read in one and changed in another.                             */
#ifndef LEHR_CUDA_SETTLE_CUH
#define LEHR_CUDA_SETTLE_CUH

#include "core/settle.h"
#include "cuda/args.h"
#include "cuda/launch.h"

extern "C" __global__ void __launch_bounds__(64) lehr_settle_kernel(lehr_settle_args a)
{
    const lehr_table *t = &a.rows.table;
    const lehr_group *g = &t->group[a.rows.unit_group[blockIdx.x]];
    const lehr_i32 copy = a.rows.unit_copy[blockIdx.x], first = copy * g->rungs;
    const lehr_i32 rank = (lehr_i32)threadIdx.x, threads = (lehr_i32)blockDim.x;
    if (!lehr_settles(g, a.scan))
        return; /* the whole block */
    for (lehr_i32 rung = rank; rung < g->rungs; rung += threads)
        lehr_settle_steps(t, g, a.scan, first + rung);
    if (!lehr_exchanges(g))
        return;
    __syncthreads();
    const lehr_i32 parity = lehr_exchange_parity(g, a.scan, copy);
    for (lehr_i32 rung = parity + 2 * rank; rung + 1 < g->rungs; rung += 2 * threads)
        lehr_settle_pair(t, g, a.scan, first + rung, t->energy);
    __syncthreads();
    for (lehr_i32 rung = rank; rung < g->rungs; rung += threads)
        lehr_settle_visit(t, g, first + rung);
}

#endif
