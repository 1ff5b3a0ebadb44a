/* features.cu: what kernels do together or with the device: shuffles, votes, atomics, barriers that count, vectors,
 * constants, local arrays, two-dimensional blocks, cuRAND's Philox. Each kernel's result is compared with
 * plain C++ below it. EXACT; all values are integers or exact fractions.                                */
#include <cuda_runtime.h>
#include <curand_kernel.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "core/rng.h"

constexpr unsigned warp = 0xffffffffu;
static int failures;

static void expect(const char *what, long long index, long long got, long long wanted)
{
    if (got == wanted)
        return;
    printf("%s[%lld]: %lld, not %lld\n", what, index, got, wanted);
    failures++;
}

/* Device memory of n values, filled with zeros, read back at the end. */
template <class T> struct Array {
    T *device = nullptr;
    std::vector<T> host;

    explicit Array(size_t n) : host(n)
    {
        if (cudaMalloc(&device, n * sizeof(T)) || cudaMemset(device, 0, n * sizeof(T)))
            failures++;
    }
    ~Array()
    {
        cudaFree(device);
    }
    const std::vector<T> &fetch()
    {
        if (cudaGetLastError() ||
            cudaMemcpy(host.data(), device, host.size() * sizeof(T), cudaMemcpyDeviceToHost))
            failures++;
        return host;
    }
};

/* ---- shuffles ---- */

enum { SHUFFLES = 10 };

__global__ void shuffles(int *out)
{
    const int t = (int)threadIdx.x, value = 100 + t;
    int *o = out + t * SHUFFLES;
    o[0] = __shfl_down_sync(warp, value, 5);
    o[1] = __shfl_up_sync(warp, value, 3);
    o[2] = __shfl_xor_sync(warp, value, 6);
    o[3] = __shfl_sync(warp, value, t * 7);
    o[4] = __shfl_down_sync(warp, value, 2, 8);
    o[5] = __shfl_up_sync(warp, value, 9, 16);
    o[6] = __shfl_xor_sync(warp, value, 12, 8);
    o[7] = __shfl_sync(warp, value, t + 1, 4);
    o[8] = (int)(2 * __shfl_down_sync(warp, (double)value / 2, 1));
    o[9] = (int)(__shfl_xor_sync(warp, (long long)value << 33, 1) >> 33);
}

/* The lane that lane t reads: its own where the segment ends. */
static int source(char how, int t, int by, int width)
{
    const int first = t / width * width;
    const int lane = how == 'd' ? t + by : how == 'u' ? t - by : t ^ by;
    const bool outside = how == 'u' ? lane < first : lane >= first + width;
    return outside ? t : lane;
}

static void test_shuffles()
{
    Array<int> out(32 * SHUFFLES);
    shuffles<<<1, 32>>>(out.device);
    out.fetch();
    for (int t = 0; t < 32; t++) {
        const int wanted[SHUFFLES] = {source('d', t, 5, 32), source('u', t, 3, 32),
                                      source('x', t, 6, 32), t * 7 % 32,
                                      source('d', t, 2, 8),  source('u', t, 9, 16),
                                      source('x', t, 12, 8), t / 4 * 4 + (t + 1) % 4,
                                      source('d', t, 1, 32), t ^ 1};
        for (int k = 0; k < SHUFFLES; k++)
            expect("shuffle", t * SHUFFLES + k, out.host[t * SHUFFLES + k], 100 + wanted[k]);
    }
}

/* ---- votes and reductions ---- */

enum { VOTES = 12 };

