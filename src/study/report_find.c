/* report_find.c: directories of runs, those below a directory, and the sweeps whose trials they are. */
#define _XOPEN_SOURCE 700 /* realpath */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/directory.h"
#include "study/report.h"
#include "study/yard.h"

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

/* ---- Sweeps ---------------------------------------------------------------------------------- */

/* A folder called trials is not yet a sweep's. */
static bool is_sweep(const char *path)
{
    char file[LEHR_PATH_MAX];
    struct stat about;
    return lehr_yard_is(path) && lehr_path_join(path, "sweep.json", file) == LEHR_OK &&
           stat(file, &about) == 0 && S_ISREG(about.st_mode);
}

static bool split_trial(const char *run, char sweep[LEHR_PATH_MAX], char id[LEHR_NAME_MAX])
{
    char trials[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    return lehr_path_split(run, trials, id) == LEHR_OK &&
           lehr_path_split(trials, sweep, name) == LEHR_OK && strcmp(name, "trials") == 0 &&
           is_sweep(sweep);
}

bool lehr_run_sweep(const char *run, char sweep[LEHR_PATH_MAX], char id[LEHR_NAME_MAX])
{
    if (split_trial(run, sweep, id))
        return true;
    char *real = realpath(run, NULL);
    const bool found = real != NULL && split_trial(real, sweep, id);
    free(real);
    return found;
}

/* ---- Lists of directories -------------------------------------------------------------------- */

static lehr_status append(lehr_dir_list *list, const char *path)
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

static lehr_status append_sweep(lehr_run_list *list, const char *path)
{
    for (int32_t i = list->sweeps.count; i-- > 0;) /* most often the last one */
        if (strcmp(list->sweeps.path[i], path) == 0)
            return LEHR_OK;
    return append(&list->sweeps, path);
}

static lehr_status append_run(lehr_run_list *list, const char *path)
{
    char sweep[LEHR_PATH_MAX], id[LEHR_NAME_MAX];
    if (lehr_run_sweep(path, sweep, id))
        LEHR_TRY(append_sweep(list, sweep));
    return append(&list->runs, path);
}

/* ---- Below a directory ----------------------------------------------------------------------- */

static lehr_status walk(lehr_run_list *list, const char *path, int depth);

static lehr_status walk_entries(lehr_run_list *list, const char *path, DIR *folder, int depth)
{
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char below[LEHR_PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        LEHR_TRY(lehr_path_join(path, entry->d_name, below));
        if (lehr_run_is_at(below))
            LEHR_TRY(append_run(list, below));
        else if (depth < DEPTH_MAX && is_folder(below))
            LEHR_TRY(walk(list, below, depth + 1));
    }
    return LEHR_OK;
}

/* One below that is gone again was a trial's, which a worker takes over. */
static lehr_status walk(lehr_run_list *list, const char *path, int depth)
{
    DIR *folder = opendir(path);
    if (folder == NULL && errno == ENOENT && depth > 1)
        return LEHR_OK;
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

/* A sweep may be without any run yet. */
static lehr_status add_sweep(lehr_run_list *list, const char *path)
{
    char sweep[LEHR_PATH_MAX];
    LEHR_CHECK(lehr_text_copy(sweep, sizeof sweep, path), LEHR_ERR_ARG,
               "path '%.60s...' is too long", path);
    for (size_t end = strlen(sweep); end > 1 && sweep[end - 1] == '/'; end--)
        sweep[end - 1] = '\0';
    list->named_sweep = true;
    return append_sweep(list, sweep);
}

lehr_status lehr_run_list_add(lehr_run_list *list, const char *path)
{
    if (lehr_run_is_at(path)) {
        LEHR_TRY(append(&list->named, path));
        return append_run(list, path);
    }
    const int32_t before = list->runs.count;
    const bool sweep = is_sweep(path);
    if (sweep)
        LEHR_TRY(add_sweep(list, path));
    LEHR_TRY(walk(list, path, 1));
    const int32_t found = list->runs.count - before;
    LEHR_CHECK(found > 0 || sweep, LEHR_ERR_DATA,
               "%s is not the directory of a run, and there is none below it", path);
    if (found > 1)
        qsort(list->runs.path + before, (size_t)found, sizeof *list->runs.path, compare);
    return LEHR_OK;
}

bool lehr_run_list_names(const lehr_run_list *list, const char *run)
{
    for (int32_t i = 0; i < list->named.count; i++)
        if (strcmp(list->named.path[i], run) == 0)
            return true;
    return false;
}

void lehr_run_list_free(lehr_run_list *list)
{
    LEHR_FREE(list->runs.path);
    LEHR_FREE(list->sweeps.path);
    LEHR_FREE(list->named.path);
    list->runs.count = list->sweeps.count = list->named.count = 0;
}
