/* The cache: what comes back is what was kept, whole and ours, or nothing; and it never complains. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cache.h"
#include "study/scratch.h"

enum { PATH_BYTES = LEHR_PATH_MAX + 200, HEAD_BYTES = 24 };

TestSuite(cache, .init = scratch_make, .fini = scratch_remove);

static lehr_cache open_cache(const char *name)
{
    lehr_cache cache;
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s%s", scratch_folder, name);
    cr_assert(lehr_cache_set(&cache, folder));
    return cache;
}

/* Is `text` what the cache has under the key? NULL: is there nothing? */
static int holds(lehr_cache *cache, const char *key, const char *text)
{
    size_t size = SIZE_MAX;
    char *bytes = lehr_cache_get(key, &size, cache);
    if (bytes == NULL || text == NULL)
        return bytes == NULL && text == NULL;
    const int same = size == strlen(text) && memcmp(bytes, text, size) == 0;
    free(bytes);
    return same;
}

static void file_of(const lehr_cache *cache, const char *key, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", cache->folder, key);
}

static int exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

Test(cache, keeps_bytes_in_a_folder_for_this_user_alone)
{
    umask(0);
    lehr_cache cache = open_cache("/a/b/c");
    cr_assert(holds(&cache, "sm90x1", NULL));
    cr_assert(!exists(cache.folder), "reading makes no folder");
    lehr_cache_put("sm90x1", "kernel", 6, &cache);
    lehr_cache_put("empty", "", 0, &cache);
    lehr_cache_put("sm90x1", "better", 6, &cache);
    cr_assert(holds(&cache, "sm90x1", "better"));
    cr_assert(holds(&cache, "empty", ""));
    cr_assert(holds(&cache, "other", NULL));
    struct stat about;
    cr_assert_eq(stat(cache.folder, &about), 0);
    cr_assert_eq(about.st_mode & 0777, 0700);
    char path[PATH_BYTES];
    file_of(&cache, "sm90x1", path);
    cr_assert_eq(stat(path, &about), 0);
    cr_assert_eq(about.st_mode & 0777, 0600);
}

Test(cache, keys_are_letters_and_digits)
{
    lehr_cache cache = open_cache("");
    char longest[130];
    memset(longest, 'k', sizeof longest);
    longest[129] = '\0';
    const char *const bad[] = {"", ".", "..", "a/b", "../x", "a.b", "a b", "\xc3\xa4", longest};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lehr_cache_put(bad[i], "x", 1, &cache);
        cr_assert(holds(&cache, bad[i], NULL), "%s", bad[i]);
    }
    lehr_cache_put(longest + 1, "x", 1, &cache);
    cr_assert(holds(&cache, longest + 1, "x"), "128 characters are a key");
}

static long read_file(const char *path, char *bytes, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    const long count = (long)fread(bytes, 1, capacity, file);
    cr_assert_eq(fclose(file), 0);
    return count;
}

static void write_file(const char *path, const char *bytes, long count)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, (size_t)count, file), (size_t)count);
    cr_assert_eq(fclose(file), 0);
}

/* Every byte of a small file, three changes each; every shorter and a longer length; and another's key. */
Test(cache, sees_any_damage_and_removes_the_file)
{
    lehr_cache cache = open_cache("");
    char path[PATH_BYTES], whole[128], bad[129];
    lehr_cache_put("k", "some compiled kernel", 20, &cache);
    file_of(&cache, "k", path);
    const long size = read_file(path, whole, sizeof whole);
    cr_assert_eq(size, HEAD_BYTES + 20);
    for (long i = 0; i < size; i++)
        for (int change = 1; change < 256; change = change * 12 + 4) {
            memcpy(bad, whole, (size_t)size);
            bad[i] = (char)(bad[i] ^ change);
            write_file(path, bad, size);
            cr_assert(holds(&cache, "k", NULL), "byte %ld ^ %d", i, change);
            cr_assert(!exists(path), "byte %ld ^ %d: still there", i, change);
        }
    memcpy(bad, whole, (size_t)size);
    bad[size] = 0;
    for (long length = 0; length <= size + 1; length++) {
        write_file(path, bad, length);
        cr_assert(holds(&cache, "k", length == size ? "some compiled kernel" : NULL), "%ld bytes",
                  length);
    }
    file_of(&cache, "other", path);
    write_file(path, whole, size);
    cr_assert(holds(&cache, "other", NULL), "a file under another key");
}

