/* safetensors.h: named arrays in one file, as PyTorch, JAX and NumPy read them.
 *
 * A file is: 8 bytes little-endian length of the header; the header, one JSON object
 * {"__metadata__": {key: text}, name: {dtype, shape, data_offsets: [begin, end]}} padded with
 * blanks; then the arrays, little-endian, without holes
 * (https://github.com/huggingface/safetensors, format of 2022). The reader believes nothing:
 * every size is compared with the bytes that are really there. */
#ifndef LEHR_STUDY_SAFETENSORS_H
#define LEHR_STUDY_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/objective.h"
#include "lehr/status.h"
#include "study/output.h"

/* X(SUFFIX and name in the file, bytes of one element). */
#define LEHR_DTYPES(X)                                                                             \
    X(F64, 8)                                                                                      \
    X(F32, 4)                                                                                      \
    X(F16, 2)                                                                                      \
    X(BF16, 2)                                                                                     \
    X(I64, 8)                                                                                      \
    X(I32, 4)                                                                                      \
    X(I16, 2)                                                                                      \
    X(I8, 1)                                                                                       \
    X(U64, 8)                                                                                      \
    X(U32, 4)                                                                                      \
    X(U16, 2)                                                                                      \
    X(U8, 1)                                                                                       \
    X(BOOL, 1)

typedef enum lehr_dtype {
#define X(s, b) LEHR_DTYPE_##s,
    LEHR_DTYPES(X)
#undef X
        LEHR_DTYPE_COUNT
} lehr_dtype;

/* Bytes of a header; a parsed one takes up to 20 times as much memory. What comes from others is small; a
 * checkpoint of thousands of runs is our own. */
enum {
    LEHR_TENSOR_DIMS_MAX = 8,
    LEHR_SAFETENSORS_HEADER_MAX = 1 << 20,
    LEHR_SAFETENSORS_LARGE_MAX = 1 << 25
};

/* Name in the file and bytes of one element. */
const char *lehr_dtype_name(lehr_dtype dtype);
size_t lehr_dtype_bytes(lehr_dtype dtype);

/* One array, row-major. */
typedef struct lehr_tensor {
    char name[LEHR_NAME_MAX];
    lehr_dtype dtype;
    int32_t dims;                        /* 0: one number */
    int64_t shape[LEHR_TENSOR_DIMS_MAX]; /* [dims] */
    const void
        *data; /* when read: inside the file's bytes, aligned to nothing, so copy with memcpy */
    size_t bytes;
} lehr_tensor;

/* A vector or a matrix of floats, to be written; the name must fit. */
lehr_tensor lehr_tensor_vector(const char *name, const float *data, int64_t count);
lehr_tensor lehr_tensor_matrix(const char *name, const float *data, int64_t rows, int64_t columns);

/* An entry of __metadata__, UTF-8. */
typedef struct lehr_pair {
    const char *key, *value;
} lehr_pair;

/* What is to be written. Tensors stand in the file in this order: those of 8-byte elements first
 * keep all aligned. Nothing is copied. */
typedef struct lehr_tensors {
    const lehr_tensor *tensor;
    int32_t count;
    const lehr_pair *metadata;
    int32_t metadata_count;
    bool large; /* to be read by lehr_safetensors_parse_large */
} lehr_tensors;

/* The padded header with its 8 bytes of length, added to `text`. Fails with LEHR_ERR_DATA when a
 * name or value is not UTF-8, a name stands twice, or the header is too long; so a run can ask
 * before it works. */
lehr_status lehr_safetensors_header(const lehr_tensors *tensors, lehr_text *text);

/* Write all into a new output, still to be committed (or abandoned). Fails as
 * lehr_safetensors_header and lehr_output_write; nothing is then left behind. */
lehr_status lehr_safetensors_write(const lehr_dir *dir, const char *name,
                                   const lehr_tensors *tensors, lehr_output *output);

/* A file that was read. */
typedef struct lehr_safetensors lehr_safetensors;

/* Read and check a whole file, or bytes in memory (which must outlive the object); `label` is
 * its name in messages. `large`: with a header of up to LEHR_SAFETENSORS_LARGE_MAX bytes. Fails
 * with LEHR_ERR_DATA on anything malformed, LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_safetensors_load(const char *path, lehr_safetensors **out);
lehr_status lehr_safetensors_parse(const char *label, const void *bytes, size_t count,
                                   lehr_safetensors **out);
lehr_status lehr_safetensors_parse_large(const char *label, const void *bytes, size_t count,
                                         lehr_safetensors **out);
void lehr_safetensors_destroy(lehr_safetensors **file);

int32_t lehr_safetensors_count(const lehr_safetensors *file);
const lehr_tensor *lehr_safetensors_at(const lehr_safetensors *file, int32_t index);

/* The tensor of a name, the text of a metadata key; NULL when there is none. */
const lehr_tensor *lehr_safetensors_find(const lehr_safetensors *file, const char *name);
const char *lehr_safetensors_metadata(const lehr_safetensors *file, const char *key);

/* Tensors whose names begin so. */
int32_t lehr_safetensors_count_with(const lehr_safetensors *file, const char *prefix);

#endif
