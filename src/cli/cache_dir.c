/* cache_dir.c: by the XDG Base Directory Specification: relative paths count as not set. */
#include "cli/cache_dir.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool join(const char *variable, const char *rest, char *out, size_t capacity)
{
    const char *folder = getenv(variable);
    if (folder == NULL || folder[0] != '/')
        return false;
    const int length = snprintf(out, capacity, "%s%s", folder, rest);
    return length > 0 && (size_t)length < capacity;
}

void lehr_cache_dir(char *out, size_t capacity)
{
    if (!join("XDG_CACHE_HOME", "/lehr", out, capacity) &&
        !join("HOME", "/.cache/lehr", out, capacity))
        out[0] = '\0';
}