Test(cache, uses_nothing_that_others_may_write_to)
{
    lehr_cache cache = open_cache("/shared");
    lehr_cache_put("k", "x", 1, &cache);
    cr_assert_eq(chmod(cache.folder, 0777), 0);
    cr_assert(holds(&cache, "k", NULL));
    lehr_cache_put("new", "x", 1, &cache);
    cr_assert_eq(chmod(cache.folder, 0700), 0);
    cr_assert(holds(&cache, "new", NULL));
    cr_assert(holds(&cache, "k", "x"));
    lehr_cache linked = open_cache("/linked");
    char path[PATH_BYTES], link[PATH_BYTES];
    file_of(&cache, "k", path);
    file_of(&linked, "k", link);
    lehr_cache_put("k", "y", 1, &linked);
    cr_assert(unlink(link) == 0 && symlink(path, link) == 0);
    cr_assert(holds(&linked, "k", NULL), "a symbolic link");
    cr_assert_eq(chmod(path, 0666), 0);
    cr_assert(holds(&cache, "k", NULL), "a file that others may write to");
}

Test(cache, is_quiet_where_it_cannot_write)
{
    lehr_cache cache;
    cr_assert(!lehr_cache_set(&cache, ""));
    char longest[LEHR_PATH_MAX + 1];
    memset(longest, '/', LEHR_PATH_MAX);
    longest[LEHR_PATH_MAX] = '\0';
    cr_assert(!lehr_cache_set(&cache, longest));
    const char *const folders[] = {"/proc/lehr/x", "/dev/null", "/dev/null/x"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        cr_assert(lehr_cache_set(&cache, folders[i]));
        lehr_cache_put("k", "x", 1, &cache);
        cr_assert(holds(&cache, "k", NULL), "%s", folders[i]);
    }
    char *large = calloc(1, LEHR_CACHE_BLOB_MAX + 1);
    cr_assert_not_null(large);
    cache = open_cache("");
    lehr_cache_put("k", large, LEHR_CACHE_BLOB_MAX + 1, &cache);
    cr_assert_eq(scratch_count(""), 0, "a blob over the bound");
    free(large);
    cr_assert_str_eq(lehr_error(), "");
}

/* Five sparse files of 60 MiB, one after the other in time: a sixth blob of 20 MiB costs the two oldest. */
Test(cache, drops_the_oldest_where_the_bound_is_reached)
{
    lehr_cache cache = open_cache("");
    char path[PATH_BYTES];
    for (int i = 0; i < 5; i++) {
        const char key[] = {'k', (char)('0' + i), '\0'};
        file_of(&cache, key, path);
        const int fd = open(path, O_WRONLY | O_CREAT, 0600);
        const struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        cr_assert(fd >= 0 && ftruncate(fd, (off_t)60 << 20) == 0 && futimens(fd, times) == 0);
        close(fd);
    }
    char *blob = calloc(1, (size_t)20 << 20);
    cr_assert_not_null(blob);
    lehr_cache_put("new", blob, (size_t)20 << 20, &cache);
    free(blob);
    for (int i = 0; i < 5; i++) {
        const char key[] = {'k', (char)('0' + i), '\0'};
        file_of(&cache, key, path);
        cr_assert_eq(exists(path), i >= 2, "%s", key);
    }
    file_of(&cache, "new", path);
    cr_assert(exists(path));
}

/* Two writers of different lengths and this reader: a whole blob is always there, and no file is left over. */
Test(cache, two_processes_never_show_half_a_blob)
{
    enum { BYTES = 20000, TURNS = 200 };
    lehr_cache cache = open_cache("");
    static char bytes[BYTES + 1];
    memset(bytes, 'a', sizeof bytes);
    lehr_cache_put("k", bytes, BYTES, &cache);
    pid_t writer[2];
    for (int w = 0; w < 2; w++) {
        writer[w] = fork();
        cr_assert(writer[w] >= 0);
        if (writer[w] > 0)
            continue;
        memset(bytes, 'a' + w, sizeof bytes);
        for (int i = 0; i < TURNS; i++)
            lehr_cache_put("k", bytes, BYTES + (size_t)w, &cache);
        _exit(0);
    }
    for (int i = 0; i < TURNS; i++) {
        size_t size = 0;
        char *found = lehr_cache_get("k", &size, &cache);
        cr_assert_not_null(found);
        cr_assert(size == BYTES || size == BYTES + 1);
        for (size_t b = 0; b < size; b++)
            cr_assert_eq(found[b], size == BYTES ? 'a' : 'b');
        free(found);
    }
    for (int w = 0; w < 2; w++) {
        int status;
        cr_assert_eq(waitpid(writer[w], &status, 0), writer[w]);
        cr_assert_eq(status, 0);
    }
    cr_assert_eq(scratch_count(""), 1, "files are left over");
}
