/* kept.cuh: a network on data where a proposal touches one unit or some layers: what lies below stands in memory.
 *
 * Every layer of a row has two places. A proposal writes the layers that it works out into the spare ones; when it
 * is accepted these become the current ones (a bit of the row's `side` turns). A single unit's outputs go into
 * its column of the spare place, and are copied into the current one when accepted. Points lie along memory,
 * so a warp reads and writes without gaps; a point is always the same thread's, but in the quarter of a
 * delayed run, whose work is done again.                                                            */
#ifndef LEHR_CUDA_KEPT_CUH
#define LEHR_CUDA_KEPT_CUH

#include "core/proposal.h"
#include "cuda/points.cuh"

/* One row's activations, and what of them a proposal works out. */
typedef struct lehr_keeping {
    const lehr_network *network;
    float *act; /* [2][units,stride] */
    lehr_i64 place;
    lehr_u64 side;
    lehr_i32 stride;
    lehr_touch touch;
} lehr_keeping;

__device__ __forceinline__ lehr_keeping lehr_keeping_of(const lehr_cuda_kept *kept,
                                                        const lehr_network *network, lehr_i64 row,
                                                        lehr_u64 side, lehr_touch touch)
{
    const lehr_keeping k = {
        network, kept->act + 2 * row * kept->place, kept->place, side, kept->stride, touch};
    return k;
}

/* A layer [width,stride] as it is (spare 0), or as a proposal writes it (1). */
__device__ __forceinline__ float *lehr_kept_layer(const lehr_keeping *k, lehr_i32 layer, int spare)
{
    lehr_i64 units = 0;
    for (lehr_i32 l = 0; l < layer; l++)
        units += k->network->size[l + 1];
    return k->act + ((lehr_i64)(k->side >> layer & 1u) ^ spare) * k->place + units * k->stride;
}

/* Is only one column of the first touched layer new, and the rest of it read where it is? The last layer is
 * always written whole, so that the outputs of a point stand in one place.                           */
LEHR_FN int lehr_kept_column(const lehr_network *n, lehr_touch touch)
{
    return touch.unit >= 0 && touch.layer + 1 < n->layers;
}

/* The bits of `side` that turn when a proposal is accepted. */
LEHR_FN lehr_u64 lehr_kept_turns(const lehr_network *n, lehr_touch touch)
{
    lehr_u64 turns = 0;
    for (lehr_i32 l = touch.layer + lehr_kept_column(n, touch); l < n->layers; l++)
        turns |= (lehr_u64)1 << l;
    return turns;
}

/* Inputs of a layer for one point, element i at [i*step]; `sub` stands elsewhere, -1: none does. */
typedef struct lehr_mended {
    const float *value, *other;
    lehr_i32 step, sub;
} lehr_mended;

template <int TILE>
__device__ __forceinline__ void lehr_kept_tile(const float *w, const float *bias, lehr_i32 inputs,
                                               lehr_mended from, float (&sum)[TILE])
{
#pragma unroll
    for (int o = 0; o < TILE; o++)
        sum[o] = bias ? bias[o] : 0.0f;
    for (lehr_i32 i = 0; i < inputs; i++) {
        const float x = (i == from.sub ? from.other : from.value)[(lehr_i64)i * from.step];
#pragma unroll
        for (int o = 0; o < TILE; o++)
            sum[o] = lehr_fma(w[o * inputs + i], x, sum[o]);
    }
}