__global__ void votes(int *out)
{
    const int t = (int)threadIdx.x;
    int *o = out + t * VOTES;
    o[0] = (int)__ballot_sync(warp, t % 3 == 0);
    o[1] = __any_sync(warp, t == 5) + 2 * __any_sync(warp, t == 50);
    o[2] = __all_sync(warp, t < 32) + 2 * __all_sync(warp, t < 31);
    o[3] = __reduce_add_sync(warp, t - 20);
    o[4] = __reduce_min_sync(warp, t * 5 % 32 - 9);
    o[5] = (int)__reduce_max_sync(warp, (unsigned)(t * 5 % 32));
    o[6] = (int)__reduce_xor_sync(warp, 1u << t % 7);
    o[7] = (int)__match_any_sync(warp, t % 4);
    o[8] = __syncthreads_count(t % 3 == 1);
    o[9] = (__syncthreads_and(t >= 0) != 0) + 2 * (__syncthreads_or(t == 99) != 0);
    if (t < 16)
        o[10] = (int)__ballot_sync(0xffffu, t & 1);
    __syncwarp();
    o[11] = (int)__reduce_or_sync(warp, 1u << t % 9) -
            (int)__reduce_and_sync(warp, 64u | 1u << t % 5);
}

static void test_votes()
{
    Array<int> out(32 * VOTES);
    votes<<<1, 32>>>(out.device);
    out.fetch();
    for (int t = 0; t < 32; t++) {
        const int wanted[VOTES] = {
            0x49249249,          1,  1, 496 - 640,           -9,      31, 0b0001111,
            0x11111111 << t % 4, 11, 1, t < 16 ? 0xaaaa : 0, 511 - 64};
        for (int k = 0; k < VOTES; k++)
            expect("vote", t * VOTES + k, out.host[t * VOTES + k], wanted[k]);
    }
}

/* ---- atomics: 64 threads, integers ---- */

__global__ void atomics(int *g, unsigned long long *wide)
{
    __shared__ unsigned s[4];
    const int t = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (threadIdx.x < 4)
        s[threadIdx.x] = threadIdx.x == 1 ? 25 : 0; /* above the limit of atomicDec */
    __syncthreads();
    atomicAdd(&g[0], t);
    atomicMin(&g[1], 5 - t);
    atomicMax(&g[2], t * 3);
    atomicOr(&g[3], 1 << t % 31);
    atomicXor(&g[4], t);
    atomicAnd(&g[5], ~(1 << t % 8));
    atomicSub(&g[6], t);
    atomicAdd(&wide[0], 1ull << 33);
    atomicMax(&wide[1], (unsigned long long)t << 40);
    for (int old = g[7], seen; (seen = atomicCAS(&g[7], old, old + 2)) != old; old = seen)
        ;
    atomicInc(&s[0], 9);
    atomicDec(&s[1], 9);
    atomicAdd(&s[2], atomicExch(&s[3], (unsigned)t + 1) ? 1 : 0);
    __syncthreads();
    if (threadIdx.x < 3)
        g[8 + threadIdx.x] = (int)s[threadIdx.x];
}

static void test_atomics()
{
    Array<int> g(11);
    Array<unsigned long long> wide(2);
    atomics<<<2, 32>>>(g.device, wide.device);
    g.fetch();
    wide.fetch();
    int parity = 0;
    for (int t = 0; t < 64; t++)
        parity ^= t;
    const int wanted[11] = {2016, -58, 189, 0x7fffffff, parity, 0, -2016, 128, 32 % 10, 8, 31};
    for (int k = 0; k < 11; k++)
        expect("atomic", k, g.host[k], wanted[k]);
    expect("atomic wide", 0, (long long)wide.host[0], 64ll << 33);
    expect("atomic wide", 1, (long long)wide.host[1], 63ll << 40);
}

/* ---- memory: vectors, constants, local arrays, static and dynamic shared memory, 2-D ---- */

__constant__ int constants[4];
__constant__ float halves[3] = {0.5f, 1.5f, 2.5f};
__device__ int counter = 7;

struct memory_args {
    const float4 *four;
    const double2 *two;
    const uchar4 *bytes;
    int *out;
    short offsets[6];
};

