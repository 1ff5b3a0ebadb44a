/* settle.cu: launcher of settle.cuh. */
#include "cuda/settle.cuh"
#include "cuda/launchers.h"

enum { SETTLE_THREADS = 64 };

cudaError_t lehr_settle_launch(const lehr_settle_args *args, cudaStream_t stream)
{
    const lehr_grid grid = {dim3((unsigned)args->rows.units), dim3(SETTLE_THREADS), 0, stream};
    return LEHR_LAUNCH(lehr_settle_kernel, nullptr, grid, *args);
}

cudaError_t lehr_settle_probe(void)
{
    cudaFuncAttributes attributes;
    return cudaFuncGetAttributes(&attributes, reinterpret_cast<const void *>(lehr_settle_kernel));
}
