/* cuda_runtime.h: the CUDA device language for g++, so that a kernel file compiles and runs on fibers.
 *
 *     g++ -std=c++17 -x c++ -I tests/device/shim -I tests ... kernels.cu
 *
 * with this folder before the toolkit's; then link with copies, fibers, launch, memory, runtime, state, switch
 * and waits (.cpp) of tests/device.
 * Three things differ from CUDA, and the kernels keep to them:
 *   dynamic shared memory   LEHR_DYN_SHARED(type, name), since `extern __shared__` cannot be imitated
 *   launches                lehr_shim_launch(...), since <<<>>> is no C++
 *   __shared__ variables    only in functions that are neither templates nor `inline` with outside linkage:
 *                           they share one section, which starts as NaN in every block. With ASan compile with
 *                           -fsanitize-sections=lehr_shared, so that they have red zones.
 * Not here: textures, cooperative groups, clusters, half precision, inline PTX.                             */
#ifndef LEHR_SHIM_CUDA_RUNTIME_H
#define LEHR_SHIM_CUDA_RUNTIME_H

#define LEHR_SHIM 1

#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#if !__has_include("device/fibers.h")
#error "the folder tests is not on the include path (-I tests)"
#endif
#include "device/fibers.h"
#include "device/runtime.h"
#include "device/warp.h"

/* ---- words of the language ---- */

#define __host__
#define __device__
#define __global__
#define __constant__    static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    /* libstdc++ itself writes __attribute__((__noinline__)) */
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __grid_constant__
#define __shared__                  static __attribute__((section("lehr_shared")))
#define LEHR_DYN_SHARED(type, name) type *name = reinterpret_cast<type *>(fibers::shared())

#define threadIdx (fibers::current->thread)
#define blockIdx  (fibers::current->block)
#define blockDim  (fibers::block_size)
#define gridDim   (fibers::grid_size)
#define warpSize  32

/* ---- vectors ---- */

using uint3 = fibers::Index3;
struct alignas(8) int2 {
    int x, y;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(8) float2 {
    float x, y;
};
struct float3 {
    float x, y, z;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};

static inline float2 make_float2(float x, float y)
{
    return {x, y};
}
static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}
static inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}
static inline int2 make_int2(int x, int y)
{
    return {x, y};
}
static inline int4 make_int4(int x, int y, int z, int w)
{
    return {x, y, z, w};
}
static inline double2 make_double2(double x, double y)
{
    return {x, y};
}

/* ---- barriers and warps: macros, since errors name the line of the call ---- */

#define __syncthreads()           fibers::barrier(LEHR_HERE)
#define __syncthreads_and(p)      fibers::barrier_reduce(fibers::Reduce::all, (p), LEHR_HERE)
#define __syncthreads_or(p)       fibers::barrier_reduce(fibers::Reduce::any, (p), LEHR_HERE)
#define __syncthreads_count(p)    fibers::barrier_reduce(fibers::Reduce::count, (p), LEHR_HERE)
#define __syncwarp                (fibers::SyncWarp{LEHR_HERE}) /* (mask), or () */
#define __shfl_sync(...)          fibers::shuffle_index(LEHR_HERE, __VA_ARGS__)
#define __shfl_xor_sync(...)      fibers::shuffle_xor(LEHR_HERE, __VA_ARGS__)
#define __shfl_down_sync(...)     fibers::shuffle_down(LEHR_HERE, __VA_ARGS__)
#define __shfl_up_sync(...)       fibers::shuffle_up(LEHR_HERE, __VA_ARGS__)
#define __ballot_sync(mask, p)    fibers::ballot(LEHR_HERE, (mask), (p))
#define __any_sync(mask, p)       (fibers::ballot(LEHR_HERE, (mask), (p)) != 0)
#define __all_sync(mask, p)       (fibers::ballot(LEHR_HERE, (mask), (p)) == (mask))
#define __match_any_sync(mask, v) fibers::match_any(LEHR_HERE, (mask), (v))
#define LEHR_SHIM_REDUCE(mask, v, join)                                                            \
    fibers::reduce(LEHR_HERE, (mask), (v), [](auto a, auto b) { return join; })
#define __reduce_add_sync(mask, v) LEHR_SHIM_REDUCE(mask, v, a + b)
#define __reduce_max_sync(mask, v) LEHR_SHIM_REDUCE(mask, v, a > b ? a : b)
#define __reduce_min_sync(mask, v) LEHR_SHIM_REDUCE(mask, v, a < b ? a : b)
#define __reduce_or_sync(mask, v)  LEHR_SHIM_REDUCE(mask, v, a | b)
#define __reduce_and_sync(mask, v) LEHR_SHIM_REDUCE(mask, v, a &b)

#define __threadfence()       __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __threadfence_block() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __trap()              fibers::fail("__trap at %s:%d", __FILE__, __LINE__)

/* ---- atomics: relaxed, as on the device ---- */

