/* model/file.h: a whole file in memory, unpacked when it is gzip. */
#ifndef LEHR_MODEL_FILE_H
#define LEHR_MODEL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lehr/status.h"

/* No data file is larger, packed or unpacked: 4 GiB. */
#define LEHR_FILE_MAX (UINT64_C(1) << 32)

typedef struct lehr_file {
    char *data; /* [size], writable */
    size_t size;
} lehr_file;

/* Read a regular file; gzip is known by its first bytes, not by its name. Takes the size of the
 * file as it is and as it is unpacked, nothing more.
 *
 * Fails with LEHR_ERR_IO when it cannot be read, LEHR_ERR_DATA when it is bad gzip or too large. */
lehr_status lehr_file_read(const char *path, lehr_file *out);

/* The same from memory: copy packed[size], or unpack it; `name` stands in the error sentence. */
lehr_status lehr_file_unpack(const char *name, const void *packed, size_t size, lehr_file *out);

void lehr_file_free(lehr_file *file);

#endif
