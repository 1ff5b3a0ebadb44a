/* base/cache.c: one file per key: a head with length and checksum, then the bytes. Written beside its place and
 * renamed, so no lock and no fsync: what a crash leaves half written fails its checksum. */
#include "base/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/write.h"

enum {
    KEY_MAX = 128,
    ROOM = 16,
    PATH_BYTES = LEHR_PATH_MAX + KEY_MAX + ROOM,
    FILES_REMOVED = 1000
};

static const char magic[8] = {'l', 'e', 'h', 'r', 'b', 'l', 'o', 'b'};

/* The head of a file; no padding. */
typedef struct cache_head {
    char magic[8];
    uint64_t size;  /* of what follows, bytes */
    uint64_t check; /* of key, size and bytes */
} cache_head;

bool lehr_cache_set(lehr_cache *cache, const char *folder)
{
    return folder[0] != '\0' && lehr_text_copy(cache->folder, sizeof cache->folder, folder);
}

static bool find_path(const lehr_cache *cache, const char *key, char path[PATH_BYTES])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const size_t length = strspn(key, letters);
    if (length == 0 || length > KEY_MAX || key[length] != '\0')
        return false;
    snprintf(path, PATH_BYTES, "%s/%s", cache->folder, key);
    return true;
}

/* One changed byte changes FNV-1a always: each step is a bijection of the hash so far. */
static uint64_t checksum(const char *key, const void *bytes, uint64_t size)
{
    uint64_t hash = lehr_hash(LEHR_HASH_START, key, strlen(key) + 1);
    hash = lehr_hash(hash, &size, sizeof size);
    return lehr_hash(hash, bytes, (size_t)size);
}

/* Ours alone to write? */
static bool is_ours(const struct stat *about)
{
    return about->st_uid == geteuid() && (about->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool folder_is_ours(const char *folder)
{
    struct stat about;
    return stat(folder, &about) == 0 && S_ISDIR(about.st_mode) && is_ours(&about);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static bool read_all(int fd, void *bytes, size_t count)
{
    char *at = bytes;
    while (count > 0) {
        const ssize_t taken = read(fd, at, count);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return false;
        at += taken;
        count -= (size_t)taken;
    }
    return true;
}

/* Is the head right, and as long as the file says? */
static bool read_head(int fd, cache_head *head)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && is_ours(&about) &&
           read_all(fd, head, sizeof *head) && memcmp(head->magic, magic, sizeof magic) == 0 &&
           head->size <= LEHR_CACHE_BLOB_MAX &&
           (uint64_t)about.st_size == sizeof *head + head->size;
}

static void *read_blob(int fd, const char *key, size_t *size)
{
    cache_head head;
    if (!read_head(fd, &head))
        return NULL;
    void *bytes = malloc(head.size > 0 ? (size_t)head.size : 1);
    if (bytes == NULL)
        return NULL;
    if (read_all(fd, bytes, (size_t)head.size) && checksum(key, bytes, head.size) == head.check) {
        *size = (size_t)head.size;
        return bytes;
    }
    free(bytes);
    return NULL;
}

void *lehr_cache_get(const char *key, size_t *size, void *data)
{
    const lehr_cache *cache = data;
    char path[PATH_BYTES];
    if (!find_path(cache, key, path) || !folder_is_ours(cache->folder))
        return NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    void *bytes = read_blob(fd, key, size);
    close(fd);
    if (bytes == NULL)
        unlink(path);
    return bytes;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

static bool make_folder(const char *folder)
{
    char path[LEHR_PATH_MAX];
    lehr_text_copy(path, sizeof path, folder);
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* The sum of all files, and the name of the oldest one. */
static size_t survey(const char *folder, char oldest[PATH_BYTES])
{
    size_t bytes = 0;
    struct timespec since = {0};
    DIR *directory = opendir(folder);
    oldest[0] = '\0';
    for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        struct stat about;
        if (fstatat(dirfd(directory), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(about.st_mode) || strlen(entry->d_name) > KEY_MAX + ROOM - 2)
            continue;
        bytes += (size_t)about.st_size;
        const struct timespec t = about.st_mtim;
        if (oldest[0] == '\0' || t.tv_sec < since.tv_sec ||
            (t.tv_sec == since.tv_sec && t.tv_nsec < since.tv_nsec)) {
            since = t;
            snprintf(oldest, PATH_BYTES, "%s/%.*s", folder, KEY_MAX + ROOM - 2, entry->d_name);
        }
    }
    if (directory)
        closedir(directory);
    return bytes;
}

/* Make room for one more file. */
static void drop_oldest(const char *folder, size_t needed)
{
    char oldest[PATH_BYTES];
    for (int i = 0; i < FILES_REMOVED; i++)
        if (survey(folder, oldest) + needed <= LEHR_CACHE_BYTES_MAX || oldest[0] == '\0' ||
            unlink(oldest) != 0)
            return;
}

/* Beside its place, under a name that is no key, with mode 0600; then renamed. */
static void write_file(const char *folder, const char *path, const cache_head *head,
                       const void *bytes)
{
    char beside[PATH_BYTES];
    snprintf(beside, sizeof beside, "%s/.new-XXXXXX", folder);
    const int fd = mkstemp(beside);
    if (fd < 0)
        return;
    const bool written = lehr_write_all(fd, head, sizeof *head) &&
                         lehr_write_all(fd, bytes, (size_t)head->size);
    const bool closed = close(fd) == 0;
    if (!written || !closed || rename(beside, path) != 0)
        unlink(beside);
}

void lehr_cache_put(const char *key, const void *bytes, size_t size, void *data)
{
    const lehr_cache *cache = data;
    char path[PATH_BYTES];
    if (size > LEHR_CACHE_BLOB_MAX || !find_path(cache, key, path) || !make_folder(cache->folder) ||
        !folder_is_ours(cache->folder))
        return;
    cache_head head = {.size = size, .check = checksum(key, bytes, size)};
    memcpy(head.magic, magic, sizeof magic);
    drop_oldest(cache->folder, sizeof head + size);
    write_file(cache->folder, path, &head, bytes);
}
