/* launch.h: the two things that differ between nvcc, NVRTC and a test device that runs kernels on the CPU:
 * how a kernel finds its dynamic shared memory, and how it is launched.                             */
#ifndef LEHR_CUDA_LAUNCH_H
#define LEHR_CUDA_LAUNCH_H

#if !defined(__CUDACC_RTC__)
#include <cuda_runtime.h>
#endif

/* A pointer `name` to the block's dynamic shared memory, aligned to 16 bytes. */
#if defined(LEHR_SHIM)
#define LEHR_DYNAMIC_SHARED(name) LEHR_DYN_SHARED(char, name)
#else
#define LEHR_DYNAMIC_SHARED(name)                                                                  \
    extern __shared__ __align__(16) char lehr_dynamic_shared[];                                    \
    char *name = lehr_dynamic_shared
#endif

/* A test device counts the rounds of points that teams visit. */
#if defined(LEHR_SHIM)
#define LEHR_COUNT_ROUND(counts) ((counts) ? runtime::count_round() : (void)0)
#else
#define LEHR_COUNT_ROUND(counts) ((void)0)
#endif

#if !defined(__CUDACC_RTC__)

/* Where and how a launch runs. */
typedef struct lehr_grid {
    dim3 blocks, threads;
    size_t shared_bytes;
    cudaStream_t stream;
} lehr_grid;

/* Launch a kernel of one argument struct; `specialized` is a handle from NVRTC that stands for the same kernel,
 * or NULL.                                                                                          */
#if defined(LEHR_SHIM)
#define LEHR_LAUNCH(kernel, specialized, grid, args)                                               \
    ((void)(specialized), lehr_shim_launch(#kernel, kernel, (grid).blocks, (grid).threads,         \
                                           (grid).shared_bytes, (grid).stream, args))
#else
#define LEHR_LAUNCH(kernel, specialized, grid, args)                                               \
    lehr_launch_pointer((specialized) ? (specialized) : (const void *)(kernel), (grid), &(args))
static inline cudaError_t lehr_launch_pointer(const void *function, lehr_grid grid,
                                              const void *args)
{
    void *list[] = {const_cast<void *>(args)};
    const cudaError_t status = cudaLaunchKernel(function, grid.blocks, grid.threads, list,
                                                grid.shared_bytes, grid.stream);
    return status == cudaSuccess ? cudaPeekAtLastError() : status;
}
#endif

#endif

#endif
