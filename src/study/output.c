/* output.c: temporary, write, fsync, rename, fsync of the directory. */
#define _GNU_SOURCE /* syncfs */

#include "study/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "base/write.h"
#include "study/lock.h"

enum { FILE_MODE = 0644, TEMPORARY_TRIES = 100 };

/* One sentence for a failed system call; a full disk also says how much was needed and how much
 * there is. */
static lehr_status failed(const lehr_dir *dir, const char *name, int error, size_t needed_bytes)
{
    struct statvfs disk;
    const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    if (!full || fstatvfs(dir->fd, &disk) != 0)
        return lehr_fail(LEHR_ERR_IO, "%s/%s: cannot write: %s", dir->path, name,
                         lehr_system_error(error));
    const uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    return lehr_fail(LEHR_ERR_IO,
                     "%s/%s: cannot write: %s (%zu bytes needed, %" PRIu64 " bytes free)",
                     dir->path, name, lehr_system_error(error), needed_bytes, free_bytes);
}

/* A new name that nobody uses: a leftover of a killed process with our number is stepped over. */
static int open_temporary(const lehr_dir *dir, const char *name, char *temporary, size_t capacity)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        snprintf(temporary, capacity, ".%s.%ld.%d", name, (long)getpid(), i);
        const int fd = openat(dir->fd, temporary,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

lehr_status lehr_output_begin(const lehr_dir *dir, const char *name, size_t size_bytes,
                              lehr_output *output)
{
    lehr_output file = {.dir = dir, .fd = -1, .size_bytes = size_bytes};
    LEHR_CHECK(lehr_text_copy(file.name, sizeof file.name, name), LEHR_ERR_ARG,
               "file name '%.60s...' is longer than %d bytes", name, LEHR_NAME_MAX - 1);
    file.fd = open_temporary(dir, name, file.temporary, sizeof file.temporary);
    if (file.fd < 0) {
        const int error = errno;
        if (dir->lock != NULL)
            LEHR_TRY(lehr_lock_check(dir->lock)); /* a successor may have removed it all */
        return failed(dir, name, error, size_bytes);
    }
    *output = file;
    return LEHR_OK;
}

void lehr_output_abandon(lehr_output *output)
{
    if (output->fd < 0)
        return;
    close(output->fd);
    unlinkat(output->dir->fd, output->temporary, 0);
    output->fd = -1;
}

static lehr_status abandon_because(lehr_output *output, int error)
{
    lehr_output_abandon(output);
    return failed(output->dir, output->name, error, output->size_bytes);
}

lehr_status lehr_output_write(lehr_output *output, const void *bytes, size_t count)
{
    LEHR_ASSERT(output->fd >= 0);
    if (!lehr_write_all(output->fd, bytes, count))
        return abandon_because(output, errno);
    return LEHR_OK;
}

/* Everything on the disk before the name points to it. The descriptor is closed in any case:
 * after a failed fsync the kernel may have dropped the pages, so a second try on it would prove
 * nothing. */
static lehr_status settle(lehr_output *output)
{
    if (!output->loose && fsync(output->fd) != 0)
        return abandon_because(output, errno);
    const int fd = output->fd;
    output->fd = -1;
    if (close(fd) == 0 || errno == EINTR)
        return LEHR_OK;
    const int error = errno;
    unlinkat(output->dir->fd, output->temporary, 0);
    return failed(output->dir, output->name, error, output->size_bytes);
}

/* A file of a directory whose lock was lost gets no name. */
static lehr_status check_lock(const lehr_output *output)
{
    const lehr_dir *dir = output->dir;
    const lehr_status status = dir->lock != NULL ? lehr_lock_check(dir->lock) : LEHR_OK;
    if (status != LEHR_OK)
        unlinkat(dir->fd, output->temporary, 0);
    return status;
}

/* Remove the temporary file of a settled output and say why. */
static lehr_status unsettle(const lehr_output *output, int error)
{
    unlinkat(output->dir->fd, output->temporary, 0);
    LEHR_CHECK(error != EEXIST, LEHR_ERR_EXISTS, "%s/%s exists and is not overwritten",
               output->dir->path, output->name);
    return failed(output->dir, output->name, error, output->size_bytes);
}

static lehr_status sync_directory(const lehr_output *output)
{
    /* Some file systems cannot sync a directory; they say EINVAL and there is nothing more to
     * do. */
    if (!output->loose && fsync(output->dir->fd) != 0 && errno != EINVAL && errno != ENOTSUP &&
        errno != EBADF)
        return failed(output->dir, output->name, errno, output->size_bytes);
    return LEHR_OK;
}

lehr_status lehr_output_commit(lehr_output *output)
{
    LEHR_TRY(settle(output));
    LEHR_TRY(check_lock(output));
    const int dir = output->dir->fd;
    if (renameat(dir, output->temporary, dir, output->name) != 0)
        return unsettle(output, errno);
    return sync_directory(output);
}

/* rename() would replace; a hard link never does. Where there are none, the check comes first. */
static int rename_new(int dir, const char *from, const char *to)
{
    if (linkat(dir, from, dir, to, 0) == 0)
        return unlinkat(dir, from, 0);
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS)
        return -1;
    struct stat about;
    if (fstatat(dir, to, &about, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(dir, from, dir, to);
}

lehr_status lehr_output_commit_new(lehr_output *output)
{
    LEHR_TRY(settle(output));
    LEHR_TRY(check_lock(output));
    if (rename_new(output->dir->fd, output->temporary, output->name) != 0)
        return unsettle(output, errno);
    return sync_directory(output);
}

lehr_status lehr_output_whole(const lehr_dir *dir, const char *name, const void *bytes,
                              size_t count)
{
    lehr_output output = {.fd = -1};
    LEHR_TRY(lehr_output_begin(dir, name, count, &output));
    LEHR_TRY(lehr_output_write(&output, bytes, count));
    return lehr_output_commit(&output);
}

lehr_status lehr_output_whole_new(const lehr_dir *dir, const char *name, const void *bytes,
                                  size_t count)
{
    lehr_output output = {.fd = -1};
    LEHR_TRY(lehr_output_begin(dir, name, count, &output));
    LEHR_TRY(lehr_output_write(&output, bytes, count));
    return lehr_output_commit_new(&output);
}

lehr_status lehr_output_sync(const lehr_dir *dir)
{
    LEHR_CHECK(syncfs(dir->fd) == 0, LEHR_ERR_IO, "%s: cannot be written to the disk: %s",
               dir->path, lehr_system_error(errno));
    return LEHR_OK;
}

lehr_status lehr_log_create(const lehr_dir *dir, const char *name, int *fd)
{
    const int opened = openat(
        dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    LEHR_CHECK(opened >= 0 || errno != EEXIST, LEHR_ERR_EXISTS,
               "%s/%s exists and is not overwritten", dir->path, name);
    if (opened < 0)
        return failed(dir, name, errno, 0);
    *fd = opened;
    return LEHR_OK;
}

lehr_status lehr_log_append(const lehr_dir *dir, const char *name, int fd, const void *bytes,
                            size_t count)
{
    if (dir->lock != NULL)
        LEHR_TRY(lehr_lock_check(dir->lock));
    if (!lehr_write_all(fd, bytes, count))
        return failed(dir, name, errno, count);
    return LEHR_OK;
}

lehr_status lehr_log_reopen(const lehr_dir *dir, const char *name, int64_t size_bytes, int *fd)
{
    struct stat about;
    const int opened = openat(dir->fd, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0 || fstat(opened, &about) != 0 ||
        (about.st_size > size_bytes && ftruncate(opened, (off_t)size_bytes) != 0)) {
        const int error = errno;
        if (opened >= 0)
            close(opened);
        return failed(dir, name, error, 0);
    }
    if (about.st_size < size_bytes) {
        close(opened);
        return lehr_fail(LEHR_ERR_DATA, "%s/%s has %lld bytes, %lld were written", dir->path, name,
                         (long long)about.st_size, (long long)size_bytes);
    }
    *fd = opened;
    return LEHR_OK;
}

lehr_status lehr_log_sync(const lehr_dir *dir, const char *name, int fd, int64_t *size_bytes)
{
    struct stat about;
    if (fsync(fd) != 0 || fstat(fd, &about) != 0)
        return failed(dir, name, errno, 0);
    *size_bytes = about.st_size;
    return LEHR_OK;
}

/* ".name.pid.number", as open_temporary makes them. */
static bool is_leftover(const char *name)
{
    const char *number = strrchr(name, '.'), *pid = number;
    while (pid > name && *--pid != '.')
        if (*pid < '0' || *pid > '9')
            return false;
    return name[0] == '.' && pid > name && number - pid > 1 && number[1] != '\0' &&
           strspn(number + 1, "0123456789") == strlen(number + 1);
}

lehr_status lehr_output_sweep(const lehr_dir *dir)
{
    const int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        const int error = errno;
        if (fd >= 0)
            close(fd);
        return lehr_fail(LEHR_ERR_IO, "%s: cannot open the directory: %s", dir->path,
                         lehr_system_error(error));
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (is_leftover(entry->d_name))
            unlinkat(dir->fd, entry->d_name, 0);
    closedir(folder);
    return LEHR_OK;
}
