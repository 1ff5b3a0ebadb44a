/* kernels.cu: the example's kernels and their launches, with 17 bugs to plant.
 *
 *  1 sum read before all warps gave theirs        10 swaps counted without an atomic
 *  2 none: the barrier left out is redundant      11 sum of a warp in shared memory without __syncwarp
 *  3 write behind dynamic shared memory           12 write into the next chain's weights
 *  4 write behind static shared memory            13 last weight never loaded
 *  5 weights read before all are loaded           14 shuffle that half of the warp skips
 *  6 proposal read before it is whole             15 threads return before a barrier
 *  7 barrier for one warp only                    16 host pointer given to a kernel
 *  8 weights changed while others still read      17 host reads device memory
 *  9 all chains count into one place
 *
 * Block = chain; threads stride over weights and points. Compiled by nvcc, or by g++ for the test device.   */
#include <cuda_runtime.h>

#include "bugs/example.h"

#ifdef LEHR_SHIM
#define DYNAMIC_SHARED(name) LEHR_DYN_SHARED(float, name)
#define LAUNCH(kernel, blocks, threads, shared, stream, ...)                                       \
    lehr_shim_launch(#kernel, kernel, blocks, threads, shared, stream, __VA_ARGS__)
#else
#define DYNAMIC_SHARED(name)                                                                       \
    extern __shared__ __align__(16) float dynamic_shared[];                                        \
    float *name = dynamic_shared
#define LAUNCH(kernel, blocks, threads, shared, stream, ...)                                       \
    (kernel<<<blocks, threads, shared, stream>>>(__VA_ARGS__), cudaGetLastError())
#endif

enum { LANES = 32, MAX_THREADS = 1024, ALL_LANES = -1 };

typedef struct steps_args {
    example_config config;
    int first, count; /* steps */
    float *weights, *energy;
    const float *x, *y, *beta;
    unsigned *accepted;
} steps_args;

/* ---- sums ---- */

static __device__ float sum_of_warp(const example_config &c, float value)
{
    const int lane = (int)threadIdx.x % LANES;
    __shared__ float values[MAX_THREADS];
    if (PLANTED(c, 11)) {
        values[threadIdx.x] = value;
        for (int half = LANES / 2; half; half /= 2)
            if (lane < half)
                values[threadIdx.x] += values[(int)threadIdx.x + half];
        return values[threadIdx.x];
    }
    for (int half = LANES / 2; half; half /= 2)
        if (!PLANTED(c, 14) || lane < half)
            value += __shfl_down_sync((unsigned)ALL_LANES, value, half);
    return value;
}

/* The same value for all threads. */
static __device__ float sum_of_block(const example_config &c, float value)
{
    __shared__ float sums[LANES];
    const int lane = (int)threadIdx.x % LANES, warp = (int)threadIdx.x / LANES;
    value = sum_of_warp(c, value);
    if (lane == 0)
        sums[warp] = value;
    if (!PLANTED(c, 1))
        __syncthreads();
    if (warp == 0) {
        value = lane < (int)blockDim.x / LANES ? sums[lane] : 0.0f;
        for (int half = LANES / 2; half; half /= 2)
            value += __shfl_down_sync((unsigned)ALL_LANES, value, half);
        if (lane == 0)
            sums[0] = value;
    }
    __syncthreads();
    value = sums[0];
    if (!PLANTED(c, 2))
        __syncthreads(); /* redundant: the caller has a barrier before the next sum */
    if (PLANTED(c, 4) && lane == 0)
        sums[LANES + warp] = 0.0f;
    return value;
}

/* ---- steps of all chains ---- */

static __device__ float energy_of_block(const steps_args &a, const float *weights)
{
    const example_config &c = a.config;
    float sum = 0.0f;
    for (int n = (int)threadIdx.x; n < c.points; n += (int)blockDim.x)
        sum += example_square(example_network(&c, weights, a.x + n * c.inputs) - a.y[n]);
    return sum_of_block(c, sum) / (float)c.points;
}

/* Four weights a thread, so that a thread proposes what others load. */
static __device__ void propose(const example_config &c, int step, const float *current,
                               float *proposal)
{
    const int parameters = example_parameters(&c), chain = (int)blockIdx.x;
    for (int first = 4 * (int)threadIdx.x; first < parameters; first += 4 * (int)blockDim.x)
        for (int i = first; i < first + 4 && i < parameters; i++)
            proposal[i] = current[i] + c.sigma * example_noise(&c, chain, step, i);
}

extern "C" __global__ void example_steps(steps_args a)
{
    DYNAMIC_SHARED(room);
    __shared__ int accepts;
    const example_config &c = a.config;
    const int parameters = example_parameters(&c), chain = (int)blockIdx.x, t = (int)threadIdx.x;
    const int stride = (int)blockDim.x;
    float *current = room, *proposal = room + parameters, *weights = a.weights + chain * parameters;
    if (PLANTED(c, 3) && t == 0)
        proposal[parameters] = 1.0f;
    if (PLANTED(c, 15) && t >= parameters)
        return;
    for (int i = t; i < parameters - (PLANTED(c, 13) ? 1 : 0); i += stride)
        current[i] = weights[i];
    float energy = a.energy[chain];
    const float beta = a.beta[chain];
    unsigned accepted = 0;
    if (!PLANTED(c, 5))
        __syncthreads();
    for (int step = a.first; step < a.first + a.count; step++) {
        propose(c, step, current, proposal);
        if (!PLANTED(c, 6))
            __syncthreads();
        const float proposed = energy_of_block(a, proposal);
        if (t == 0)
            accepts = example_accept(beta * (proposed - energy),
                                     example_bits(~c.seed, (unsigned)step, (unsigned)chain));
        if (!PLANTED(c, 7) || t < LANES)
            __syncthreads();
        if (accepts) {
            for (int i = t; i < parameters; i += stride)
                current[i] = proposal[i];
            energy = proposed;
            accepted++;
        }
        if (!PLANTED(c, 8))
            __syncthreads();
    }
    for (int i = t; i < parameters; i += stride)
        weights[i] = current[i];
    if (t != 0)
        return;
    a.accepted[PLANTED(c, 9) ? 0 : chain] += accepted;
    a.energy[chain] = energy;
    if (PLANTED(c, 12))
        weights[parameters] = 0.5f;
}

/* ---- trading temperatures: a thread = a pair of neighbors ---- */

extern "C" __global__ void example_swap(example_config c, const float *energy, float *beta,
                                        int *slot, unsigned *swaps, int round)
{
    const int lower = 2 * (int)(blockIdx.x * blockDim.x + threadIdx.x) + (round & 1);
    int traded = 0;
    if (lower + 1 < c.chains) {
        const int a = slot[lower], b = slot[lower + 1];
        const float rise = (beta[b] - beta[a]) * (energy[a] - energy[b]);
        traded = example_accept(rise, example_bits(c.seed + 1, (unsigned)round, (unsigned)lower));
        if (traded) {
            const float kept = beta[a];
            beta[a] = beta[b];
            beta[b] = kept;
            slot[lower] = b;
            slot[lower + 1] = a;
        }
    }
    const unsigned who = __ballot_sync((unsigned)ALL_LANES, traded);
    if (threadIdx.x % LANES == 0) {
        if (PLANTED(c, 10))
            *swaps += (unsigned)__popc(who);
        else
            atomicAdd(swaps, (unsigned)__popc(who));
    }
}

/* ---- the host's side ---- */

typedef struct device_copy {
    float *weights, *energy, *x, *y, *beta;
    int *slot;
    unsigned *accepted, *swaps;
} device_copy;

#define TRY(call)                                                                                  \
    do {                                                                                           \
        const cudaError_t code_ = (call);                                                          \
        if (code_ != cudaSuccess)                                                                  \
            return code_;                                                                          \
    } while (0)

static cudaError_t copy_in(void **device, const void *host, size_t bytes)
{
    TRY(cudaMalloc(device, bytes));
    return cudaMemcpy(*device, host, bytes, cudaMemcpyHostToDevice);
}

#define COPY_IN(device, host, count)                                                               \
    TRY(copy_in((void **)&(device), host, (count) * sizeof *(host)))

static cudaError_t push(const example_config *c, const float *x, const float *y, example_state *s,
                        device_copy *d)
{
    const size_t chains = (size_t)c->chains;
    COPY_IN(d->weights, s->weights, chains * (size_t)example_parameters(c));
    COPY_IN(d->energy, s->energy, chains);
    COPY_IN(d->x, x, (size_t)(c->points * c->inputs));
    COPY_IN(d->y, y, (size_t)c->points);
    COPY_IN(d->beta, s->beta, chains);
    COPY_IN(d->slot, s->slot, chains);
    COPY_IN(d->accepted, s->accepted, chains);
    COPY_IN(d->swaps, &s->swaps, 1);
    return cudaSuccess;
}

#define COPY_OUT(host, device, count)                                                              \
    TRY(cudaMemcpyAsync(host, device, (count) * sizeof *(host), cudaMemcpyDeviceToHost, stream))

static cudaError_t pull(const example_config *c, const device_copy *d, cudaStream_t stream,
                        example_state *s)
{
    const size_t chains = (size_t)c->chains;
    COPY_OUT(s->weights, d->weights, chains * (size_t)example_parameters(c));
    COPY_OUT(s->energy, d->energy, chains);
    COPY_OUT(s->beta, d->beta, chains);
    COPY_OUT(s->slot, d->slot, chains);
    COPY_OUT(s->accepted, d->accepted, chains);
    COPY_OUT(&s->swaps, d->swaps, 1);
    return cudaStreamSynchronize(stream);
}

static cudaError_t launch_all(const example_config *c, const float *host_x, const device_copy *d,
                              cudaStream_t stream)
{
    const size_t shared = 2 * (size_t)example_parameters(c) * sizeof(float);
    const float *x = PLANTED(*c, 16) ? host_x : d->x;
    for (int first = 0; first < c->steps; first += c->swap_every) {
        const int left = c->steps - first;
        const steps_args args = {*c,         first,     left < c->swap_every ? left : c->swap_every,
                                 d->weights, d->energy, x,
                                 d->y,       d->beta,   d->accepted};
        TRY(LAUNCH(example_steps, c->chains, c->threads, shared, stream, args));
        TRY(LAUNCH(example_swap, (c->chains / 2 + LANES - 1) / LANES, LANES, 0, stream, *c,
                   d->energy, d->beta, d->slot, d->swaps, first / c->swap_every));
    }
    return cudaSuccess;
}

static cudaError_t run(const example_config *c, const float *x, const float *y, example_state *s,
                       cudaStream_t stream)
{
    device_copy d;
    TRY(push(c, x, y, s, &d));
    TRY(launch_all(c, x, &d, stream));
    TRY(cudaStreamSynchronize(stream));
    if (PLANTED(*c, 17))
        s->swaps = *(volatile unsigned *)d.swaps;
    TRY(pull(c, &d, stream, s));
    void *const all[] = {d.weights, d.energy, d.x, d.y, d.beta, d.slot, d.accepted, d.swaps};
    for (void *one : all)
        TRY(cudaFree(one));
    return cudaSuccess;
}

int example_run_device(const example_config *config, const float *x, const float *y,
                       example_state *state)
{
    cudaStream_t stream;
    TRY(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    const cudaError_t code = run(config, x, y, state, stream);
    const cudaError_t last = cudaStreamDestroy(stream);
    return code != cudaSuccess ? code : last;
}
