/* points.cuh: a network on data, one point per thread at a time, for any shape.
 *
 * Activations stand in shared memory, value u of thread t at [u*THREADS + t], so that a warp reads and
 * writes without bank conflicts. Weights are read by all threads at once (broadcast). fixed.cuh does the
 * same with the shape as constants and activations in registers.                                    */
#ifndef LEHR_CUDA_POINTS_CUH
#define LEHR_CUDA_POINTS_CUH

#include "core/loss.h"
#include "core/network.h"
#include "cuda/args.h"
#include "cuda/team.cuh"

#define LEHR_OUTPUT_TILE 8 /* outputs whose chains run side by side */

/* A layer's inputs and outputs of one thread, element u at [u*step]. */
typedef struct lehr_strided {
    const float *value;
    lehr_i32 step;
} lehr_strided;

/* TILE chains from w[TILE,inputs] over one point, then the activation. */
template <int TILE>
__device__ __forceinline__ void lehr_dense_tile(const float *w, const float *bias, lehr_i32 inputs,
                                                lehr_strided from, float (&sum)[TILE])
{
#pragma unroll
    for (int o = 0; o < TILE; o++)
        sum[o] = bias ? bias[o] : 0.0f;
    for (lehr_i32 i = 0; i < inputs; i++) {
        const float x = from.value[(lehr_i64)i * from.step];
#pragma unroll
        for (int o = 0; o < TILE; o++)
            sum[o] = lehr_fma(w[o * inputs + i], x, sum[o]);
    }
}

/* Activate this thread's column [outputs] in place: a short loop, where activations unrolled with the chains
 * would cost more registers than a thread has. */
template <int THREADS>
__device__ __forceinline__ void lehr_activate_column(lehr_i32 kind, lehr_i32 outputs, float *column)
{
    if (kind == LEHR_ACTIVATION_IDENTITY)
        return;
#pragma unroll 4
    for (lehr_i32 o = 0; o < outputs; o++)
        column[o * THREADS] = lehr_activate(kind, column[o * THREADS]);
}

template <int TILE, int THREADS>
__device__ __forceinline__ void lehr_dense_outputs(const lehr_network *n, lehr_i32 layer,
                                                   const float *theta, lehr_i32 first,
                                                   lehr_strided from, float *to)
{
    const lehr_i32 inputs = n->size[layer];
    const float *w = theta + n->offset[layer] + (lehr_i64)first * inputs;
    const float *bias = n->bias ? theta + lehr_bias_offset(n, layer) + first : nullptr;
    float sum[TILE];
    lehr_dense_tile<TILE>(w, bias, inputs, from, sum);
#pragma unroll
    for (int o = 0; o < TILE; o++)
        to[(first + o) * THREADS] = sum[o];
}

/* All layers of point `index`; outputs of this thread stand at the returned place with step THREADS.
 * a, b: this thread's columns of the two activation buffers.                                        */
template <int THREADS>
__device__ __forceinline__ const float *
lehr_network_outputs(const lehr_network *n, const float *theta, const lehr_cuda_points *data,
                     lehr_i32 index, float *a, float *b)
{
    lehr_strided from = {data->x + index, data->stride};
    float *to = a;
    for (lehr_i32 l = 0; l < n->layers; l++) {
        const lehr_i32 outputs = n->size[l + 1];
        lehr_i32 o = 0;
        for (; o + LEHR_OUTPUT_TILE <= outputs; o += LEHR_OUTPUT_TILE)
            lehr_dense_outputs<LEHR_OUTPUT_TILE, THREADS>(n, l, theta, o, from, to);
        for (; o < outputs; o++)
            lehr_dense_outputs<1, THREADS>(n, l, theta, o, from, to);
        lehr_activate_column<THREADS>(lehr_layer_activation(n, l), outputs, to);
        from.value = to;
        from.step = THREADS;
        to = to == a ? b : a;
    }
    return from.value;
}

/* The loss (or, with HITS, the right answer) of single points under some weights: an element of a sum. */
template <int THREADS, bool HITS> struct lehr_point_element {
    const lehr_energy_args *energy;
    const float *theta; /* [P] */
    const lehr_cuda_points *data;
    lehr_loss_scale scale;
    float *a, *b, *target; /* this thread's columns */

    __device__ __forceinline__ float operator()(lehr_i32 index) const
    {
        const float *z = lehr_network_outputs<THREADS>(&energy->network, theta, data, index, a, b);
        for (lehr_i32 k = 0; k < data->targets; k++)
            target[k * THREADS] = data->y[(lehr_i64)k * data->stride + index];
        if (HITS)
            return lehr_hit_point(energy->loss, energy->outputs, z, target, THREADS);
        return lehr_loss_point(energy->loss, scale, energy->outputs, z, target, THREADS);
    }
};

/* act: the team's activations, [even + odd + targets, THREADS]. */
template <int THREADS, bool HITS>
__device__ __forceinline__ lehr_point_element<THREADS, HITS>
lehr_points_of(const lehr_energy_args *energy, const lehr_cuda_points *data,
               const lehr_cuda_room *room, const float *theta, float *act)
{
    float *a = act + lehr_team<THREADS>::rank();
    float *b = a + room->even * THREADS;
    const lehr_point_element<THREADS, HITS> element = {
        energy, theta, data, lehr_loss_prepare(energy), a, b, b + room->odd * THREADS};
    return element;
}

#endif
