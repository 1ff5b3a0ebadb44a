/* tiled.cuh: a scan in several launches, for networks whose weights do not fit a multiprocessor.
 *
 * propose: one block = one row. dense: one block = 64 outputs x 64 points of one row, a thread 4 x 4 of
 * them; inputs come through shared memory 16 at a time, in index order and never split, so every output is
 * the chain that core/network.h defines. losses: one block = one chunk of points of one row. decide:
 * one block = one row. No proposal is rejected early: a layer is one launch over all points of all rows, and launches over
 * some of the points, each asking whether the row is lost, would be several times as many for a saving that comes
 * only with the last of them where rows differ.
 * Budget: static shared memory 8.2 kB (dense), 1 kB (losses, decide); no spills.                    */
#ifndef LEHR_CUDA_TILED_CUH
#define LEHR_CUDA_TILED_CUH

#include "cuda/decide.cuh"
#include "cuda/propose.cuh"
#include "cuda/tiled.h"

#define LEHR_TILED_THREADS 256

/* ---- Proposals ---- */

__device__ __forceinline__ lehr_drafting lehr_tiled_draft(const lehr_tiled_args *a, lehr_i64 row)
{
    const lehr_table *t = &a->rows.table;
    const lehr_drafting draft = {t->theta + row * t->parameters,
                                 a->proposed + row * t->parameters,
                                 t->parameters,
                                 a->energy->weights,
                                 (lehr_i32)threadIdx.x,
                                 LEHR_TILED_THREADS};
    return draft;
}

extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_propose_kernel(lehr_tiled_args a)
{
    const lehr_table *t = &a.rows.table;
    const lehr_i64 row = a.first + (lehr_i64)blockIdx.x;
    const lehr_group *g = &t->group[a.rows.row_group[row]];
    lehr_team_state *state = &a.state[row];
    if (lehr_rests(g, a.scan))
        return; /* the whole block */
    const lehr_drafting d = lehr_tiled_draft(&a, row);
    const lehr_proposal p = lehr_propose(g, a.energy, a.scan);
    if (d.rank == 0) {
        if (a.begins)
            lehr_walk_begin(t, g, row, &state->walk);
        state->log_hastings = state->quarter = 0.0;
    }
    const bool whole = lehr_is_whole(&d, &p);
    if (!whole)
        lehr_copy_own(&d, d.theta, d.proposed);
    __syncthreads(); /* the walk; and all parameters, of which any thread may change any */
    const lehr_stream stream = lehr_row_stream(g->key, a.scan, state->walk.number);
    const float sigma = lehr_walk_step(&state->walk, g, p.move, a.scan);
    if (whole)
        lehr_perturb_own(&d, &p, stream, sigma);
    else if (p.picks == 0)
        lehr_perturb_places(&d, &p, stream, sigma);
    else if (d.rank == 0)
        state->log_hastings = lehr_pick_all(&d, &p, stream, sigma);
}

/* ---- One layer ---- */

/* Inputs [depth, depth+16) of 64 outputs' weights and of 64 points, zero where there are none. */
typedef struct lehr_dense_slab {
    float w[LEHR_DENSE_DEPTH]
           [LEHR_DENSE_TILE + 1]; /* +1: threads of a warp write to different banks */
    float x[LEHR_DENSE_DEPTH][LEHR_DENSE_TILE];
} lehr_dense_slab;

/* Input and output of a layer for one row. Where activations are kept, input `sub` stands elsewhere. */
typedef struct lehr_dense_ends {
    const float *x, *other;
    float *to;
    lehr_i32 sub;
} lehr_dense_ends;

__device__ __forceinline__ lehr_dense_ends lehr_dense_ends_of(const lehr_dense_args *a,
                                                              lehr_i64 row)
{
    lehr_dense_ends e = {a->from + row * a->from_row, nullptr, a->to + row * a->to_row, -1};
    if (!a->kept.act)
        return e;
    const lehr_i64 number = a->first_row + row;
    const lehr_keeping k = lehr_keeping_of(&a->kept, a->network, number, a->kept.side[number],
                                           a->touch);
    e.to = lehr_kept_layer(&k, a->layer, 1);
    if (a->layer == 0)
        return e;
    const lehr_i32 below = a->layer - 1;
    const int column = below == a->touch.layer && lehr_kept_column(a->network, a->touch);
    e.x = lehr_kept_layer(&k, below, below >= a->touch.layer && !column);
    e.other = lehr_kept_layer(&k, below, 1);
    e.sub = column ? a->touch.unit : -1;
    return e;
}

