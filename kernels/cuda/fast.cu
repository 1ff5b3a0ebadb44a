/* fast.cu: launcher of fast.cuh. */
#include "cuda/fast.cuh"

cudaError_t lehr_fast_activate_launch(const lehr_fast_args *args, cudaStream_t stream)
{
    const unsigned quads = (unsigned)args->stride / LEHR_FAST_POINTS;
    const unsigned warps = (quads + 31) / 32;
    const unsigned threads = warps * 32 < LEHR_FAST_THREADS ? warps * 32 : LEHR_FAST_THREADS;
    const unsigned outputs = args->outputs < 65535 ? (unsigned)args->outputs : 65535u;
    const lehr_grid grid = {dim3((quads + threads - 1) / threads, outputs, (unsigned)args->count),
                            dim3(threads), 0, stream};
    return LEHR_LAUNCH(lehr_fast_activate_kernel, nullptr, grid, *args);
}
