/* directory.c: opening and making directories. */
#define _GNU_SOURCE /* renameat2 */

#include "study/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"

enum { DIRECTORY_MODE = 0755, TEMPORARY_TRIES = 100 };

lehr_status lehr_path_join(const char *parent, const char *name, char out[LEHR_PATH_MAX])
{
    const size_t above = strlen(parent);
    const bool slash = above > 0 && parent[above - 1] != '/';
    const int length = snprintf(out, LEHR_PATH_MAX, "%s%s%s", parent, slash ? "/" : "", name);
    LEHR_CHECK(0 <= length && length < LEHR_PATH_MAX, LEHR_ERR_ARG,
               "a path below '%.60s...' is longer than %d bytes", parent, LEHR_PATH_MAX - 1);
    return LEHR_OK;
}

/* Copy length bytes of text and end them. */
static lehr_status copy_part(const char *text, size_t length, size_t capacity, char *out)
{
    LEHR_CHECK(length < capacity, LEHR_ERR_ARG, "'%.60s...' is a name of more than %zu bytes", text,
               capacity - 1);
    memcpy(out, text, length);
    out[length] = '\0';
    return LEHR_OK;
}

lehr_status lehr_path_split(const char *path, char parent[LEHR_PATH_MAX], char name[LEHR_NAME_MAX])
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    LEHR_CHECK(end > 0, LEHR_ERR_ARG, "'%s' does not name a file or directory of its own", path);

    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    LEHR_TRY(copy_part(path + start, end - start, LEHR_NAME_MAX, name));
    while (start > 1 && path[start - 1] == '/')
        start--;
    if (start == 0)
        return copy_part(".", 1, LEHR_PATH_MAX, parent);
    return copy_part(path, start, LEHR_PATH_MAX, parent);
}

lehr_status lehr_name_check(const char *name)
{
    LEHR_CHECK(name[0] != '\0', LEHR_ERR_ARG,
               "an empty name cannot stand below an output directory");
    LEHR_CHECK(strcmp(name, ".") != 0 && strcmp(name, "..") != 0, LEHR_ERR_ARG,
               "'%s' cannot name a directory below an output directory", name);
    for (const char *c = name; *c != '\0'; c++)
        LEHR_CHECK(*c != '/' && (unsigned char)*c >= 0x20 && *c != 0x7f, LEHR_ERR_ARG,
                   "name '%s' has a slash or a control character, so it cannot name a directory",
                   name);
    return LEHR_OK;
}

lehr_status lehr_dir_check(const char *path)
{
    struct stat about;
    LEHR_CHECK(stat(path, &about) == 0 || (errno != ENOENT && errno != ENOTDIR), LEHR_ERR_IO,
               "%s: there is no such directory", path);
    return LEHR_OK;
}

lehr_status lehr_dir_open(const char *path, lehr_dir *out)
{
    lehr_dir dir = {.fd = -1};
    LEHR_CHECK(lehr_text_copy(dir.path, sizeof dir.path, path), LEHR_ERR_ARG,
               "path '%.60s...' is longer than %d bytes", path, LEHR_PATH_MAX - 1);
    dir.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    LEHR_CHECK(dir.fd >= 0, LEHR_ERR_IO, "%s: cannot open the directory: %s", path,
               lehr_system_error(errno));
    *out = dir;
    return LEHR_OK;
}

/* mkdir of one prefix of a path; existing is fine. */
static lehr_status make_prefix(const char *prefix)
{
    LEHR_CHECK(mkdir(prefix, DIRECTORY_MODE) == 0 || errno == EEXIST, LEHR_ERR_IO,
               "%s: cannot make the directory: %s", prefix, lehr_system_error(errno));
    return LEHR_OK;
}

