/* scratch.h: a folder that lives as long as one test, and whole files in it. */
#ifndef TESTS_STUDY_SCRATCH_H
#define TESTS_STUDY_SCRATCH_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char scratch_folder[64];

/* Criterion's .init: every test has a process of its own, so one name is enough. */
static inline void scratch_make(void)
{
    snprintf(scratch_folder, sizeof scratch_folder, "/tmp/lehr-test-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch_folder));
}

static inline void scratch_remove(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", scratch_folder);
    cr_assert_eq(system(command), 0);
}

/* Path of a name in the folder; valid until the eighth call after this one. */
static inline const char *scratch(const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

static inline void scratch_write(const char *name, const void *bytes, size_t count)
{
    FILE *file = fopen(scratch(name), "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

/* A small file, ended by a zero byte. Valid until the next call. */
static inline const char *scratch_read(const char *name)
{
    static char text[1 << 16];
    FILE *file = fopen(scratch(name), "rb");
    cr_assert_not_null(file, "%s is not there", name);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static inline bool scratch_has(const char *name)
{
    struct stat about;
    return lstat(scratch(name), &about) == 0;
}

/* Files and folders below a folder, without "." and "..". */
static inline int scratch_count(const char *name)
{
    DIR *folder = opendir(scratch(name));
    cr_assert_not_null(folder);
    int count = -2;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

#endif
