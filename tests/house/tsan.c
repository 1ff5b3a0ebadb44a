/* tsan.c: lets Criterion run under the thread sanitizer; linked to the test programs of that build only.
 *
 * Criterion's sandbox (BoxFort) looks for a free place for its arena between 0x200000000000 and
 * 0x600000000000 with mincore or msync, and maps it there. The sanitizer keeps these addresses for itself. These
 * functions stand before its own and move such requests into the range it leaves to applications.       */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEEN __attribute__((visibility("default")))

static uintptr_t moved(const void *address)
{
    const uintptr_t from = 0x200000000000, to = 0x600000000000, there = 0x7e8000000000;
    const uintptr_t at = (uintptr_t)address;
    return at >= from && at < to ? there + (((at - from) >> 24) << 16) + (at & 0xffffff) : at;
}

SEEN int msync(void *address, size_t length, int flags)
{
    return (int)syscall(SYS_msync, moved(address), length, flags);
}

SEEN int mincore(void *address, size_t length, unsigned char *resident)
{
    return (int)syscall(SYS_mincore, moved(address), length, resident);
}

SEEN void *mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    return (void *)syscall(SYS_mmap, moved(address), length, protection, flags, file, offset);
}
