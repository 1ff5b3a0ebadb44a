/* fast.c: the layers of a batch as products of cuBLAS.
 *
 * Points lie along memory, so to cuBLAS, which counts columns first, an activation [outputs,stride] is a matrix
 * of `stride` rows and `outputs` columns, and weights [outputs,inputs] one of `inputs` rows and `outputs`
 * columns: to = from * weights, nothing transposed. Points behind the last one are multiplied too: they are
 * zeros of the data, and 64 points a tile is what the hardware likes.                               */
#include "cuda/fast.h"

#include "base/memory.h"
#include "base/status.h"
#include "core/network.h"
#include "cuda/blas.h"
#include "cuda/cuda.h"

struct lehr_fast {
    lehr_blas blas;
    cublasHandle_t handle;
    int32_t device;
    cudaStream_t stream;
    float *packed; /* [batch, weights of the first layer], or NULL */
};

static lehr_status check(const lehr_fast *fast, cublasStatus_t status, const char *what)
{
    LEHR_CHECK(status == CUBLAS_STATUS_SUCCESS, LEHR_ERR_DEVICE, "cuda:%d: %s: cuBLAS says %s",
               fast->device, what, fast->blas.status_name(status));
    return LEHR_OK;
}

/* ---- Open and close ---------------------------------------------------------------------------- */

static lehr_status set_up(lehr_fast *fast, void *workspace)
{
    LEHR_TRY(lehr_blas_load(&fast->blas));
    LEHR_TRY(check(fast, fast->blas.create(&fast->handle), "opening cuBLAS"));
    /* In this order: a new stream takes the workspace away. */
    LEHR_TRY(check(fast, fast->blas.set_stream(fast->handle, fast->stream), "opening cuBLAS"));
    return check(fast, fast->blas.set_workspace(fast->handle, workspace, LEHR_FAST_WORKSPACE),
                 "opening cuBLAS");
}

lehr_status lehr_fast_open(int32_t device, cudaStream_t stream, void *workspace, float *packed,
                           lehr_fast **out)
{
    lehr_fast *fast = NULL;
    LEHR_TRY(LEHR_NEW(fast, 1, "cuBLAS"));
    fast->device = device;
    fast->stream = stream;
    fast->packed = packed;
    const lehr_status status = set_up(fast, workspace);
    if (status != LEHR_OK)
        lehr_fast_close(&fast);
    *out = fast;
    return status;
}

void lehr_fast_close(lehr_fast **fast)
{
    if (*fast && (*fast)->handle)
        (void)(*fast)->blas.destroy((*fast)->handle);
    LEHR_FREE(*fast);
}

/* ---- Layers ------------------------------------------------------------------------------------ */

/* Outputs that one tile of a product of cuBLAS covers, about. */
enum { TILE = 128 };

/* Per row, the first layers as products of their own read all of X for a row's outputs: in * N floats. Stacked
 * into one product, a tile of X serves TILE outputs whichever rows they belong to: in * N * outputs / TILE, but
 * the weights of the rows, P apart, must be packed: read and written once more, 2 * in * outputs. So it pays
 * when N * (1 - outputs / TILE) > 2 * outputs; wide layers are left where they lie.                 */
int64_t lehr_fast_packed_floats(const lehr_network *network, int64_t points)
{
    const int64_t outputs = network->size[1];
    const bool pays = points * (TILE - outputs) > 2 * TILE * outputs;
    return pays ? outputs * network->size[0] : 0;
}

/* `count` products: to [outputs,stride] = weights [outputs,inputs] * from [inputs,stride]. Steps are floats
 * from one product to the next. */
typedef struct product {
    const float *from, *weights;
    float *to;
    int64_t from_step, weights_step, to_step;
    int32_t inputs, outputs, stride, count;
} product;

static lehr_status multiply(const lehr_fast *fast, const product *p)
{
    const float one = 1.0f, zero = 0.0f;
    return check(fast,
                 fast->blas.multiply(fast->handle, CUBLAS_OP_N, CUBLAS_OP_N, p->stride, p->outputs,
                                     p->inputs, &one, p->from, CUDA_R_32F, p->stride, p->from_step,
                                     p->weights, CUDA_R_32F, p->inputs, p->weights_step, &zero,
                                     p->to, CUDA_R_32F, p->stride, p->to_step, p->count,
                                     CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_GEMM_DEFAULT),
                 "multiplying");
}

/* The products of all rows as one, with more outputs: they share what they are made from. */
static lehr_status stack(const lehr_fast *fast, product *p)
{
    const size_t width = (size_t)p->inputs * (size_t)p->outputs * sizeof(float);
    LEHR_TRY(lehr_cuda_check(
        cudaMemcpy2DAsync(fast->packed, width, p->weights, (size_t)p->weights_step * sizeof(float),
                          width, (size_t)p->count, cudaMemcpyDeviceToDevice, fast->stream),
        fast->device, "packing weights"));
    p->weights = fast->packed;
    p->outputs *= p->count;
    p->count = 1;
    return LEHR_OK;
}

static lehr_status activate(const lehr_fast *fast, const lehr_network *n, int32_t layer,
                            const product *p)
{
    const lehr_fast_args args = {.z = p->to,
                                 .weights = p->weights,
                                 .weights_row = p->weights_step,
                                 .bias = n->bias ? lehr_bias_offset(n, layer) - n->offset[layer]
                                                 : -1,
                                 .outputs = p->outputs,
                                 .stride = p->stride,
                                 .activation = lehr_layer_activation(n, layer),
                                 .count = p->count};
    if (args.bias < 0 && args.activation == LEHR_ACTIVATION_IDENTITY)
        return LEHR_OK;
    return lehr_cuda_check(lehr_fast_activate_launch(&args, fast->stream), fast->device,
                           "activating");
}

/* A layer of the rows of a batch. Layers write into `even` and `odd` in turn. */
static product layer_of(const lehr_network *n, int32_t layer, const lehr_tiled_args *a)
{
    const int64_t P = n->offset[n->layers], stride = a->data.stride;
    const bool odd = layer % 2;
    return (product){.from = layer == 0 ? a->data.x
                             : odd      ? a->even
                                        : a->odd,
                     .weights = a->weights + a->first * P + n->offset[layer],
                     .to = odd ? a->odd : a->even,
                     .from_step = layer == 0 ? 0 : n->size[layer] * stride,
                     .weights_step = P,
                     .to_step = n->size[layer + 1] * stride,
                     .inputs = n->size[layer],
                     .outputs = n->size[layer + 1],
                     .stride = a->data.stride,
                     .count = a->count};
}

lehr_status lehr_fast_forward(const lehr_fast *fast, const lehr_network *network,
                              lehr_tiled_args *args)
{
    for (int32_t layer = 0; layer < network->layers; layer++) {
        const product rows = layer_of(network, layer, args);
        product p = rows;
        if (layer == 0 && fast->packed)
            LEHR_TRY(stack(fast, &p));
        LEHR_TRY(multiply(fast, &p));
        LEHR_TRY(activate(fast, network, layer, &rows));
        *(layer % 2 ? &args->odd_row : &args->even_row) = rows.to_step;
    }
    return LEHR_OK;
}
