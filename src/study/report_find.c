/* report_find.c: directories of runs, and those below a directory. */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/directory.h"
#include "study/report.h"

/* A sweep keeps its trials at most this many folders below its own. */
enum { DEPTH_MAX = 3 };

static bool is_folder(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

bool lehr_run_is_at(const char *path)
{
    static const char *const names[] = {"config.yaml", "status.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[LEHR_PATH_MAX];
        struct stat about;
        if (lehr_path_join(path, names[i], file) != LEHR_OK || stat(file, &about) != 0 ||
            !S_ISREG(about.st_mode))
            return false;
    }
    return true;
}

static lehr_status append(lehr_run_list *list, const char *path)
{
    const bool full = (list->count & (list->count - 1)) == 0; /* 0, 1, 2, 4, 8, ... */
    const size_t capacity = list->count == 0 ? 1 : 2 * (size_t)list->count;
    if (full)
        LEHR_TRY(lehr_memory_grow(capacity, sizeof *list->path, "directories of runs",
                                  (void **)&list->path));
    LEHR_CHECK(lehr_text_copy(list->path[list->count], LEHR_PATH_MAX, path), LEHR_ERR_ARG,
               "path '%.60s...' is too long", path);
    list->count++;
    return LEHR_OK;
}

static lehr_status walk(lehr_run_list *list, const char *path, int depth);

static lehr_status walk_entries(lehr_run_list *list, const char *path, DIR *folder, int depth)
{
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char below[LEHR_PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        LEHR_TRY(lehr_path_join(path, entry->d_name, below));
        if (lehr_run_is_at(below))
            LEHR_TRY(append(list, below));
        else if (depth < DEPTH_MAX && is_folder(below))
            LEHR_TRY(walk(list, below, depth + 1));
    }
    return LEHR_OK;
}

static lehr_status walk(lehr_run_list *list, const char *path, int depth)
{
    DIR *folder = opendir(path);
    LEHR_CHECK(folder != NULL, LEHR_ERR_IO, "%s: cannot open the directory: %s", path,
               lehr_system_error(errno));
    const lehr_status status = walk_entries(list, path, folder, depth);
    closedir(folder);
    return status;
}

static int compare(const void *a, const void *b)
{
    return strcmp((const char *)a, (const char *)b);
}

lehr_status lehr_run_list_add(lehr_run_list *list, const char *path)
{
    if (lehr_run_is_at(path))
        return append(list, path);
    const int32_t before = list->count;
    LEHR_TRY(walk(list, path, 1));
    LEHR_CHECK(list->count > before, LEHR_ERR_DATA,
               "%s is not the directory of a run, and there is none below it", path);
    qsort(list->path + before, (size_t)(list->count - before), sizeof *list->path, compare);
    return LEHR_OK;
}

void lehr_run_list_free(lehr_run_list *list)
{
    LEHR_FREE(list->path);
    list->count = 0;
}