/* TILE outputs of a layer from `first` on, to[stride apart]. */
template <int TILE>
__device__ __forceinline__ void lehr_kept_outputs(const lehr_keeping *k, lehr_i32 layer,
                                                  const float *theta, lehr_i32 first,
                                                  lehr_mended from, float *to)
{
    const lehr_network *n = k->network;
    const lehr_i32 inputs = n->size[layer], kind = lehr_layer_activation(n, layer);
    const float *w = theta + n->offset[layer] + (lehr_i64)first * inputs;
    const float *bias = n->bias ? theta + lehr_bias_offset(n, layer) + first : nullptr;
    float sum[TILE];
    lehr_kept_tile<TILE>(w, bias, inputs, from, sum);
#pragma unroll
    for (int o = 0; o < TILE; o++)
        to[(lehr_i64)(first + o) * k->stride] = sum[o];
    if (kind == LEHR_ACTIVATION_IDENTITY)
        return;
#pragma unroll 1
    for (int o = 0; o < TILE; o++) {
        float *z = &to[(lehr_i64)(first + o) * k->stride];
        *z = lehr_activate(kind, *z);
    }
}

/* The touched layers of point `index`; its outputs stand at the returned place, stride apart. */
__device__ __forceinline__ const float *lehr_kept_network(const lehr_keeping *k, const float *theta,
                                                          const lehr_cuda_points *data,
                                                          lehr_i32 index)
{
    const lehr_network *n = k->network;
    const lehr_touch touch = k->touch;
    lehr_mended from = {data->x + index, nullptr, data->stride, -1};
    if (touch.layer > 0) {
        from.value = lehr_kept_layer(k, touch.layer - 1, 0) + index;
        from.step = k->stride;
    }
    float *to = nullptr;
    for (lehr_i32 l = touch.layer; l < n->layers; l++) {
        const lehr_i32 outputs = n->size[l + 1];
        const int one = l == touch.layer && touch.unit >= 0;
        const float *old = lehr_kept_layer(k, l, 0) + index;
        to = lehr_kept_layer(k, l, 1) + index;
        lehr_i32 o = one ? touch.unit : 0;
        const lehr_i32 end = one ? o + 1 : outputs;
        for (; o + LEHR_OUTPUT_TILE <= end; o += LEHR_OUTPUT_TILE)
            lehr_kept_outputs<LEHR_OUTPUT_TILE>(k, l, theta, o, from, to);
        for (; o < end; o++)
            lehr_kept_outputs<1>(k, l, theta, o, from, to);
        for (o = 0; one && l + 1 == n->layers && o < outputs; o++)
            if (o != touch.unit)
                to[(lehr_i64)o * k->stride] = old[(lehr_i64)o * k->stride];
        from.value = one ? old : to;
        from.other = to;
        from.sub = one ? touch.unit : -1;
        from.step = k->stride;
    }
    return to;
}

/* The loss of single points: an element of a sum. */
template <int THREADS> struct lehr_kept_element {
    const lehr_energy_args *energy;
    const float *theta; /* [P] */
    const lehr_cuda_points *data;
    const lehr_keeping *keeping;
    lehr_loss_scale scale;
    float *outputs, *target; /* this thread's columns */

    __device__ __forceinline__ float operator()(lehr_i32 index) const
    {
        const float *z = lehr_kept_network(keeping, theta, data, index);
        for (lehr_i32 o = 0; o < energy->outputs; o++)
            outputs[o * THREADS] = z[(lehr_i64)o * keeping->stride];
        for (lehr_i32 t = 0; t < data->targets; t++)
            target[t * THREADS] = data->y[(lehr_i64)t * data->stride + index];
        return lehr_loss_point(energy->loss, scale, energy->outputs, outputs, target, THREADS);
    }
};

/* After an accepted proposal of one unit: its outputs join those of its layer; thread `rank` of `threads`. */
__device__ __forceinline__ void lehr_kept_merge(const lehr_keeping *k, lehr_i32 points,
                                                lehr_i32 rank, lehr_i32 threads)
{
    if (!lehr_kept_column(k->network, k->touch))
        return;
    const lehr_i64 column = (lehr_i64)k->touch.unit * k->stride;
    float *to = lehr_kept_layer(k, k->touch.layer, 0) + column;
    const float *from = lehr_kept_layer(k, k->touch.layer, 1) + column;
    for (lehr_i32 n = rank; n < points; n += threads)
        to[n] = from[n];
}

#endif
