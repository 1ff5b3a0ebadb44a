/* bad_disk.c: loaded before the C library (LD_PRELOAD), a disk on which calls fail by chance. It is no part of any program;
 * torture.py tells it what to do:
 *
 *     LEHR_BAD_DISK="SEED CALL CHANCE ERROR STAYS"
 *
 * CALL is write, fsync or rename, with all that do the same; each call fails with that chance, by errno ERROR, or ends the
 * process by SIGKILL where ERROR is 0. STAYS is 1: after the first failure all fail. Writes to files are cut short too, as
 * POSIX allows, which strace cannot do. Only regular files are meant: pipes, sockets and terminals work. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What LEHR_BAD_DISK says; an unknown call: nothing fails. */
typedef struct orders {
    unsigned long long seed;
    char call[16];
    double chance;
    int error, stays;
} orders;

static atomic_ullong drawn;
static atomic_bool broken;

static orders read_orders(void)
{
    orders o = {.seed = 0};
    const char *text = getenv("LEHR_BAD_DISK");
    if (text == NULL ||
        sscanf(text, "%llu %15s %lf %d %d", &o.seed, o.call, &o.chance, &o.error, &o.stays) != 5)
        o.call[0] = '\0';
    return o;
}

/* SplitMix64 of the number of the call (Steele et al. 2014, doi:10.1145/2714064.2660195), in [0,1). */
static double draw(const orders *o)
{
    uint64_t z = o->seed + 0x9e3779b97f4a7c15u * (atomic_fetch_add(&drawn, 1) + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Does this call fail? Then errno is set, or the process is gone. */
static bool fails(const orders *o, const char *call)
{
    if (strcmp(o->call, call) != 0)
        return false;
    if (!atomic_load(&broken) && draw(o) >= o->chance)
        return false;
    if (o->error == 0)
        raise(SIGKILL);
    atomic_store(&broken, o->stays != 0);
    errno = o->error;
    return true;
}

static bool is_file(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

/* Parameters have names of our own. NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

ssize_t write(int fd, const void *bytes, size_t count)
{
    const orders o = read_orders();
    if (strcmp(o.call, "write") == 0 && is_file(fd)) {
        if (fails(&o, "write"))
            return -1;
        if (count > 1)
            count = 1 + (size_t)(draw(&o) * (double)(count - 1));
    }
    return syscall(SYS_write, fd, bytes, count);
}

static int sync_by(long number, int fd)
{
    const orders o = read_orders();
    return fails(&o, "fsync") ? -1 : (int)syscall(number, fd);
}

int fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
    return sync_by(SYS_syncfs, fd);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    const orders o = read_orders();
    return fails(&o, "rename") ? -1
                               : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return renameat2(from_dir, from, to_dir, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    const orders o = read_orders();
    return fails(&o, "rename") ? -1 : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
