/* cases.cu: what the test device promises, one case after another; for g++ only.
 *
 * cases: run all that must hold; exit status 0, or 1 with the lines that failed.
 * cases NAME: one of the faults at the end, which must end the process; test_bugs.sh knows the messages.     */
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "device/control.h"

static int failures;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                   \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

enum { WARP = 32, ALL = -1 };

static bool is_nan(float x)
{
    return x != x;
}

static float *device_floats(size_t count)
{
    float *memory = nullptr;
    EXPECT(cudaMalloc(&memory, count * sizeof *memory) == cudaSuccess);
    return memory;
}

template <class T> static std::vector<T> on_host(const T *device, size_t count)
{
    std::vector<T> host(count);
    EXPECT(cudaMemcpy(host.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost) ==
           cudaSuccess);
    return host;
}

/* ---- the language ---- */

struct out_args {
    int *out;
    int limit;
};

enum { WARP_RESULTS = 12 };

__global__ void warp_kernel(out_args a)
{
    const unsigned all = (unsigned)ALL;
    const int lane = (int)threadIdx.x;
    int *out = a.out + lane * WARP_RESULTS;
    out[0] = __shfl_sync(all, lane * 3, 5);
    out[1] = __shfl_sync(all, lane, lane + 1, 8);
    out[2] = __shfl_xor_sync(all, lane, 6);
    out[3] = __shfl_down_sync(all, lane, 4);
    out[4] = __shfl_up_sync(all, lane, 3, 16);
    out[5] = (int)__ballot_sync(all, lane % 3 == 0);
    out[6] = __any_sync(all, lane == 7) + 2 * __all_sync(all, lane < 31);
    out[7] = (int)__match_any_sync(all, lane & 3);
    out[8] = __reduce_add_sync(all, lane);
    out[9] = __reduce_max_sync(all, lane ^ 21);
    const unsigned half = lane < 16 ? 0xffffu : 0xffff0000u;
    out[10] = __shfl_sync(half, lane, lane < 16 ? 3 : 19);
    __syncwarp();
    out[11] = (int)__shfl_sync(all, (double)lane / 2, 9);
}

static void warp_functions_match_their_definition()
{
    int *device = nullptr;
    cudaMalloc(&device, WARP * WARP_RESULTS * sizeof *device);
    EXPECT(lehr_shim_launch("warp", warp_kernel, 1, WARP, 0, nullptr, out_args{device, 0}) ==
           cudaSuccess);
    const std::vector<int> got = on_host(device, WARP * WARP_RESULTS);
    for (int lane = 0; lane < WARP; lane++) {
        unsigned same = 0, thirds = 0;
        for (int i = 0; i < WARP; i++) {
            same |= (unsigned)((i & 3) == (lane & 3)) << i;
            thirds |= (unsigned)(i % 3 == 0) << i;
        }
        const int expected[WARP_RESULTS] = {15,
                                            (lane & ~7) + (lane + 1) % 8,
                                            lane ^ 6,
                                            lane + 4 < WARP ? lane + 4 : lane,
                                            lane % 16 >= 3 ? lane - 3 : lane,
                                            (int)thirds,
                                            1,
                                            (int)same,
                                            496,
                                            31,
                                            lane < 16 ? 3 : 19,
                                            4};
        for (int k = 0; k < WARP_RESULTS; k++)
            EXPECT(got[(size_t)(lane * WARP_RESULTS + k)] == expected[k]);
    }
    cudaFree(device);
}

__global__ void block_kernel(out_args a)
{
    const int t = (int)threadIdx.x;
    int *out = a.out + blockIdx.x * 8;
    const int some = __syncthreads_or(t == 70), every = __syncthreads_and(t < 70);
    const int count = __syncthreads_count(t % 2);
    atomicAdd(out + 3, t);
    atomicMax(out + 4, t);
    atomicMin(out + 5, -t);
    atomicCAS(out + 6, 0, t + 1);
    if (t == 0) {
        out[0] = some;
        out[1] = every;
        out[2] = count;
    }
    __syncthreads();
    if (t == 0)
        out[7] = atomicExch(out + 6, 0) > 0;
}

