/* base/memory.h: the one door to the heap, so that tests can count allocations and fail the n-th
 * one. */
#ifndef LEHR_BASE_MEMORY_H
#define LEHR_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lehr/status.h"

/* Zeroed, 64-byte aligned memory for count*size bytes; size products are checked. *out is set on
 * success only. Fails with LEHR_ERR_MEMORY, naming `what` and the bytes needed. A zero count
 * gives one byte. */
lehr_status lehr_memory_new(size_t count, size_t size, const char *what, void **out);

/* Grow to count*size bytes; the old content stays (also on failure), new bytes are undefined.
 * *inout may be NULL. The result is aligned as malloc does, not to 64 bytes. */
lehr_status lehr_memory_grow(size_t count, size_t size, const char *what, void **inout);

/* Free and null; NULL-safe. */
void lehr_memory_free(void **memory);
#define LEHR_FREE(pointer) lehr_memory_free((void **)&(pointer))
#define LEHR_NEW(pointer, count, what)                                                             \
    lehr_memory_new((count), sizeof *(pointer), (what), (void **)&(pointer))

/* a*b, or a+b, into *out; false on overflow. */
bool lehr_size_mul(size_t a, size_t b, size_t *out);
bool lehr_size_add(size_t a, size_t b, size_t *out);

/* For tests: allocations made so far in the process, and fail the n-th from now (0: none; once
 * only). */
int64_t lehr_memory_count(void);
void lehr_memory_fail_at(int64_t n);

#endif
