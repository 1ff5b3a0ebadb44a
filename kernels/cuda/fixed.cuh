/* fixed.cuh: a network on data with its shape as constants: what NVRTC compiles for one run.
 *
 * The chains of all outputs of a layer (of 32 at a time when it is wider) run side by side in registers, and
 * weights are read as 16-byte words where they stand so. Activations stand in shared memory as in points.cuh.
 * The constants are macros that jit.c defines:
 *     LEHR_FIXED_LAYERS, LEHR_FIXED_SIZES (inputs, widths, outputs), LEHR_FIXED_BIAS,
 *     LEHR_FIXED_ACTIVATION, LEHR_FIXED_OUTPUT, LEHR_FIXED_LOSS, LEHR_FIXED_TARGETS                 */
#ifndef LEHR_CUDA_FIXED_CUH
#define LEHR_CUDA_FIXED_CUH

#include "cuda/points.cuh"

#define LEHR_FIXED_TILE 32 /* chains of a thread side by side */

__host__ __device__ constexpr int lehr_fixed_size(int l)
{
    const int size[] = {LEHR_FIXED_SIZES};
    return size[l];
}

__host__ __device__ constexpr int lehr_fixed_offset(int l)
{
    return l == 0 ? 0
                  : lehr_fixed_offset(l - 1) +
                        lehr_fixed_size(l) * (lehr_fixed_size(l - 1) + LEHR_FIXED_BIAS);
}

/* Outputs of the widest layer from l on. */
__host__ __device__ constexpr int lehr_fixed_widest(int l)
{
    return l > LEHR_FIXED_LAYERS                           ? 0
           : lehr_fixed_size(l) > lehr_fixed_widest(l + 1) ? lehr_fixed_size(l)
                                                           : lehr_fixed_widest(l + 1);
}

/* Weights of inputs i to i+COUNT-1 of one output. WIDE: they stand at a multiple of 16 bytes. */
template <int COUNT, bool WIDE>
__device__ __forceinline__ void lehr_fixed_weights(const float *from, float (&w)[4])
{
    if constexpr (WIDE) {
        const float4 four = *reinterpret_cast<const float4 *>(from);
        w[0] = four.x;
        w[1] = four.y;
        w[2] = four.z;
        w[3] = four.w;
    } else {
#pragma unroll
        for (int j = 0; j < COUNT; j++)
            w[j] = from[j];
    }
}

/* TILE chains over COUNT inputs from the i-th on; w: weights [TILE,INPUTS]. */
template <int TILE, int INPUTS, int COUNT, bool WIDE>
__device__ __forceinline__ void lehr_fixed_step(const float *w, int i, lehr_strided from,
                                                float (&sum)[TILE])
{
    float x[4];
#pragma unroll
    for (int j = 0; j < COUNT; j++)
        x[j] = from.value[(lehr_i64)(i + j) * from.step];
#pragma unroll
    for (int o = 0; o < TILE; o++) {
        float four[4];
        lehr_fixed_weights<COUNT, WIDE>(w + o * INPUTS + i, four);
#pragma unroll
        for (int j = 0; j < COUNT; j++)
            sum[o] = lehr_fma(four[j], x[j], sum[o]);
    }
}

/* Activate in place. tanh: the parts of all quotients first, since each division ends in a branch. */
template <int KIND, int TILE> __device__ __forceinline__ void lehr_fixed_activate(float (&z)[TILE])
{
    if constexpr (KIND == LEHR_ACTIVATION_TANH) {
        float bottom[TILE];
#pragma unroll
        for (int o = 0; o < TILE; o++)
            z[o] = lehr_tanh_top(z[o], &bottom[o]);
#pragma unroll
        for (int o = 0; o < TILE; o++)
            z[o] = z[o] / bottom[o];
    } else {
#pragma unroll
        for (int o = 0; o < TILE; o++)
            z[o] = lehr_activate(KIND, z[o]);
    }
}

/* Outputs FIRST to FIRST+TILE-1 of layer L. */
template <int L, int FIRST, int TILE, int THREADS>
__device__ __forceinline__ void lehr_fixed_tile(const float *theta, lehr_strided from, float *to)
{
    constexpr int kind = L + 1 == LEHR_FIXED_LAYERS ? LEHR_FIXED_OUTPUT : LEHR_FIXED_ACTIVATION;
    constexpr int inputs = lehr_fixed_size(L), whole = inputs / 4 * 4;
    constexpr bool wide = inputs % 4 == 0 && lehr_fixed_offset(L) % 4 == 0;
    const float *w = theta + lehr_fixed_offset(L) + FIRST * inputs;
    const float *bias = theta + lehr_fixed_offset(L) + inputs * lehr_fixed_size(L + 1) + FIRST;
    float sum[TILE];
#pragma unroll
    for (int o = 0; o < TILE; o++)
        sum[o] = LEHR_FIXED_BIAS ? bias[o] : 0.0f;
    if constexpr (whole > 0)
#pragma unroll 1
        for (int i = 0; i < whole; i += 4)
            lehr_fixed_step<TILE, inputs, 4, wide>(w, i, from, sum);
    if constexpr (whole < inputs)
        lehr_fixed_step<TILE, inputs, inputs - whole, false>(w, whole, from, sum);
    lehr_fixed_activate<kind>(sum);
#pragma unroll
    for (int o = 0; o < TILE; o++)
        to[(FIRST + o) * THREADS] = sum[o];
}

/* Outputs FIRST and above of layer L. */
template <int L, int FIRST, int THREADS>
__device__ __forceinline__ void lehr_fixed_tiles(const float *theta, lehr_strided from, float *to)
{
    constexpr int left = lehr_fixed_size(L + 1) - FIRST;
    if constexpr (left > 0) {
        constexpr int tile = left < LEHR_FIXED_TILE ? left : LEHR_FIXED_TILE;
        lehr_fixed_tile<L, FIRST, tile, THREADS>(theta, from, to);
        lehr_fixed_tiles<L, FIRST + tile, THREADS>(theta, from, to);
    }
}

/* Layer L and those above it; the outputs of the last one stand at the returned place. */
template <int L, int THREADS>
__device__ __forceinline__ const float *lehr_fixed_layers(const float *theta, lehr_strided from,
                                                          float *to, float *next)
{
    if constexpr (L == LEHR_FIXED_LAYERS) {
        return from.value;
    } else {
        lehr_fixed_tiles<L, 0, THREADS>(theta, from, to);
        const lehr_strided here = {to, THREADS};
        return lehr_fixed_layers<L + 1, THREADS>(theta, here, next, to);
    }
}

/* The loss of single points under some weights, theta aligned to 16 bytes: an element of a sum. */
template <int THREADS> struct lehr_fixed_element {
    const float *theta; /* [P] */
    const lehr_cuda_points *data;
    lehr_loss_scale scale;
    float *a, *b, *target; /* this thread's columns */

    __device__ __forceinline__ float operator()(lehr_i32 index) const
    {
        const lehr_strided x = {data->x + index, data->stride};
        const float *z = lehr_fixed_layers<0, THREADS>(theta, x, a, b);
#pragma unroll
        for (int k = 0; k < LEHR_FIXED_TARGETS; k++)
            target[k * THREADS] = data->y[(lehr_i64)k * data->stride + index];
        return lehr_loss_point(LEHR_FIXED_LOSS, scale, lehr_fixed_size(LEHR_FIXED_LAYERS), z,
                               target, THREADS);
    }
};

#endif
