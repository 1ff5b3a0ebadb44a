/* yard.c: a sweep's directory as a whole: making it, finding it, and who is at work in it. One trial's
 * directory is in yard_trial.c and yard_take.c. */
#define _GNU_SOURCE /* memrchr */

#include "study/yard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "study/crate.h"

enum {
    FILE_MODE = 0644,
    HOST_BYTES = 256,
    WORKER_HOST_BYTES = 101,
    DEPTH_MAX = 4,
    ASIDE_TRIES = 100
};

/* ---- Removing -------------------------------------------------------------------------------- */

static void remove_inside(int parent, const char *name, int depth)
{
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(fd, entry->d_name, 0) == 0 || depth == DEPTH_MAX)
            continue;
        remove_inside(fd, entry->d_name, depth + 1);
        unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}

void lehr_yard_remove(const lehr_dir *parent, const char *name)
{
    remove_inside(parent->fd, name, 0);
    unlinkat(parent->fd, name, AT_REMOVEDIR);
}

bool lehr_yard_set_aside(const lehr_yard *yard, const lehr_dir *parent, const char *name,
                         char aside[LEHR_ASIDE_BYTES])
{
    for (int i = 0; i < ASIDE_TRIES; i++) {
        snprintf(aside, LEHR_ASIDE_BYTES, ".old-%s.%d", yard->worker, i);
        if (renameat(parent->fd, name, parent->fd, aside) == 0)
            return true;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return false;
    }
    return false;
}

/* ---- Who is at work -------------------------------------------------------------------------- */

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static void clean_name(char *name)
{
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/' || (unsigned char)*c <= ' ')
            *c = '_';
}

/* This host as workers' names begin with it. */
static void name_host(char out[WORKER_HOST_BYTES])
{
    char host[HOST_BYTES] = "";
    gethostname(host, sizeof host - 1);
    snprintf(out, WORKER_HOST_BYTES, "%.100s", host);
    clean_name(out);
}

/* The process of a worker of this host, whose name is <host>-<pid>-<time>[@<job>]; 0: it is of another one. */
static pid_t find_process(const char *worker)
{
    char here[WORKER_HOST_BYTES];
    long pid = 0;
    const char *time = memrchr(worker, '-', strcspn(worker, "@")),
               *number = time != NULL ? memrchr(worker, '-', (size_t)(time - worker)) : NULL;
    name_host(here);
    if (number == NULL || (size_t)(number - worker) != strlen(here) || !has_prefix(worker, here) ||
        sscanf(number, "-%ld-", &pid) != 1)
        return 0;
    return (pid_t)pid;
}

/* Where nobody can lock, only processes of this host can be asked for. */
static bool lives_without_locks(const char *worker, bool *unknown)
{
    const pid_t pid = find_process(has_prefix(worker, ".new-") ? worker + 5 : worker);
    *unknown = pid <= 0;
    return *unknown || kill(pid, 0) == 0 || errno != ESRCH;
}

/* A batch job is started again only when its last start is over, and a worker's name ends with its job's. */
static bool is_earlier_start(const lehr_yard *yard, const char *worker)
{
    static const char digits[] = "0123456789";
    const char *ours = strrchr(yard->worker, '@'), *theirs = strrchr(worker, '@');
    if (ours == NULL || theirs == NULL || strcmp(ours, theirs) == 0)
        return false;
    const size_t number = strspn(ours + 1, digits);
    return number > 0 && number == strspn(theirs + 1, digits) &&
           strncmp(ours, theirs, number + 1) == 0;
}