static void block_functions_match_their_definition()
{
    const int blocks = 3, threads = 96;
    int *device = nullptr;
    cudaMalloc(&device, blocks * 8 * sizeof *device);
    cudaMemset(device, 0, blocks * 8 * sizeof *device);
    EXPECT(lehr_shim_launch("block", block_kernel, blocks, threads, 0, nullptr,
                            out_args{device, 0}) == cudaSuccess);
    const std::vector<int> got = on_host(device, blocks * 8);
    const int expected[8] = {1, 0, 48, 4560, 95, -95, 0, 1};
    for (size_t i = 0; i < got.size(); i++)
        EXPECT(got[i] == expected[i % 8]);
    cudaFree(device);
}

/* Lanes exchange through shared memory: the barriers of the warp order it. */
__global__ void neighbor_kernel(int *out)
{
    __shared__ int value[2 * WARP];
    const int t = (int)threadIdx.x, neighbor = t ^ 1;
    value[t] = t;
    __syncwarp(); /* ordering */
    const int got = value[neighbor];
    __syncwarp(0xffffffffu); /* ordering */
    value[t] = 100 + got;
    __syncwarp(); /* ordering */
    const int again = value[neighbor];
    __syncwarp(3u << (t & 30)); /* ordering */
    value[t] = 1000 + again;
    __syncwarp();
    out[t] = value[neighbor];
}

static void warp_barriers_order_memory()
{
    int *device = nullptr;
    cudaMalloc(&device, 2 * WARP * sizeof *device);
    EXPECT(lehr_shim_launch("neighbor", neighbor_kernel, 1, 2 * WARP, 0, nullptr, device) ==
           cudaSuccess);
    const std::vector<int> got = on_host(device, 2 * WARP);
    for (int t = 0; t < 2 * WARP; t++)
        EXPECT(got[(size_t)t] == 1100 + (t ^ 1));
    cudaFree(device);
}

/* Is all memory NaN at the start of a block? Then the block writes it. */
__global__ void fresh_kernel(float *seen, float *device)
{
    LEHR_DYN_SHARED(float, dynamic);
    __shared__ float fixed[WARP];
    const unsigned t = threadIdx.x;
    const bool fresh = dynamic[t] != dynamic[t] && fixed[t] != fixed[t];
    const bool old = blockIdx.x > 0 || device[t] != device[t];
    seen[blockIdx.x * WARP + t] = fresh && old;
    dynamic[t] = fixed[t] = 1;
    if (blockIdx.x == 0)
        device[t] = 1;
}

static void memory_starts_as_nan_in_every_block()
{
    float *seen = device_floats(2 * WARP), *device = device_floats(WARP);
    EXPECT(lehr_shim_launch("fresh", fresh_kernel, 2, WARP, WARP * sizeof(float), nullptr, seen,
                            device) == cudaSuccess);
    for (const float one : on_host(seen, 2 * WARP))
        EXPECT(one == 1);
    cudaFree(seen);
    cudaFree(device);
}

/* ---- devices ---- */

static void devices_are_counted_as_told()
{
    int count = 77, value = 0;
    lehr_device_set_count(0);
    EXPECT(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 77);
    EXPECT(cudaSetDevice(0) == cudaErrorNoDevice);
    lehr_device_set_count(-1);
    EXPECT(cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver && count == 77);
    EXPECT(cudaDriverGetVersion(&value) == cudaSuccess && value == 0);
    lehr_device_set_count(3);
    EXPECT(cudaGetDeviceCount(&count) == cudaSuccess && count == 3);
    EXPECT(cudaSetDevice(2) == cudaSuccess && cudaGetDevice(&value) == cudaSuccess && value == 2);
    EXPECT(cudaSetDevice(3) == cudaErrorInvalidDevice &&
           cudaSetDevice(-1) == cudaErrorInvalidDevice);
    EXPECT(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 1) == cudaSuccess);
    EXPECT(value == 132);
    cudaDeviceProp a, b;
    char bus[16];
    EXPECT(cudaGetDeviceProperties(&a, 0) == cudaSuccess && !strcmp(a.name, "lehr test device"));
    EXPECT(cudaGetDeviceProperties(&b, 1) == cudaSuccess && memcmp(&a.uuid, &b.uuid, 16) != 0);
    EXPECT(cudaDeviceGetPCIBusId(bus, sizeof bus, 1) == cudaSuccess &&
           !strcmp(bus, "0000:11:00.0"));
    EXPECT(cudaDeviceGetPCIBusId(bus, 5, 1) == cudaErrorInvalidValue);
}

