/* fast.cuh: what is left of a layer after cuBLAS has multiplied: biases and activations.
 *
 * One block = some points of one output after the other of one row; a thread = 4 points, read and written as
 * 16 bytes. Bound by memory: 8 bytes per activation.
 * Budget: 256 threads, no shared memory, no barrier, no spills. The only inline PTX of this folder.  */
#ifndef LEHR_CUDA_FAST_CUH
#define LEHR_CUDA_FAST_CUH

#include "core/activation.h"
#include "cuda/fast.h"
#include "cuda/launch.h"

#define LEHR_FAST_THREADS 256
#define LEHR_FAST_POINTS  4 /* of a thread */

/* The hardware's own: a relative error of at most 2^-11 (PTX ISA, tanh.approx.f32). */
__device__ __forceinline__ float lehr_fast_tanh(float z)
{
#if defined(__CUDA_ARCH__)
    float t;
    asm("tanh.approx.f32 %0, %1;" : "=f"(t) : "f"(z));
    return t;
#else
    return lehr_tanh(z);
#endif
}

__device__ __forceinline__ float lehr_fast_activate(lehr_i32 kind, float z)
{
    return kind == LEHR_ACTIVATION_TANH ? lehr_fast_tanh(z) : lehr_activate(kind, z);
}

extern "C" __global__ void __launch_bounds__(LEHR_FAST_THREADS)
    lehr_fast_activate_kernel(lehr_fast_args a)
{
    const lehr_i32 n = LEHR_FAST_POINTS * (lehr_i32)(blockIdx.x * blockDim.x + threadIdx.x);
    if (n >= a.stride)
        return;
    const lehr_i64 row = (lehr_i64)blockIdx.z;
    const float *bias = a.weights + row * a.weights_row + a.bias;
    for (lehr_i32 o = (lehr_i32)blockIdx.y; o < a.outputs; o += (lehr_i32)gridDim.y) {
        float *z = a.z + (row * a.outputs + o) * a.stride + n;
        const float b = a.bias >= 0 ? bias[o] : 0.0f;
        float4 v = *reinterpret_cast<const float4 *>(z);
        v.x = lehr_fast_activate(a.activation, v.x + b);
        v.y = lehr_fast_activate(a.activation, v.y + b);
        v.z = lehr_fast_activate(a.activation, v.z + b);
        v.w = lehr_fast_activate(a.activation, v.w + b);
        *reinterpret_cast<float4 *>(z) = v;
    }
}

#endif
