/* model/readers.h: from the bytes of a file to samples, one entry point per format.
 *
 * All of them append: reading a test file into the samples of the training file checks that its
 * columns and classes are the same. A failed read leaves the samples fit only to be freed. */
#ifndef LEHR_MODEL_READERS_H
#define LEHR_MODEL_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lehr/objective.h"
#include "model/samples.h"

/* Read CSV from text[size], which is changed on the way (quoted fields are unquoted in place).
 *
 * RFC 4180, and also: LF, CRLF or CR; a UTF-8 byte order mark; blank lines are skipped; ';' or
 * tab where the first line has no comma; blanks around unquoted fields are dropped. The first
 * line is a header when a field other than the target's is neither a number nor a missing value,
 * or when the target is named.
 * Fails with LEHR_ERR_DATA and "name:line:column: ...", the column counted in bytes from 1, or
 * with LEHR_ERR_ARG when the spec's target is not there. */
lehr_status lehr_csv_read(const char *name, char *text, size_t size, const lehr_data_spec *spec,
                          lehr_samples *samples);

enum { LEHR_ARRAY_DIMS_MAX = 8 };

/* Numbers as they stand in a file; the bytes belong to the file. */
typedef struct lehr_array {
    const char *name;           /* of the file */
    const unsigned char *bytes; /* [count * size] */
    int32_t dims;
    int64_t dim[LEHR_ARRAY_DIMS_MAX];
    int64_t count; /* elements: the product of dim[] */
    char kind;     /* 'f' float, 'i' integer, 'u' unsigned, 'b' truth value */
    int32_t size;  /* bytes of an element: 1, 2, 4 or 8 */
    bool big_endian;
    bool fortran; /* column-major; two dimensions at most */
} lehr_array;

/* Count the elements; the shape must fill `bytes` exactly. For the parsers below. */
lehr_status lehr_array_measure(lehr_array *array, size_t bytes);

/* Look at the header of a file in memory and check that the file holds what it promises; the
 * elements are not copied. NPY: versions 1 to 3 (numpy.lib.format). IDX:
 * yann.lecun.com/exdb/mnist.
 * Fails with LEHR_ERR_DATA. */
lehr_status lehr_npy_parse(const char *name, const void *bytes, size_t size, lehr_array *out);
lehr_status lehr_idx_parse(const char *name, const void *bytes, size_t size, lehr_array *out);

/* Append the points of an array: dimension 0 counts points, the others are flattened to inputs.
 * Targets come from `labels`, or (NULL) from the spec's target column of a two-dimensional
 * array. */
lehr_status lehr_array_read(const lehr_array *inputs, const lehr_array *labels,
                            const lehr_data_spec *spec, lehr_samples *samples);

/* Read a file of any format (known by its name, else by its first bytes); "" for no labels. */
lehr_status lehr_data_read(const char *path, const char *labels, const lehr_data_spec *spec,
                           lehr_samples *samples);

#endif
