/* blas.h: what a test may set and ask of the stand-in for cuBLAS (blas.cpp), in C. */
#ifndef LEHR_DEVICE_BLAS_H
#define LEHR_DEVICE_BLAS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lehr_device_blas {
    LEHR_DEVICE_BLAS_FLOAT, /* factors as they are */
    LEHR_DEVICE_BLAS_TF32,  /* factors cut to TF32, as tensor cores read them */
    LEHR_DEVICE_BLAS_ABSENT /* no library is found */
} lehr_device_blas;

/* From now on; FLOAT at the start of the process. */
void lehr_device_set_blas(lehr_device_blas kind);

/* Handles that were made and not destroyed; products since the start of the process, and how many of them
 * were batches: of more than one matrix. */
typedef struct lehr_device_blas_counts {
    int64_t handles, products, batches;
} lehr_device_blas_counts;
lehr_device_blas_counts lehr_device_blas_count(void);

#ifdef __cplusplus
}
#endif

#endif
