/* scan.cu: launchers of scan.cuh. */
#include "cuda/launchers.h"
#include "cuda/scan.cuh"

enum { WARP_BLOCK = 128 }; /* threads of a block whose rows are warps */

static lehr_i32 block_threads(lehr_i32 row_threads)
{
    return row_threads == LEHR_WARP ? WARP_BLOCK : row_threads;
}

size_t lehr_scan_shared_bytes(const lehr_cuda_room *room, lehr_i32 parameters, lehr_i32 row_threads)
{
    const lehr_i32 teams = block_threads(row_threads) / row_threads;
    return (size_t)(lehr_team_room_of(room, parameters, row_threads).bytes * teams);
}

typedef void (*scan_kernel)(lehr_scan_args);

static scan_kernel kernel_of(lehr_i32 row_threads, bool keeps)
{
    if (keeps)
        return row_threads == LEHR_WARP ? lehr_kept_32_kernel : lehr_kept_128_kernel;
    switch (row_threads) {
    case 32: return lehr_scan_32_kernel;
    case 64: return lehr_scan_64_kernel;
    case 128: return lehr_scan_128_kernel;
    default: return lehr_scan_256_kernel;
    }
}

cudaError_t lehr_scan_prepare(lehr_i32 row_threads, bool keeps, const void *specialized,
                              size_t shared_bytes)
{
    const void *function = specialized
                               ? specialized
                               : reinterpret_cast<const void *>(kernel_of(row_threads, keeps));
    return cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                (int)shared_bytes);
}

cudaError_t lehr_scan_launch(const lehr_scan_args *args, lehr_i32 row_threads,
                             const void *specialized, cudaStream_t stream)
{
    const lehr_table *t = &args->rows.table;
    const lehr_i32 threads = block_threads(row_threads), teams = threads / row_threads;
    const lehr_grid grid = {
        dim3((unsigned)((t->rows + teams - 1) / teams)), dim3((unsigned)threads),
        lehr_scan_shared_bytes(&args->room, t->parameters, row_threads), stream};
    if (args->kept.act &&
        row_threads == LEHR_WARP) /* by name, which a test device puts into messages */
        return LEHR_LAUNCH(lehr_kept_32_kernel, nullptr, grid, *args);
    if (args->kept.act)
        return LEHR_LAUNCH(lehr_kept_128_kernel, nullptr, grid, *args);
    switch (row_threads) {
    case 32: return LEHR_LAUNCH(lehr_scan_32_kernel, specialized, grid, *args);
    case 64: return LEHR_LAUNCH(lehr_scan_64_kernel, specialized, grid, *args);
    case 128: return LEHR_LAUNCH(lehr_scan_128_kernel, specialized, grid, *args);
    default: return LEHR_LAUNCH(lehr_scan_256_kernel, specialized, grid, *args);
    }
}