bool lehr_worker_lives(const lehr_yard *yard, const char *worker, bool *unknown)
{
    *unknown = false;
    if (yard->workers.fd < 0 || lehr_name_check(worker) != LEHR_OK)
        return false; /* in a copy nobody is at work; killed before it could say who it is */
    const int fd = openat(yard->workers.fd, worker, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno != ENOENT;
    const bool ours = flock(fd, LOCK_SH | LOCK_NB) ==
                      0; /* shared: others may ask at the same time */
    const int error = errno;
    close(fd);
    if (ours || (error != EWOULDBLOCK && is_earlier_start(yard, worker)))
        return false;
    return error == EWOULDBLOCK || lives_without_locks(worker, unknown);
}

static void name_worker(lehr_yard *yard)
{
    char host[WORKER_HOST_BYTES];
    struct timespec now = {0};
    name_host(host);
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(yard->worker, sizeof yard->worker, "%s-%ld-%" PRIx64 "%s%.40s", host, (long)getpid(),
             (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec,
             yard->job[0] != '\0' ? "@" : "", yard->job);
    clean_name(yard->worker);
}

static lehr_status fail_worker(const lehr_yard *yard)
{
    return lehr_fail(LEHR_ERR_IO, "%s/%s: cannot write: %s", yard->workers.path, yard->worker,
                     lehr_system_error(errno));
}

/* The file gets its name when it is held already: one that nobody holds is a dead worker's. Where it is gone, somebody
 * took it for one between its making and the lock: then another is made. */
static lehr_status sign_in(lehr_yard *yard)
{
    const int dir = yard->workers.fd;
    for (;;) {
        char temporary[LEHR_OWNER_MAX + 8];
        name_worker(yard);
        snprintf(temporary, sizeof temporary, ".new-%s", yard->worker);
        yard->worker_fd = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 FILE_MODE);
        if (yard->worker_fd < 0)
            return fail_worker(yard);
        (void)flock(yard->worker_fd, LOCK_EX); /* where there are no locks, pids are asked */
        if (renameat(dir, temporary, dir, yard->worker) == 0)
            return LEHR_OK;
        if (errno != ENOENT)
            return fail_worker(yard);
        close(yard->worker_fd);
        yard->worker_fd = -1;
    }
}

/* ---- One at a time --------------------------------------------------------------------------- */

/* Between a look and a rename a trial could become a third one's. */
bool lehr_yard_reclaim(const lehr_yard *yard, int *fd)
{
    *fd = openat(yard->workers.fd, ".reclaim", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                 FILE_MODE);
    if (*fd < 0)
        return false;
    for (int i = 0; i < 100; i++) {
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return true;
        usleep(1000);
    }
    close(*fd);
    return false;
}

/* ---- What dead workers have left ------------------------------------------------------------- */

void lehr_yard_for_each(const lehr_yard *yard, const lehr_dir *dir,
                        void (*take)(const lehr_yard *yard, const char *name))
{
    const int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(list)) != NULL)
        take(yard, entry->d_name);
    closedir(list);
}

/* ".new-<worker>" is a trial that has no name yet. */
static void clean_trial(const lehr_yard *yard, const char *name)
{
    bool unknown;
    if (has_prefix(name, ".old-") ||
        (has_prefix(name, ".new-") && !lehr_worker_lives(yard, name + 5, &unknown)))
        lehr_yard_remove(&yard->trials, name);
}

static void clean_worker(const lehr_yard *yard, const char *name)
{
    bool unknown;
    if ((name[0] != '.' || has_prefix(name, ".new-")) && !lehr_worker_lives(yard, name, &unknown))
        unlinkat(yard->workers.fd, name, 0);
}

int32_t lehr_yard_workers(const lehr_yard *yard)
{
    DIR *list = opendir(yard->workers.path);
    int32_t count = 0;
    bool unknown;
    const struct dirent *entry;
    while (list != NULL && (entry = readdir(list)) != NULL)
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, yard->worker) != 0 &&
                 lehr_worker_lives(yard, entry->d_name, &unknown);
    if (list != NULL)
        closedir(list);
    return count;
}

/* ---- Opening --------------------------------------------------------------------------------- */

bool lehr_yard_is(const char *path)
{
    char trials[LEHR_PATH_MAX];
    struct stat about;
    return lehr_path_join(path, "trials", trials) == LEHR_OK && stat(trials, &about) == 0 &&
           S_ISDIR(about.st_mode);
}