template <class T, class Change> static inline T lehr_shim_atomic(T *address, Change change)
{
    T old, wanted;
    __atomic_load(address, &old, __ATOMIC_RELAXED);
    do {
        wanted = change(old);
    } while (!__atomic_compare_exchange(address, &old, &wanted, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    return old;
}

/* The operand's type is that of the address, as in CUDA's overloads. */
template <class T> using lehr_shim_same = typename std::common_type<T>::type;

template <class T> static inline T atomicAdd(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return (T)(old + value); });
}
template <class T> static inline T atomicSub(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return (T)(old - value); });
}
template <class T> static inline T atomicMax(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return old > value ? old : value; });
}
template <class T> static inline T atomicMin(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return old < value ? old : value; });
}
template <class T> static inline T atomicOr(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return (T)(old | value); });
}
template <class T> static inline T atomicAnd(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return (T)(old & value); });
}
template <class T> static inline T atomicExch(T *address, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T) { return value; });
}
template <class T>
static inline T atomicCAS(T *address, lehr_shim_same<T> expected, lehr_shim_same<T> value)
{
    return lehr_shim_atomic(address, [=](T old) { return old == expected ? value : old; });
}

/* ---- bits and numbers ---- */

static inline unsigned __float_as_uint(float x)
{
    return (unsigned)fibers::to_word(x);
}
static inline int __float_as_int(float x)
{
    return (int)fibers::to_word(x);
}
static inline float __uint_as_float(unsigned bits)
{
    return fibers::from_word<float>(bits);
}
static inline float __int_as_float(int bits)
{
    return fibers::from_word<float>((unsigned)bits);
}
static inline long long __double_as_longlong(double x)
{
    return (long long)fibers::to_word(x);
}
static inline double __longlong_as_double(long long bits)
{
    return fibers::from_word<double>((uint64_t)bits);
}
static inline unsigned __umulhi(unsigned a, unsigned b)
{
    return (unsigned)((uint64_t)a * b >> 32);
}
static inline int __popc(unsigned bits)
{
    return __builtin_popcount(bits);
}
static inline int __popcll(unsigned long long bits)
{
    return __builtin_popcountll(bits);
}
static inline int __ffs(int bits)
{
    return __builtin_ffs(bits);
}
static inline int __clz(int bits)
{
    return bits ? __builtin_clz((unsigned)bits) : 32;
}
static inline unsigned __brev(unsigned bits)
{
    unsigned result = 0;
    for (int i = 0; i < 32; i++)
        result |= (bits >> i & 1) << (31 - i);
    return result;
}
template <class T> static inline T __ldg(const T *address)
{
    return *address;
}

static inline float __fadd_rn(float a, float b)
{
    return a + b;
}
static inline float __fmul_rn(float a, float b)
{
    return a * b;
}
static inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}
static inline double __dadd_rn(double a, double b)
{
    return a + b;
}
static inline double __dmul_rn(double a, double b)
{
    return a * b;
}
static inline double __fma_rn(double a, double b, double c)
{
    return fma(a, b, c);
}
static inline float __fdividef(float a, float b)
{
    return a / b;
}
static inline float __saturatef(float x)
{
    return !(x > 0) ? 0 : x > 1 ? 1 : x; /* NaN becomes 0 */
}
static inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}

/* The fast functions of the device, here as good as the slow ones. glibc has functions of these names. */
#define __expf expf
#define __logf logf
#define __sinf sinf
#define __cosf cosf

template <class A, class B> static inline typename std::common_type<A, B>::type min(A a, B b)
{
    return a < b ? a : b;
}
template <class A, class B> static inline typename std::common_type<A, B>::type max(A a, B b)
{
    return a > b ? a : b;
}

/* ---- host side: C++ forms of the C interface ---- */

template <class T> static inline cudaError_t cudaMalloc(T **pointer, size_t bytes)
{
    return cudaMalloc(reinterpret_cast<void **>(pointer), bytes);
}
template <class... P>
static inline cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute,
                                               int value)
{
    return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), attribute, value);
}
template <class... P>
static inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes,
                                                void (*kernel)(P...))
{
    return cudaFuncGetAttributes(attributes, reinterpret_cast<const void *>(kernel));
}
template <class... P>
static inline cudaError_t
cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void (*kernel)(P...), int threads,
                                              size_t dynamic_shared)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks, reinterpret_cast<const void *>(kernel), threads, dynamic_shared);
}

/* ---- launches ---- */

template <class T>
static inline void lehr_shim_check(const char *kernel, int number, const T &value)
{
    if constexpr (std::is_pointer<T>::value)
        runtime::check_pointer(kernel, number, (const void *)value);
    else
        runtime::check_argument(kernel, number, &value, sizeof value);
}

/* Launch `kernel` with these arguments, which are copied as CUDA copies them. Counts as one call of the runtime,
 * may be told to fail, and leaves its error for cudaGetLastError, as <<<>>> does. */
template <class... P, class... A>
static inline cudaError_t lehr_shim_launch(const char *name, void (*kernel)(P...), dim3 grid,
                                           dim3 block, size_t shared, cudaStream_t stream,
                                           A &&...arguments)
{
    runtime::Entry entry(name);
    if (entry.failed())
        return entry.status();
    std::tuple<std::decay_t<P>...> copies{static_cast<P>(arguments)...};
    int number = 0;
    std::apply([&](const auto &...one) { (lehr_shim_check(name, number++, one), ...); }, copies);
    const runtime::Launch launch = {
        {name, {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared},
        shared,
        runtime::dynamic_limit(reinterpret_cast<const void *>(kernel)),
        stream};
    return entry.done(runtime::launch(launch, [kernel, copies] { std::apply(kernel, copies); }));
}

#endif