__device__ __forceinline__ void lehr_dense_load(const lehr_dense_args *a, const float *w,
                                                const lehr_dense_ends *e, int depth,
                                                lehr_dense_slab *slab)
{
    const int first_output = (int)blockIdx.y * LEHR_DENSE_TILE;
    const int first_point = (int)blockIdx.x * LEHR_DENSE_TILE;
    for (int k = (int)threadIdx.x; k < LEHR_DENSE_DEPTH * LEHR_DENSE_TILE;
         k += LEHR_TILED_THREADS) {
        const int i = k % LEHR_DENSE_DEPTH, o = k / LEHR_DENSE_DEPTH;
        const bool there = depth + i < a->inputs && first_output + o < a->outputs;
        slab->w[i][o] = there ? w[(lehr_i64)(first_output + o) * a->inputs + depth + i] : 0.0f;
        const int j = k / LEHR_DENSE_TILE, n = k % LEHR_DENSE_TILE;
        const float *x = depth + j == e->sub ? e->other : e->x;
        slab->x[j][n] = depth + j < a->inputs
                            ? x[(lehr_i64)(depth + j) * a->stride + first_point + n]
                            : 0.0f;
    }
}

/* The thread's 4 x 4 chains over the inputs of a slab: outputs o+16 r, points 4 n to 4 n+3. */
__device__ __forceinline__ void lehr_dense_chains(const lehr_dense_slab *slab, int count, int o,
                                                  int n, float (&sum)[4][4])
{
    for (int i = 0; i < count; i++) {
        float x[4];
#pragma unroll
        for (int c = 0; c < 4; c++)
            x[c] = slab->x[i][4 * n + c];
#pragma unroll
        for (int r = 0; r < 4; r++) {
            const float w = slab->w[i][o + 16 * r];
#pragma unroll
            for (int c = 0; c < 4; c++)
                sum[r][c] = lehr_fma(w, x[c], sum[r][c]);
        }
    }
}

__device__ __forceinline__ void lehr_dense_store(const lehr_dense_args *a, float *to, int o, int n,
                                                 const float (&sum)[4][4])
{
#pragma unroll
    for (int r = 0; r < 4; r++)
        if (o + 16 * r < a->outputs)
#pragma unroll
            for (int c = 0; c < 4; c++)
                to[(lehr_i64)(o + 16 * r) * a->stride + 4 * n + c] = lehr_activate(a->activation,
                                                                                   sum[r][c]);
}

extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_dense_kernel(lehr_dense_args a)
{
    __shared__ lehr_dense_slab slab;
    const lehr_i64 row = (lehr_i64)blockIdx.z;
    const float *w = a.weights + row * a.weights_row;
    const lehr_dense_ends ends = lehr_dense_ends_of(&a, row);
    const int o = (int)threadIdx.x / 16, n = (int)threadIdx.x % 16;
    const int output = (int)blockIdx.y * LEHR_DENSE_TILE + o;
    float sum[4][4];
#pragma unroll
    for (int r = 0; r < 4; r++)
#pragma unroll
        for (int c = 0; c < 4; c++)
            sum[r][c] = a.bias >= 0 && output + 16 * r < a.outputs ? w[a.bias + output + 16 * r]
                                                                   : 0.0f;
    for (int depth = 0; depth < a.inputs; depth += LEHR_DENSE_DEPTH) {
        __syncthreads(); /* the slab before is used up */
        lehr_dense_load(&a, w, &ends, depth, &slab);
        __syncthreads();
        const int left = a.inputs - depth;
        lehr_dense_chains(&slab, left < LEHR_DENSE_DEPTH ? left : LEHR_DENSE_DEPTH, o, n, sum);
    }
    lehr_dense_store(&a, ends.to, output, (int)blockIdx.x * (LEHR_DENSE_TILE / 4) + n, sum);
}

/* ---- One unit ---- */

