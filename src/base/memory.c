/* base/memory.c: the heap door. Not a pool, not an arena: one block per call, counted. */
#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { ALIGNMENT = 64 }; /* a cache line, and the widest vector */

/* No real block comes near 1 TiB less a page; what asks for more has a wrong size behind it. */
#define BLOCK_MAX ((size_t)((UINT64_C(1) << 40) - 4096) & SIZE_MAX)

static atomic_int_least64_t asked;   /* allocations asked for since the process started */
static atomic_int_least64_t fail_on; /* the one of them that fails; 0: none */

bool lehr_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool lehr_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

int64_t lehr_memory_count(void)
{
    return atomic_load(&asked);
}

void lehr_memory_fail_at(int64_t n)
{
    atomic_store(&fail_on, n > 0 ? atomic_load(&asked) + n : 0);
}

/* Count this allocation and find its size; *bytes is at least 1 and a multiple of the alignment. */
static lehr_status admit(size_t count, size_t size, const char *what, size_t *bytes)
{
    const bool fits = lehr_size_mul(count, size, bytes) && *bytes <= BLOCK_MAX;
    LEHR_CHECK(fits, LEHR_ERR_MEMORY, "out of memory: %s of %zu x %zu bytes cannot be had", what,
               count, size);
    *bytes = *bytes == 0 ? ALIGNMENT : (*bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const int64_t turn = atomic_fetch_add(&asked, 1) + 1;
    LEHR_CHECK(turn != atomic_load(&fail_on), LEHR_ERR_MEMORY, "out of memory: %s needs %zu bytes",
               what, *bytes);
    return LEHR_OK;
}

lehr_status lehr_memory_new(size_t count, size_t size, const char *what, void **out)
{
    size_t bytes = 0;
    LEHR_TRY(admit(count, size, what, &bytes));
    void *memory = aligned_alloc(ALIGNMENT, bytes);
    LEHR_CHECK(memory != NULL, LEHR_ERR_MEMORY, "out of memory: %s needs %zu bytes", what, bytes);
    memset(memory, 0, bytes);
    *out = memory;
    return LEHR_OK;
}

lehr_status lehr_memory_grow(size_t count, size_t size, const char *what, void **inout)
{
    size_t bytes = 0;
    LEHR_TRY(admit(count, size, what, &bytes));
    void *memory = realloc(*inout, bytes);
    LEHR_CHECK(memory != NULL, LEHR_ERR_MEMORY, "out of memory: %s needs %zu bytes", what, bytes);
    *inout = memory;
    return LEHR_OK;
}

void lehr_memory_free(void **memory)
{
    if (memory == NULL)
        return;
    free(*memory);
    *memory = NULL;
}
