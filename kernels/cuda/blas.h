/* blas.h: the few functions of cuBLAS that numerics fast calls, found when they are needed.
 *
 * cuBLAS is half a gigabyte, so no program is linked with it: lehr_blas_load opens the library and fills this
 * table. The test device has a function of the same name that hands out plain loops instead.        */
#ifndef LEHR_CUDA_BLAS_H
#define LEHR_CUDA_BLAS_H

#include <cublas_v2.h>

#include "lehr/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Field of the table, name in the library. */
#define LEHR_BLAS_FUNCTIONS(X)                                                                     \
    X(create, cublasCreate_v2)                                                                     \
    X(destroy, cublasDestroy_v2)                                                                   \
    X(set_stream, cublasSetStream_v2)                                                              \
    X(set_workspace, cublasSetWorkspace_v2)                                                        \
    X(property, cublasGetProperty)                                                                 \
    X(status_name, cublasGetStatusName)                                                            \
    X(multiply, cublasGemmStridedBatchedEx)

typedef struct lehr_blas {
#define LEHR_BLAS_FIELD(field, name) __typeof__(&(name)) field;
    LEHR_BLAS_FUNCTIONS(LEHR_BLAS_FIELD)
#undef LEHR_BLAS_FIELD
} lehr_blas;

/* LEHR_ERR_DEVICE with what was looked for when there is no cuBLAS of a version that is known. Once loaded it
 * stays until the process ends: it has threads and exit handlers of its own. */
lehr_status lehr_blas_load(lehr_blas *out);

#ifdef __cplusplus
}
#endif

#endif