/* The outputs of the touched unit, one thread = one point; of the last layer the others are copied. */
extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_unit_kernel(lehr_tiled_args a)
{
    const lehr_network *n = &a.energy->network;
    const lehr_i64 row = a.first + (lehr_i64)blockIdx.y;
    const lehr_i32 index = (lehr_i32)(blockIdx.x * LEHR_TILED_THREADS + threadIdx.x);
    const lehr_i32 l = a.touch.layer;
    if (index >= a.data.stride)
        return;
    const lehr_keeping k = lehr_keeping_of(&a.kept, n, row, a.kept.side[row], a.touch);
    const float *below = l > 0 ? lehr_kept_layer(&k, l - 1, 0) : a.data.x;
    const lehr_mended from = {below + index, nullptr, a.data.stride, -1};
    const float *old = lehr_kept_layer(&k, l, 0) + index;
    float *to = lehr_kept_layer(&k, l, 1) + index;
    lehr_kept_outputs<1>(&k, l, a.weights + row * a.energy->parameters, a.touch.unit, from, to);
    for (lehr_i32 o = 0; l + 1 == n->layers && o < n->size[l + 1]; o++)
        if (o != a.touch.unit)
            to[(lehr_i64)o * k.stride] = old[(lehr_i64)o * k.stride];
}

/* ---- Losses ---- */

/* Loss, or right answer, of a point whose outputs stand in memory. */
template <bool HITS> struct lehr_output_element {
    const lehr_energy_args *energy;
    const float *z; /* [K,stride] */
    const lehr_cuda_points *data;
    lehr_loss_scale scale;

    __device__ __forceinline__ float operator()(lehr_i32 n) const
    {
        if (HITS)
            return lehr_hit_point(energy->loss, energy->outputs, z + n, data->y + n, data->stride);
        return lehr_loss_point(energy->loss, scale, energy->outputs, z + n, data->y + n,
                               data->stride);
    }
};

/* The points of one chunk, numbered from its first. */
template <class ELEMENT> struct lehr_shifted_element {
    ELEMENT element;
    lehr_i32 start;

    __device__ __forceinline__ float operator()(lehr_i32 n) const
    {
        return element(start + n);
    }
};

template <bool HITS>
__device__ __forceinline__ void lehr_tiled_chunk(const lehr_tiled_args *a, float *lane, float *sums)
{
    const lehr_network *net = &a->energy->network;
    const int last_is_odd = (net->layers - 1) % 2;
    const lehr_i64 in_batch = (lehr_i64)blockIdx.y;
    const float *z = last_is_odd ? a->odd + in_batch * a->odd_row
                                 : a->even + in_batch * a->even_row;
    if (a->kept.act) {
        const lehr_i64 row = a->first + in_batch;
        const lehr_keeping k = lehr_keeping_of(&a->kept, net, row, a->kept.side[row], a->touch);
        z = lehr_kept_layer(&k, net->layers - 1, 1);
    }
    const lehr_i32 start = (lehr_i32)blockIdx.x * LEHR_CHUNK;
    const lehr_i32 left = lehr_subset_count(&a->data, a->quarter) - start;
    const lehr_output_element<HITS> outputs = {a->energy, z, &a->data,
                                               lehr_loss_prepare(a->energy)};
    const lehr_subset_element<lehr_output_element<HITS>> subset = {outputs, a->quarter != 0};
    const lehr_shifted_element<lehr_subset_element<lehr_output_element<HITS>>> element = {subset,
                                                                                          start};
    const double sum = lehr_team_sum<LEHR_TILED_THREADS>(left < LEHR_CHUNK ? left : LEHR_CHUNK,
                                                         lane, element);
    if (threadIdx.x == 0)
        sums[(a->first + in_batch) * gridDim.x + blockIdx.x] = (float)sum; /* one chunk: a float */
}

extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_losses_kernel(lehr_tiled_args a)
{
    __shared__ float lane[LEHR_LANES];
    lehr_tiled_chunk<false>(&a, lane, a.losses);
}

extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_hits_kernel(lehr_tiled_args a)
{
    __shared__ float lane[LEHR_LANES];
    lehr_tiled_chunk<true>(&a, lane, a.hits);
}

/* ---- Decisions and scores ---- */