/* A copy of a sweep may be without it. */
static lehr_status open_workers(const char *path, lehr_dir *workers)
{
    char part[LEHR_PATH_MAX];
    struct stat about;
    LEHR_TRY(lehr_path_join(path, "workers", part));
    if (stat(part, &about) != 0 && errno == ENOENT)
        return LEHR_OK;
    return lehr_dir_open(part, workers);
}

static lehr_status open_parts(const char *path, lehr_yard *yard)
{
    char part[LEHR_PATH_MAX];
    LEHR_TRY(lehr_dir_open(path, &yard->dir));
    LEHR_TRY(lehr_path_join(path, "trials", part));
    LEHR_TRY(lehr_dir_open(part, &yard->trials));
    return open_workers(path, &yard->workers);
}

static lehr_yard closed_yard(void)
{
    return (lehr_yard){.dir = {.fd = -1},
                       .trials = {.fd = -1},
                       .workers = {.fd = -1},
                       .packs = {.fd = -1},
                       .worker_fd = -1};
}

lehr_status lehr_yard_open(const char *path, lehr_yard *out)
{
    lehr_yard yard = closed_yard();
    LEHR_CHECK(lehr_yard_is(path), LEHR_ERR_EXISTS, "%s is not the directory of a sweep", path);
    const lehr_status status = open_parts(path, &yard);
    if (status == LEHR_OK)
        *out = yard;
    else
        lehr_yard_close(&yard);
    return status;
}

/* Is there anything in a directory that no sweep has put there? */
static bool is_foreign(const char *path)
{
    DIR *list = opendir(path);
    bool foreign = false;
    const struct dirent *entry;
    while (list != NULL && (entry = readdir(list)) != NULL)
        foreign |= entry->d_name[0] != '.' && strcmp(entry->d_name, "workers") != 0;
    if (list != NULL)
        closedir(list);
    return foreign;
}

/* In this order: what another worker makes meanwhile is foreign only until `trials` is there. */
lehr_status lehr_yard_check(const char *path)
{
    struct stat about;
    LEHR_CHECK(stat(path, &about) != 0 || S_ISDIR(about.st_mode), LEHR_ERR_EXISTS,
               "%s exists and is not a directory; choose another with -o", path);
    LEHR_CHECK(!is_foreign(path) || lehr_yard_is(path), LEHR_ERR_EXISTS,
               "%s exists and is not the directory of a sweep; choose another with -o", path);
    return LEHR_OK;
}

static lehr_status enter(const char *path, lehr_yard *yard)
{
    LEHR_TRY(lehr_dir_make(path, &yard->dir));
    LEHR_TRY(lehr_yard_check(path));
    LEHR_TRY(lehr_dir_enter(&yard->dir, "workers", &yard->workers));
    LEHR_TRY(lehr_dir_enter(&yard->dir, "trials", &yard->trials));
    LEHR_TRY(lehr_dir_enter(&yard->dir, "packs", &yard->packs));
    LEHR_TRY(sign_in(yard));
    lehr_yard_for_each(yard, &yard->trials, clean_trial);
    lehr_yard_for_each(yard, &yard->workers, clean_worker);
    lehr_crates_clean(yard);
    return LEHR_OK;
}

lehr_status lehr_yard_enter(const char *path, const char *job, lehr_yard *out)
{
    lehr_yard yard = closed_yard();
    snprintf(yard.job, sizeof yard.job, "%s", job);
    const lehr_status status = enter(path, &yard);
    if (status == LEHR_OK)
        *out = yard;
    else
        lehr_yard_close(&yard);
    return status;
}

void lehr_yard_close(lehr_yard *yard)
{
    if (yard->worker_fd >= 0) {
        unlinkat(yard->workers.fd, yard->worker, 0);
        close(yard->worker_fd);
        yard->worker_fd = -1;
    }
    lehr_dir_close(&yard->packs);
    lehr_dir_close(&yard->trials);
    lehr_dir_close(&yard->workers);
    lehr_dir_close(&yard->dir);
}
