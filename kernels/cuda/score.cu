/* score.cu: launchers of score.cuh. */
#include "cuda/launchers.h"
#include "cuda/score.cuh"

typedef void (*score_kernel)(lehr_score_args);

static score_kernel kernel_of(lehr_i32 row_threads)
{
    return row_threads == 32 ? lehr_score_32_kernel : lehr_score_256_kernel;
}

size_t lehr_score_shared_bytes(const lehr_cuda_room *room, lehr_i32 row_threads)
{
    return sizeof(float) * (size_t)(LEHR_LANES + lehr_act_floats(room, row_threads));
}

cudaError_t lehr_score_prepare(lehr_i32 row_threads, size_t shared_bytes)
{
    return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel_of(row_threads)),
                                cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes);
}

cudaError_t lehr_score_launch(const lehr_score_args *args, lehr_i32 row_threads,
                              cudaStream_t stream)
{
    const lehr_grid grid = {dim3((unsigned)args->rows), dim3((unsigned)row_threads),
                            lehr_score_shared_bytes(&args->room, row_threads), stream};
    if (row_threads == 32) /* by name, which a test device puts into its messages */
        return LEHR_LAUNCH(lehr_score_32_kernel, nullptr, grid, *args);
    return LEHR_LAUNCH(lehr_score_256_kernel, nullptr, grid, *args);
}