/* Sums of chunks in chunk order. */
__device__ __forceinline__ double lehr_chunk_total(const float *sums, lehr_i64 row, lehr_i32 points)
{
    const lehr_i64 chunks = lehr_chunks(points);
    double total = 0.0;
    for (lehr_i64 c = 0; c < chunks; c++)
        total += (double)sums[row * chunks + c];
    return total;
}

/* E and U of a row of a->weights, from sums over all points or over the quarter; valid in rank 0. */
__device__ __forceinline__ lehr_energies lehr_tiled_energies(const lehr_tiled_args *a, lehr_i64 row,
                                                             const float *sums, bool quarter,
                                                             float *lane)
{
    const lehr_weighing w = {
        a->energy, &a->data, nullptr, lane, nullptr, nullptr, {0, nullptr, nullptr, nullptr}};
    const lehr_i32 points = lehr_subset_count(&a->data, quarter);
    const double loss = lehr_chunk_total(sums, row, points);
    const lehr_sizes sizes = lehr_team_sizes<LEHR_TILED_THREADS>(
        &w, a->weights + row * a->energy->parameters);
    return lehr_energies_from(a->energy, lehr_reduce(a->energy, loss, points), sizes);
}

extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_decide_kernel(lehr_tiled_args a)
{
    __shared__ float lane[LEHR_LANES];
    const lehr_table *t = &a.rows.table;
    const lehr_i64 row = a.first + (lehr_i64)blockIdx.x;
    const lehr_group *g = &t->group[a.rows.row_group[row]];
    lehr_team_state *state = &a.state[row];
    if (lehr_rests(g, a.scan))
        return; /* the whole block; what the layers made of old weights is nobody's */
    const lehr_drafting d = lehr_tiled_draft(&a, row);
    lehr_energies q = {0.0, 0.0};
    if (g->delayed)
        q = lehr_tiled_energies(&a, row, a.hits, true, lane);
    const lehr_energies e = lehr_tiled_energies(&a, row, a.losses, false, lane);
    if (d.rank == 0) {
        const lehr_i32 move = lehr_propose(g, a.energy, a.scan).move;
        const lehr_stream stream = lehr_row_stream(g->key, a.scan, state->walk.number);
        state->outcome = LEHR_PASSED;
        if (g->delayed)
            lehr_decide_first(g, state, move, stream, q);
        lehr_draw_last(g, state, stream);
        if (state->outcome & LEHR_PASSED)
            lehr_decide_row(g, t, state, move, a.scan, e);
        if (a.ends)
            lehr_walk_end(&state->walk, g, t);
    }
    lehr_u64 side = 0;
    if (a.kept.act)
        side = a.kept.side[row];
    __syncthreads(); /* the outcome; and all have read the side */
    if (state->outcome & LEHR_TOOK)
        lehr_copy_own(&d, d.proposed, t->theta + row * t->parameters);
    if (a.kept.act && (state->outcome & LEHR_TOOK)) {
        const lehr_network *n = &a.energy->network;
        const lehr_keeping k = lehr_keeping_of(&a.kept, n, row, side, a.touch);
        lehr_kept_merge(&k, a.data.points, d.rank, LEHR_TILED_THREADS);
        if (d.rank == 0)
            a.kept.side[row] = side ^ lehr_kept_turns(n, a.touch);
    }
    if (state->outcome & LEHR_BETTERED)
        lehr_copy_own(&d, d.proposed, t->best + row * t->parameters);
}

extern "C" __global__ void __launch_bounds__(LEHR_TILED_THREADS)
    lehr_tiled_score_kernel(lehr_tiled_args a)
{
    __shared__ float lane[LEHR_LANES];
    const lehr_i64 row = a.first + (lehr_i64)blockIdx.x;
    const lehr_energies e = lehr_tiled_energies(&a, row, a.losses, a.quarter != 0, lane);
    if (threadIdx.x != 0)
        return;
    const lehr_i32 points = lehr_subset_count(&a.data, a.quarter != 0);
    lehr_cuda_score score;
    score.energy = e.energy;
    score.prior = e.prior;
    score.loss = lehr_chunk_total(a.losses, row, points);
    score.hits = lehr_chunk_total(a.hits, row, points);
    a.score[row] = score;
}

#endif