lehr_status lehr_dir_make(const char *path, lehr_dir *out)
{
    char prefix[LEHR_PATH_MAX];
    LEHR_CHECK(lehr_text_copy(prefix, sizeof prefix, path), LEHR_ERR_ARG,
               "path '%.60s...' is longer than %d bytes", path, LEHR_PATH_MAX - 1);
    for (char *c = prefix; *c != '\0'; c++) {
        if (*c != '/' || c == prefix)
            continue;
        *c = '\0';
        LEHR_TRY(make_prefix(prefix));
        *c = '/';
    }
    LEHR_TRY(make_prefix(prefix));
    return lehr_dir_open(path, out);
}

/* Open the directory `name` of parent, which must not be a symbolic link. */
static lehr_status open_child(const lehr_dir *parent, const char *name, lehr_dir *out)
{
    lehr_dir dir = {.fd = -1, .lock = parent->lock};
    LEHR_TRY(lehr_path_join(parent->path, name, dir.path));
    dir.fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir.fd < 0) {
        const int error = errno;
        struct stat about;
        const bool link = fstatat(parent->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
                          S_ISLNK(about.st_mode);
        return lehr_fail(LEHR_ERR_IO, "%s: cannot open the directory: %s", dir.path,
                         link ? "it is a symbolic link" : lehr_system_error(error));
    }
    *out = dir;
    return LEHR_OK;
}

lehr_status lehr_dir_enter(const lehr_dir *parent, const char *name, lehr_dir *out)
{
    LEHR_TRY(lehr_name_check(name));
    LEHR_CHECK(mkdirat(parent->fd, name, DIRECTORY_MODE) == 0 || errno == EEXIST, LEHR_ERR_IO,
               "%s/%s: cannot make the directory: %s", parent->path, name,
               lehr_system_error(errno));
    return open_child(parent, name, out);
}

/* ---- All at once ----------------------------------------------------------------------------- */

/* A new name that nobody uses: a leftover of a killed process with our number is stepped over. */
static bool make_staged(const lehr_dir *parent, const char *name, char *staged, size_t capacity)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        snprintf(staged, capacity, ".%s.%ld.%d", name, (long)getpid(), i);
        if (mkdirat(parent->fd, staged, DIRECTORY_MODE) == 0)
            return true;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

lehr_status lehr_dir_stage(const lehr_dir *parent, const char *name, lehr_dir *out,
                           char staged[LEHR_NAME_MAX + 32])
{
    char path[LEHR_PATH_MAX];
    LEHR_TRY(lehr_path_join(parent->path, name, path));
    LEHR_CHECK(make_staged(parent, name, staged, LEHR_NAME_MAX + 32), LEHR_ERR_IO,
               "%s: cannot make the directory: %s", path, lehr_system_error(errno));
    const lehr_status status = open_child(parent, staged, out);
    if (status != LEHR_OK)
        unlinkat(parent->fd, staged, AT_REMOVEDIR);
    else
        lehr_text_copy(out->path, sizeof out->path, path);
    return status;
}

/* rename() takes the place of an empty directory; not all file systems can be told not to. */
static int rename_new(int parent, const char *from, const char *to)
{
    struct stat about;
    if (renameat2(parent, from, parent, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (fstatat(parent, to, &about, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(parent, from, parent, to);
}

lehr_status lehr_dir_reveal(const lehr_dir *parent, const char *staged, const lehr_dir *dir,
                            const char *name)
{
    (void)fsync(
        dir->fd); /* what is in it; then the new entry itself. Some file systems refuse this,
                             and lose nothing by it */
    if (rename_new(parent->fd, staged, name) != 0) {
        const int error = errno;
        const bool taken = error == EEXIST || error == ENOTEMPTY || error == ENOTDIR;
        return lehr_fail(taken ? LEHR_ERR_EXISTS : LEHR_ERR_IO, "%s: cannot make the directory: %s",
                         dir->path, lehr_system_error(error));
    }
    (void)fsync(parent->fd);
    return LEHR_OK;
}

void lehr_dir_close(lehr_dir *dir)
{
    if (dir == NULL || dir->fd < 0)
        return;
    close(dir->fd);
    dir->fd = -1;
}
