/* tiled.cu: launchers of tiled.cuh: the layers of a network one after the other. */
#include "cuda/tiled.cuh"
#include "cuda/launchers.h"

static lehr_grid grid_of(unsigned x, unsigned y, unsigned z, cudaStream_t stream)
{
    const lehr_grid grid = {dim3(x, y, z), dim3(LEHR_TILED_THREADS), 0, stream};
    return grid;
}

static cudaError_t launch_layer(const lehr_tiled_args *a, const lehr_network *n, lehr_i32 layer,
                                cudaStream_t stream)
{
    const int odd = layer % 2;
    const lehr_i64 P = n->offset[n->layers];
    lehr_dense_args d;
    d.weights = a->weights + a->first * P + n->offset[layer];
    d.from = layer == 0 ? a->data.x : odd ? a->even : a->odd;
    d.from_row = layer == 0 ? 0 : odd ? a->even_row : a->odd_row;
    d.to = odd ? a->odd : a->even;
    d.to_row = odd ? a->odd_row : a->even_row;
    d.weights_row = P;
    d.bias = n->bias ? lehr_bias_offset(n, layer) - n->offset[layer] : -1;
    d.inputs = n->size[layer];
    d.outputs = n->size[layer + 1];
    d.stride = a->data.stride;
    d.activation = lehr_layer_activation(n, layer);
    d.network = &a->energy->network;
    d.kept = a->kept;
    d.touch = a->touch;
    d.layer = layer;
    d.first_row = a->first;
    const unsigned tiles = (unsigned)((d.outputs + LEHR_DENSE_TILE - 1) / LEHR_DENSE_TILE);
    const lehr_grid grid = grid_of((unsigned)(d.stride / LEHR_DENSE_TILE), tiles,
                                   (unsigned)a->count, stream);
    return LEHR_LAUNCH(lehr_tiled_dense_kernel, nullptr, grid, d);
}

static cudaError_t launch_unit(const lehr_tiled_args *a, cudaStream_t stream)
{
    const unsigned blocks = (unsigned)((a->data.stride + LEHR_TILED_THREADS - 1) /
                                       LEHR_TILED_THREADS);
    return LEHR_LAUNCH(lehr_tiled_unit_kernel, nullptr,
                       grid_of(blocks, (unsigned)a->count, 1, stream), *a);
}

cudaError_t lehr_tiled_forward_launch(const lehr_tiled_args *args, const lehr_network *network,
                                      cudaStream_t stream)
{
    lehr_i32 layer = args->kept.act ? args->touch.layer : 0;
    if (args->kept.act && args->touch.unit >= 0) {
        const cudaError_t status = launch_unit(args, stream);
        if (status != cudaSuccess)
            return status;
        layer++;
    }
    for (; layer < network->layers; layer++) {
        const cudaError_t status = launch_layer(args, network, layer, stream);
        if (status != cudaSuccess)
            return status;
    }
    return cudaSuccess;
}

static lehr_grid rows_of(const lehr_tiled_args *args, cudaStream_t stream)
{
    return grid_of((unsigned)args->count, 1, 1, stream);
}

static lehr_grid chunks_of(const lehr_tiled_args *args, cudaStream_t stream)
{
    const lehr_i64 points = args->quarter ? lehr_quarter_count(args->data.points)
                                          : (lehr_i64)args->data.points;
    return grid_of((unsigned)lehr_chunks(points), (unsigned)args->count, 1, stream);
}

cudaError_t lehr_tiled_propose_launch(const lehr_tiled_args *args, cudaStream_t stream)
{
    return LEHR_LAUNCH(lehr_tiled_propose_kernel, nullptr, rows_of(args, stream), *args);
}

cudaError_t lehr_tiled_decide_launch(const lehr_tiled_args *args, cudaStream_t stream)
{
    lehr_tiled_args some = *args;
    some.losses = args->hits;
    cudaError_t status = cudaSuccess;
    if (some.quarter)
        status = LEHR_LAUNCH(lehr_tiled_losses_kernel, nullptr, chunks_of(&some, stream), some);
    some = *args;
    some.quarter = 0;
    if (status == cudaSuccess)
        status = LEHR_LAUNCH(lehr_tiled_losses_kernel, nullptr, chunks_of(&some, stream), some);
    if (status == cudaSuccess)
        status = LEHR_LAUNCH(lehr_tiled_decide_kernel, nullptr, rows_of(args, stream), *args);
    return status;
}

cudaError_t lehr_tiled_score_launch(const lehr_tiled_args *args, cudaStream_t stream)
{
    const lehr_grid chunks = chunks_of(args, stream);
    cudaError_t status = LEHR_LAUNCH(lehr_tiled_losses_kernel, nullptr, chunks, *args);
    if (status == cudaSuccess)
        status = LEHR_LAUNCH(lehr_tiled_hits_kernel, nullptr, chunks, *args);
    if (status == cudaSuccess)
        status = LEHR_LAUNCH(lehr_tiled_score_kernel, nullptr, rows_of(args, stream), *args);
    return status;
}
