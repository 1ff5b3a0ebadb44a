/* base/write.c: the loop that every write() needs. */
#define _POSIX_C_SOURCE 200809L

#include "base/write.h"

#include <errno.h>
#include <unistd.h>

bool lehr_write_all(int fd, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        const ssize_t taken = write(fd, at, count);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken < 0)
            return false;
        at += taken;
        count -= (size_t)taken;
    }
    return true;
}