__global__ void memory(__grid_constant__ const memory_args a)
{
    extern __shared__ int dynamic[];
    __shared__ short shorts[64];
    __shared__ int line[8][9];
    const int t = (int)(threadIdx.y * blockDim.x + threadIdx.x);
    int local[8];
    for (int i = 0; i < 8; i++)
        local[i] = i * i;
    shorts[t] = (short)-t;
    line[threadIdx.y][threadIdx.x] = t;
    dynamic[63 - t] = t;
    __syncthreads();
    const float4 f = a.four[t];
    const double2 d = a.two[t];
    const uchar4 b = a.bytes[t];
    int sum = (int)(f.x + 2 * f.y + 3 * f.z + 4 * f.w) + (int)(d.x * d.y) + b.x - b.w;
    sum += constants[t % 4] + (int)(2 * halves[t % 3]) + counter + a.offsets[t % 6];
    local[t % 8] += sum;
    a.out[t] = local[t % 8] + local[(t + 3) % 8] + shorts[63 - t] + dynamic[t] +
               line[threadIdx.x][threadIdx.y];
}

static int memory_wanted(int t)
{
    const int f = t + 2 * (t + 1) + 3 * (t + 2) + 4 * (t + 3), d = t * 4, b = t - 3;
    const int sum = f + d + b + 10 * (t % 4) + (2 * (t % 3) + 1) + 7 + (-3 * (t % 6));
    const int square = (t % 8) * (t % 8), next = (t + 3) % 8;
    return sum + square + next * next - (63 - t) + (63 - t) + (t % 8 * 8 + t / 8);
}

static void test_memory()
{
    std::vector<float4> four;
    std::vector<double2> two;
    std::vector<uchar4> bytes;
    for (int t = 0; t < 64; t++) {
        four.push_back(make_float4(t, t + 1, t + 2, t + 3));
        two.push_back(make_double2(t / 2.0, 8));
        bytes.push_back(make_uchar4((unsigned char)t, 0, 9, 3));
    }
    Array<float4> f(64);
    Array<double2> d(64);
    Array<uchar4> b(64);
    Array<int> out(64);
    const int tens[4] = {0, 10, 20, 30};
    failures += cudaMemcpyToSymbol(constants, tens, sizeof tens) != cudaSuccess;
    cudaMemcpy(f.device, four.data(), 64 * sizeof(float4), cudaMemcpyHostToDevice);
    cudaMemcpy(d.device, two.data(), 64 * sizeof(double2), cudaMemcpyHostToDevice);
    cudaMemcpy(b.device, bytes.data(), 64 * sizeof(uchar4), cudaMemcpyHostToDevice);
    const memory_args a = {f.device, d.device, b.device, out.device, {0, -3, -6, -9, -12, -15}};
    memory<<<1, dim3(8, 8), 64 * sizeof(int)>>>(a);
    out.fetch();
    for (int t = 0; t < 64; t++)
        expect("memory", t, out.host[t], memory_wanted(t));
    cudaFuncAttributes attributes;
    failures += cudaFuncGetAttributes(&attributes, memory) != cudaSuccess;
    expect("static shared bytes", 0, (long long)attributes.sharedSizeBytes, 64 * 2 + 8 * 9 * 4);
}

/* ---- cuRAND's generator against core/rng.h ---- */

__global__ void philox(uint4 *out, unsigned long long seed)
{
    const unsigned t = blockIdx.x * blockDim.x + threadIdx.x;
    curandStatePhilox4_32_10_t state;
    curand_init(seed, t, 4 * t, &state);
    out[t] = curand4(&state);
}

static void test_philox()
{
    Array<uint4> out(128);
    philox<<<4, 32>>>(out.device, 0x123456789abcull);
    out.fetch();
    for (unsigned t = 0; t < 128; t++) {
        const lehr_words words = lehr_philox(t, 0, t, 0, 0x56789abcu, 0x1234u);
        const uint4 got = out.host[t];
        expect("philox", t, got.x, words.w[0]);
        expect("philox", t, got.y, words.w[1]);
        expect("philox", t, got.z, words.w[2]);
        expect("philox", t, got.w, words.w[3]);
    }
}

int main()
{
    test_shuffles();
    test_votes();
    test_atomics();
    test_memory();
    test_philox();
    printf("features: %d failures\n", failures);
    return failures > 0;
}