static void memory_has_a_limit()
{
    size_t available = 0, total = 0;
    void *a = nullptr, *b = nullptr, *none = &a;
    lehr_device_set_memory(1 << 20);
    EXPECT(cudaMalloc(&a, (1 << 20) + 1) == cudaErrorMemoryAllocation && !a);
    EXPECT(cudaMalloc(&a, 1 << 19) == cudaSuccess && cudaMalloc(&b, 1000) == cudaSuccess);
    EXPECT(cudaMemGetInfo(&available, &total) == cudaSuccess && total == 1 << 20);
    EXPECT(available == (1 << 19) - 1024);
    EXPECT(cudaMalloc(&none, available + 1) == cudaErrorMemoryAllocation && none == &a);
    EXPECT(lehr_device_live().allocations == 2 && lehr_device_live().bytes == (1 << 19) + 1024);
    EXPECT(cudaFree(a) == cudaSuccess && cudaFree(b) == cudaSuccess &&
           cudaFree(nullptr) == cudaSuccess);
    EXPECT(cudaFree(&a) == cudaErrorInvalidValue);
    EXPECT(cudaMemGetInfo(&available, &total) == cudaSuccess && available == total);
    EXPECT(lehr_device_live().allocations == 0);
    EXPECT(cudaMalloc(&none, 0) == cudaSuccess && !none);
    lehr_device_set_memory((int64_t)4 << 30);
}

/* ---- copies and streams ---- */

