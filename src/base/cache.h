/* base/cache.h: a folder of blobs under keys, for what can be made again, such as compiled kernels.
 *
 * Quiet: what cannot be read is not there, what cannot be written is not kept, and no error sentence is touched.
 * A folder or a file that belongs to another user, or that others may write to, is not used.                  */
#ifndef LEHR_BASE_CACHE_H
#define LEHR_BASE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "lehr/objective.h"

/* A blob may have LEHR_CACHE_BLOB_MAX bytes, all of a folder LEHR_CACHE_BYTES_MAX: the oldest go first. */
#define LEHR_CACHE_BLOB_MAX  ((size_t)64 << 20)
#define LEHR_CACHE_BYTES_MAX ((size_t)256 << 20)

typedef struct lehr_cache {
    char folder[LEHR_PATH_MAX];
} lehr_cache;

/* Use this folder, which is made at the first put, with its parents, for this user alone. False, and the cache
 * unchanged, when the name is empty or too long. */
bool lehr_cache_set(lehr_cache *cache, const char *folder);

/* The bytes under a key (1 to 128 letters and digits), from malloc, or NULL. A file whose checksum is wrong is
 * removed. `data` is the lehr_cache, in both. */
void *lehr_cache_get(const char *key, size_t *size, void *data);

/* Keep bytes[size] under a key: whole or not at all, whoever else does the same at the same time. */
void lehr_cache_put(const char *key, const void *bytes, size_t size, void *data);

#endif
