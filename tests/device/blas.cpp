/* blas.cpp: plain loops in the place of cuBLAS, on the stand-in CUDA runtime.
 *
 * It takes the place of kernels/cuda/blas.c in a program: lehr_blas_load hands out what is below. Stricter than
 * cuBLAS: matrices must lie in memory of the handle's device, a handle must work on the device it was made for
 * and in the workspace it was given after its stream, and only what the project uses is there. A product is
 * one sum per result in index order, without fused multiply-adds: not the bits of the exact kernels.  */
#include <cmath>
#include <cstring>

#include "base/status.h"
#include "cuda/blas.h"
#include "device/blas.h"
#include "device/runtime.h"
#include "device/state.h"

using namespace runtime;

struct cublasContext {
    int device;
    cudaStream_t stream;
    void *workspace;
};

namespace
{

lehr_device_blas kind = LEHR_DEVICE_BLAS_FLOAT;
lehr_device_blas_counts counts;

/* A failure that a test ordered of the runtime, in the words of cuBLAS. */
cublasStatus_t status_of(const Entry &entry)
{
    return entry.status() == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                                       : CUBLAS_STATUS_EXECUTION_FAILED;
}

/* A batch of matrices, columns of `height` one after the other. */
struct Matrices {
    float *first;
    int height, width, pitch; /* pitch: from column to column */
    int64_t step;             /* from matrix to matrix */

    const float *of(int batch) const
    {
        return first + batch * step;
    }
    bool there(const Device &device, int count) const
    {
        const int64_t floats = (count - 1) * step + (int64_t)(width - 1) * pitch + height;
        return pitch >= height && step >= 0 &&
               device.memory.contains(first, (size_t)floats * sizeof(float));
    }
};

struct Product {
    Matrices a, b, c;
    int count;
    bool tf32;
};

/* The 13 low bits of a fraction are not there: rounding towards zero, the worse of the two ways in which
 * floats become TF32. */
float cut(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (std::isfinite(x))
        bits &= ~(uint32_t)0x1fff;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

void multiply_one(const Product &p, int batch)
{
    const float *a = p.a.of(batch), *b = p.b.of(batch);
    float *c = p.c.first + batch * p.c.step;
    for (int j = 0; j < p.c.width; j++)
        for (int i = 0; i < p.c.height; i++) {
            float sum = 0.0f;
            for (int k = 0; k < p.a.width; k++) {
                const float x = a[(int64_t)k * p.a.pitch + i], y = b[(int64_t)j * p.b.pitch + k];
                const float term = p.tf32 ? cut(x) * cut(y) : x * y;
                sum += term;
            }
            c[(int64_t)j * p.c.pitch + i] = sum;
        }
}

cublasStatus_t multiply(cublasHandle_t handle, const Product &p)
{
    const Device &device = *state().devices[(size_t)handle->device];
    Queue *queue = queue_of(handle->stream, nullptr);
    if (!queue || handle->device != current_index || !handle->workspace)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!p.a.there(device, p.count) || !p.b.there(device, p.count) || !p.c.there(device, p.count))
        return CUBLAS_STATUS_INVALID_VALUE;
    counts.products++;
    counts.batches += p.count > 1;
    enqueue(*queue, [p, &device] {
        device.memory.open();
        for (int batch = 0; batch < p.count; batch++)
            multiply_one(p, batch);
        device.memory.close();
        device.memory.check_zones("cublasGemmStridedBatchedEx");
    });
    return CUBLAS_STATUS_SUCCESS;
}

} // namespace

/* ---- The functions ---- */

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    Entry entry("cublasCreate");
    if (entry.failed())
        return status_of(entry);
    *handle = new cublasContext{current_index, nullptr, nullptr};
    counts.handles++;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    Entry entry("cublasDestroy");
    delete handle;
    counts.handles--;
    return entry.failed() ? status_of(entry) : CUBLAS_STATUS_SUCCESS;
}

/* As in cuBLAS, it takes the workspace away. */
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    Entry entry("cublasSetStream");
    if (entry.failed())
        return status_of(entry);
    handle->stream = stream;
    handle->workspace = nullptr;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes)
{
    Entry entry("cublasSetWorkspace");
    if (entry.failed())
        return status_of(entry);
    if (!current_device().memory.contains(workspace, bytes))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = workspace;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetProperty(libraryPropertyType, int *value)
{
    *value = 13;
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    default: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa,
                                          cublasOperation_t transb, int m, int n, int k,
                                          const void *alpha, const void *A, cudaDataType, int lda,
                                          long long strideA, const void *B, cudaDataType, int ldb,
                                          long long strideB, const void *beta, void *C,
                                          cudaDataType, int ldc, long long strideC, int batchCount,
                                          cublasComputeType_t computeType, cublasGemmAlgo_t)
{
    Entry entry("cublasGemmStridedBatchedEx");
    if (entry.failed())
        return status_of(entry);
    const bool known = transa == CUBLAS_OP_N && transb == CUBLAS_OP_N &&
                       *static_cast<const float *>(alpha) == 1.0f &&
                       *static_cast<const float *>(beta) == 0.0f &&
                       computeType == CUBLAS_COMPUTE_32F_FAST_TF32;
    if (!known)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (m < 1 || n < 1 || k < 1 || batchCount < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    const auto floats = [](const void *p) { return static_cast<float *>(const_cast<void *>(p)); };
    return multiply(handle, {{floats(A), m, k, lda, strideA},
                             {floats(B), k, n, ldb, strideB},
                             {floats(C), m, n, ldc, strideC},
                             batchCount,
                             kind == LEHR_DEVICE_BLAS_TF32});
}

/* ---- What stands in for kernels/cuda/blas.c ---- */

lehr_status lehr_blas_load(lehr_blas *out)
{
    LEHR_CHECK(kind != LEHR_DEVICE_BLAS_ABSENT, LEHR_ERR_DEVICE,
               "numerics: fast needs cuBLAS, but the test device has none");
#define FILL(field, name) out->field = name;
    LEHR_BLAS_FUNCTIONS(FILL)
#undef FILL
    return LEHR_OK;
}

/* ---- blas.h ---- */

void lehr_device_set_blas(lehr_device_blas wanted)
{
    kind = wanted;
}

lehr_device_blas_counts lehr_device_blas_count(void)
{
    return counts;
}