static void copies_are_checked()
{
    float host[8] = {1, 2, 3, 4, 5, 6, 7, 8}, back[8];
    float *device = device_floats(8);
    const size_t all = sizeof host;
    EXPECT(cudaMemcpy(device, host, all, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(host, device, all, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(device, host, all, cudaMemcpyHostToHost) == cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(device + 1, host, all, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
    EXPECT(cudaMemset(device + 1, 0, all) == cudaErrorInvalidValue);
    EXPECT(cudaMemcpy(device, host, all, cudaMemcpyDefault) == cudaSuccess);
    EXPECT(cudaMemcpy2DAsync(back, 4, device + 1, 16, 8, 2, cudaMemcpyDeviceToHost) ==
           cudaErrorInvalidPitchValue);
    EXPECT(cudaMemcpy2DAsync(back, 8, device + 1, 16, 8, 2, cudaMemcpyDeviceToHost) == cudaSuccess);
    EXPECT(cudaStreamSynchronize(nullptr) == cudaSuccess);
    EXPECT(back[0] == 2 && back[1] == 3 && back[2] == 6 && back[3] == 7);
    lehr_device_set_count(2);
    cudaSetDevice(1);
    EXPECT(cudaMemcpy(back, device, all, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    EXPECT(cudaMemset(device, 0, all) == cudaErrorInvalidValue);
    EXPECT(cudaFree(device) == cudaSuccess);
}

static void copies_to_the_host_land_at_the_synchronize()
{
    float source = 4, back = 0;
    float *device = device_floats(1);
    cudaStream_t stream, other;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
    cudaMemcpyAsync(device, &source, sizeof source, cudaMemcpyHostToDevice, stream);
    source = 5; /* pageable: already read */
    cudaMemcpyAsync(&back, device, sizeof back, cudaMemcpyDeviceToHost, stream);
    EXPECT(is_nan(back));
    cudaStreamSynchronize(other);
    cudaStreamSynchronize(nullptr);
    EXPECT(is_nan(back));
    EXPECT(cudaStreamSynchronize(stream) == cudaSuccess && back == 4);
    cudaMemcpyAsync(&back, device, sizeof back, cudaMemcpyDeviceToHost, stream);
    EXPECT(cudaDeviceSynchronize() == cudaSuccess && back == 4);
    cudaStreamDestroy(other);
    cudaStreamDestroy(stream);
    cudaFree(device);
}

__global__ void store_kernel(float *target, float value)
{
    target[threadIdx.x] = value;
}

static cudaError_t store(float *target, unsigned threads, cudaStream_t stream, size_t shared = 0)
{
    return lehr_shim_launch("store", store_kernel, 1, threads, shared, stream, target, 7.0f);
}

static void streams_belong_to_a_device()
{
    cudaStream_t stream;
    lehr_device_set_count(2);
    EXPECT(cudaStreamCreateWithFlags(&stream, 4) == cudaErrorInvalidValue);
    EXPECT(cudaStreamCreate(&stream) == cudaSuccess && lehr_device_live().streams == 1);
    cudaSetDevice(1);
    float *device = device_floats(WARP);
    EXPECT(store(device, WARP, stream) == cudaErrorInvalidResourceHandle);
    EXPECT(cudaGetLastError() == cudaErrorInvalidResourceHandle);
    EXPECT(cudaStreamSynchronize(stream) == cudaSuccess);
    EXPECT(store(device, WARP, nullptr) == cudaSuccess);
    EXPECT(cudaStreamDestroy(stream) == cudaSuccess && lehr_device_live().streams == 0);
    EXPECT(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
    EXPECT(cudaStreamDestroy(stream) == cudaErrorInvalidResourceHandle);
    cudaFree(device);
}

static void launches_are_checked()
{
    float *device = device_floats(1024);
    int blocks = 0;
    cudaFuncAttributes attributes;
    EXPECT(store(device, 1056, nullptr) == cudaErrorInvalidConfiguration);
    EXPECT(store(device, 0, nullptr) == cudaErrorInvalidConfiguration);
    EXPECT(store(device, 1024, nullptr, 49153) == cudaErrorInvalidValue);
    EXPECT(lehr_device_launches() == 0);
    const cudaFuncAttribute most = cudaFuncAttributeMaxDynamicSharedMemorySize;
    EXPECT(cudaFuncSetAttribute(store_kernel, most, 232449) == cudaErrorInvalidValue);
    EXPECT(cudaFuncSetAttribute(store_kernel, most, 232448) == cudaSuccess);
    EXPECT(cudaFuncGetAttributes(&attributes, store_kernel) == cudaSuccess);
    EXPECT(attributes.maxDynamicSharedSizeBytes == 232448);
    EXPECT(store(device, 1024, nullptr, 232448) == cudaSuccess && lehr_device_launches() == 1);
    EXPECT(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, store_kernel, 256, 65536) ==
               cudaSuccess &&
           blocks == 3);
    cudaFree(device);
}

/* ---- ordered failures ---- */

/* Six calls; the number of the first that failed, 0 if none. */
static int work(cudaError_t *code)
{
    float *device = nullptr, back[WARP];
    cudaStream_t stream = nullptr;
    int failed = 0, call = 0;
    const auto note = [&](cudaError_t result) {
        call++;
        if (result && !failed) {
            failed = call;
            *code = result;
        }
        return result == cudaSuccess;
    };
    if (note(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)) &&
        note(cudaMalloc(&device, sizeof back)) && note(store(device, WARP, stream)))
        note(cudaMemcpyAsync(back, device, sizeof back, cudaMemcpyDeviceToHost, stream));
    call = 4;
    if (device)
        note(cudaFree(device));
    call = 5;
    if (stream)
        note(cudaStreamDestroy(stream));
    return failed;
}

static void the_nth_call_fails()
{
    cudaError_t code;
    EXPECT(work(&code) == 0 && lehr_device_calls() == 6);
    for (int n = 1; n <= 6; n++) {
        lehr_device_reset();
        lehr_device_fail_at(n, cudaErrorECCUncorrectable, false);
        EXPECT(work(&code) == n && code == cudaErrorECCUncorrectable);
        EXPECT(cudaPeekAtLastError() == code && cudaGetLastError() == code);
        EXPECT(cudaPeekAtLastError() == cudaSuccess);
        EXPECT(lehr_device_live().allocations == 0 && lehr_device_live().streams == 0);
        EXPECT(work(&code) == 0);
    }
}

static void a_sticky_failure_stays_on_its_device()
{
    void *memory = nullptr;
    lehr_device_set_count(2);
    EXPECT(cudaMalloc(&memory, 64) == cudaSuccess);
    lehr_device_fail_at(2, cudaErrorIllegalAddress, true);
    EXPECT(cudaDeviceSynchronize() == cudaSuccess);
    EXPECT(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    EXPECT(cudaGetLastError() == cudaErrorIllegalAddress);
    EXPECT(cudaGetLastError() == cudaErrorIllegalAddress);
    EXPECT(cudaFree(memory) == cudaErrorIllegalAddress && lehr_device_live().allocations == 0);
    EXPECT(cudaSetDevice(0) == cudaErrorIllegalAddress);
    EXPECT(cudaSetDevice(1) == cudaSuccess && cudaMalloc(&memory, 64) == cudaSuccess);
    EXPECT(cudaGetLastError() == cudaErrorIllegalAddress);
    EXPECT(cudaGetLastError() == cudaSuccess);
    EXPECT(cudaFree(memory) == cudaSuccess);
    EXPECT(!strcmp(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress"));
}

/* ---- faults that must end the process ---- */

struct pointer_args {
    int a, b;
    float *target;
    int at;
};

__global__ void poke_kernel(pointer_args a)
{
    if (threadIdx.x == 0)
        a.target[a.at] = 1;
}

static void poke(float *target, int at, unsigned threads = WARP)
{
    lehr_shim_launch("poke", poke_kernel, 1, threads, 0, nullptr, pointer_args{1, 2, target, at});
}

/* Through a pointer that no bounds checker of the compiler follows. */
static __attribute__((noinline)) void poke_at(float *memory, int at)
{
    memory[at] = 1;
}

__global__ void shared_kernel(int dynamic_at, int static_at)
{
    LEHR_DYN_SHARED(float, dynamic);
    __shared__ float fixed[5];
    if (threadIdx.x == 0) {
        poke_at(dynamic, dynamic_at);
        poke_at(fixed, static_at);
    }
}

__global__ void mask_kernel(int kind)
{
    const int lane = (int)threadIdx.x;
    if (kind == 0)
        __shfl_sync(2u, lane, 1);
    else if (kind == 1 && lane == 0)
        return;
    else if (kind == 2 && lane % 2)
        __ballot_sync((unsigned)ALL, 1);
    __syncwarp();
}

/* A shuffle between a write and a read of shared memory: the lanes meet, but it orders nothing. */
__global__ void shuffle_kernel(int *out)
{
    __shared__ int value[WARP];
    const int lane = (int)threadIdx.x;
    value[lane] = lane;
    const int other = __shfl_xor_sync((unsigned)ALL, lane, 1);
    out[lane] = value[other];
}

/* Blocks write to one place, with barriers before and after: those order no other block. */
__global__ void same_place_kernel(int *out)
{
    __syncthreads();
    __syncthreads();
    if (threadIdx.x == 0)
        *out = (int)blockIdx.x;
    __syncthreads();
    __syncthreads();
}

static void fault(const char *name)
{
    float host[4] = {0}, *device = device_floats(WARP);
    const auto is = [=](const char *other) { return !strcmp(name, other); };
    const auto shared = [](int dynamic_at, int static_at) {
        lehr_shim_launch("shared", shared_kernel, 1, WARP, 20, nullptr, dynamic_at, static_at);
    };
    const auto mask = [](int kind) {
        lehr_shim_launch("mask", mask_kernel, 1, WARP, 0, nullptr, kind);
    };
    if (is("host_pointer"))
        poke(host, 0);
    if (is("host_pointer_alone"))
        store(host, WARP, nullptr);
    if (is("freed_pointer")) {
        cudaFree(device);
        poke(device, 0);
    }
    if (is("other_device")) {
        lehr_device_set_count(2);
        cudaSetDevice(1);
        poke(device, 0);
    }
    if (is("behind"))
        poke(device, WARP);
    if (is("before"))
        poke(device, -1);
    if (is("host_write"))
        *const_cast<volatile float *>(device) = 1;
    if (is("behind_dynamic"))
        shared(5, 0);
    if (is("behind_static"))
        shared(0, 5);
    if (is("odd_block"))
        poke(device, 0, 48);
    if (is("mask_without_self"))
        mask(0);
    if (is("mask_with_returned"))
        mask(1);
    if (is("divergent_warp"))
        mask(2);
    if (is("blocks_apart"))
        lehr_shim_launch("same_place", same_place_kernel, 3, WARP, 0, nullptr, (int *)device);
    if (is("shuffle_as_barrier"))
        lehr_shim_launch("shuffle", shuffle_kernel, 1, WARP, 0, nullptr, (int *)device);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        fault(argv[1]);
        printf("%s: nothing seen\n", argv[1]);
        return 0;
    }
    void (*const cases[])() = {
        warp_functions_match_their_definition,
        block_functions_match_their_definition,
        warp_barriers_order_memory,
        memory_starts_as_nan_in_every_block,
        devices_are_counted_as_told,
        memory_has_a_limit,
        copies_are_checked,
        copies_to_the_host_land_at_the_synchronize,
        streams_belong_to_a_device,
        launches_are_checked,
        the_nth_call_fails,
        a_sticky_failure_stays_on_its_device,
    };
    for (const auto one : cases) {
        lehr_device_reset();
        lehr_device_set_count(1);
        one();
    }
    printf("%zu cases, %d failures\n", sizeof cases / sizeof *cases, failures);
    return failures > 0;
}
