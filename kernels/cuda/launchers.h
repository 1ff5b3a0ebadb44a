/* launchers.h: the launches of this folder, for its C files. Each returns the CUDA error of its calls. */
#ifndef LEHR_CUDA_LAUNCHERS_H
#define LEHR_CUDA_LAUNCHERS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "cuda/args.h"
#include "cuda/tiled.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- scan.cu ---- */

/* Let the kernel of a team size use so much shared memory on the current device. */
cudaError_t lehr_scan_prepare(lehr_i32 row_threads, bool keeps, const void *specialized,
                              size_t shared_bytes);

/* row_threads: 32, 64, 128 or 256, and 32 or 128 where activations are kept; specialized: that kernel
 * compiled for one shape, or NULL. */
cudaError_t lehr_scan_launch(const lehr_scan_args *args, lehr_i32 row_threads,
                             const void *specialized, cudaStream_t stream);

/* Shared memory of one block. */
size_t lehr_scan_shared_bytes(const lehr_cuda_room *room, lehr_i32 parameters,
                              lehr_i32 row_threads);

/* ---- settle.cu ---- */

cudaError_t lehr_settle_launch(const lehr_settle_args *args, cudaStream_t stream);

/* Fails where this program holds no code for the current device. */
cudaError_t lehr_settle_probe(void);

/* ---- score.cu ---- */

/* row_threads: 32 or 256. */
size_t lehr_score_shared_bytes(const lehr_cuda_room *room, lehr_i32 row_threads);
cudaError_t lehr_score_prepare(lehr_i32 row_threads, size_t shared_bytes);
cudaError_t lehr_score_launch(const lehr_score_args *args, lehr_i32 row_threads,
                              cudaStream_t stream);

/* ---- tiled.cu ---- */

/* One scan of the rows of a batch: proposals, outputs of the network for them, decisions. */
cudaError_t lehr_tiled_propose_launch(const lehr_tiled_args *args, cudaStream_t stream);

/* Outputs of all layers for args->weights. network: the host's copy of the energy's. */
cudaError_t lehr_tiled_forward_launch(const lehr_tiled_args *args, const lehr_network *network,
                                      cudaStream_t stream);
cudaError_t lehr_tiled_decide_launch(const lehr_tiled_args *args, cudaStream_t stream);

/* What the rows of a batch are worth whose outputs are there, into args->score. */
cudaError_t lehr_tiled_score_launch(const lehr_tiled_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
