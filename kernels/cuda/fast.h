/* fast.h: numerics fast: a batch of rows through the network by cuBLAS in TF32, with the hardware's tanh.
 *
 * A scan is that of tiled.cuh with another middle: proposals, losses and decisions are the exact kernels.
 * Nothing here is the same bits as anything: TF32 keeps 10 bits of a factor's fraction, tanh.approx is right
 * to 2^-11, and cuBLAS adds in an order of its own.                                                 */
#ifndef LEHR_CUDA_FAST_H
#define LEHR_CUDA_FAST_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#include "cuda/tiled.h"
#include "lehr/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* What cuBLAS is given to work in, on each device: NVIDIA's advice for Hopper, the most of all. */
    LEHR_FAST_WORKSPACE = 32 << 20,
    /* Left free for what cuBLAS takes itself, code above all: an allowance, not a measurement. */
    LEHR_FAST_ALLOWANCE = 128 << 20
};

/* ---- fast.cu ---- */

/* Biases and activations of one layer of a batch, in place. */
typedef struct lehr_fast_args {
    float *z;             /* [count,outputs,stride] */
    const float *weights; /* of this layer in the batch's first row */
    lehr_i64 weights_row; /* P */
    lehr_i64 bias;        /* where the biases stand behind `weights`; -1: none */
    lehr_i32 outputs;
    lehr_i32 stride; /* points, a multiple of LEHR_DENSE_TILE */
    lehr_i32 activation;
    lehr_i32 count; /* rows, at most 65,535 */
} lehr_fast_args;

cudaError_t lehr_fast_activate_launch(const lehr_fast_args *args, cudaStream_t stream);

/* ---- fast.c ---- */

/* cuBLAS on one device. */
typedef struct lehr_fast lehr_fast;

/* Floats per row of a batch for a second copy of the first layer's weights, packed; 0: they stay where they
 * are. points: of the part that is scanned. */
int64_t lehr_fast_packed_floats(const lehr_network *network, int64_t points);

/* On the current device, whose index is for sentences. workspace: LEHR_FAST_WORKSPACE bytes of it; packed:
 * room for a batch, or NULL. Fails with LEHR_ERR_DEVICE when there is no cuBLAS. */
lehr_status lehr_fast_open(int32_t device, cudaStream_t stream, void *workspace, float *packed,
                           lehr_fast **out);
void lehr_fast_close(lehr_fast **fast);

/* Queue all layers for the rows of the batch. Rows of an activation stand close together, whatever args said:
 * afterwards even_row and odd_row are those of the last layers. */
lehr_status lehr_fast_forward(const lehr_fast *fast, const lehr_network *network,
                              lehr_tiled_args *args);

#ifdef __cplusplus
}
#endif

#endif
