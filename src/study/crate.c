/* crate.c: making crates, and when one can go. What is in them is written by save.c and journal.c. */
#define _DEFAULT_SOURCE

#include "study/crate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "model/file.h"
#include "study/output.h"

static const char list_name[] = "trials", lock_name[] = "lock";

/* Those of this process, which need not ask any file about them. */
static lehr_crate *opened;

/* ---- Making ---------------------------------------------------------------------------------- */

/* The list comes last: a crate without one has led nobody to it. */
static lehr_status write_list(const lehr_dir *dir, const char *const *trials, int32_t count)
{
    lehr_text text = {0};
    lehr_output output = {.fd = -1};
    for (int32_t i = 0; i < count; i++)
        lehr_text_add(&text, "%s\n", trials[i]);
    lehr_status status = text.failed
                             ? lehr_fail(LEHR_ERR_MEMORY, "out of memory for the trials of a pack")
                             : lehr_output_begin(dir, list_name, text.length, &output);
    output.loose = true;
    if (status == LEHR_OK)
        status = lehr_output_write(&output, text.data, text.length);
    if (status == LEHR_OK)
        status = lehr_output_commit(&output);
    lehr_text_free(&text);
    return status;
}

static lehr_status fill(const lehr_yard *yard, const char *const *trials, int32_t count,
                        lehr_crate *crate)
{
    LEHR_TRY(lehr_dir_enter(&yard->packs, crate->id, &crate->dir));
    LEHR_TRY(lehr_lock_take(&crate->dir, yard->job, false, &crate->lock));
    crate->dir.lock = &crate->lock;
    return write_list(&crate->dir, trials, count);
}

lehr_status lehr_crate_make(const lehr_yard *yard, const char *const *trials, int32_t count,
                            lehr_crate *crate)
{
    static int number; /* in this process */
    *crate = (lehr_crate){.dir = {.fd = -1}, .lock = {.fd = -1}};
    snprintf(crate->id, sizeof crate->id, "%s.%d", yard->worker, ++number);
    const lehr_status status = fill(yard, trials, count, crate);
    if (status == LEHR_OK) {
        crate->next = opened;
        opened = crate;
        return LEHR_OK;
    }
    lehr_crate_close(crate);
    lehr_yard_remove(&yard->packs, crate->id);
    return status;
}

void lehr_crate_close(lehr_crate *crate)
{
    if (crate->dir.fd < 0)
        return;
    for (lehr_crate **c = &opened; *c != NULL; c = &(*c)->next)
        if (*c == crate) {
            *c = crate->next;
            break;
        }
    lehr_lock_release(&crate->lock);
    lehr_dir_close(&crate->dir);
}

/* ---- Is it needed? --------------------------------------------------------------------------- */

static bool is_open(const char *id)
{
    const lehr_crate *crate = opened;
    while (crate != NULL && strcmp(crate->id, id) != 0)
        crate = crate->next;
    return crate != NULL;
}

/* Can its maker, whose name is in front of the number, be at work in it? */
static bool maker_works(const lehr_yard *yard, const char *id)
{
    char worker[LEHR_CRATE_ID_BYTES];
    bool unknown;
    snprintf(worker, sizeof worker, "%s", id);
    char *dot = strrchr(worker, '.');
    if (dot != NULL)
        *dot = '\0';
    if (strcmp(worker, yard->worker) == 0)
        return is_open(id);
    return lehr_worker_lives(yard, worker, &unknown);
}

/* Is somebody at work in it? One that is only half made is its maker's. */
static bool in_use(const lehr_yard *yard, const char *id)
{
    char path[LEHR_CRATE_ID_BYTES + sizeof lock_name];
    snprintf(path, sizeof path, "%s/%s", id, lock_name);
    const int fd = openat(yard->packs.fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return maker_works(yard, id);
    const bool free = flock(fd, LOCK_SH | LOCK_NB) == 0;
    const int error = errno;
    close(fd);
    return !free && (error == EWOULDBLOCK || maker_works(yard, id));
}

/* Once no trial is led to a crate none ever is again. */
static lehr_need ask_trials(const lehr_yard *yard, const char *id)
{
    char dir[LEHR_PATH_MAX], path[LEHR_PATH_MAX];
    lehr_file file = {0};
    if (lehr_path_join(yard->packs.path, id, dir) != LEHR_OK ||
        lehr_path_join(dir, list_name, path) != LEHR_OK)
        return LEHR_NEED_UNKNOWN;
    if (lehr_file_read(path, &file) != LEHR_OK)
        return access(path, F_OK) != 0 && errno == ENOENT && !maker_works(yard, id)
                   ? LEHR_NEED_NONE
                   : LEHR_NEED_UNKNOWN;
    lehr_need found = LEHR_NEED_NONE;
    for (size_t i = 0; found == LEHR_NEED_NONE && i < file.size;) {
        char trial[LEHR_NAME_MAX] = "";
        const char *line = file.data + i, *end = memchr(line, '\n', file.size - i);
        const size_t length = end != NULL ? (size_t)(end - line) : file.size - i;
        snprintf(trial, sizeof trial, "%.*s", (int)length, line);
        found = lehr_trial_needs(yard, trial, id);
        i += length + 1;
    }
    lehr_file_free(&file);
    return found;
}

/* ---- Going ----------------------------------------------------------------------------------- */

/* The first look is without the lock: it finds most that are needed. While the lock is held no trial is between
 * two directories. The crate is moved aside first, so that nobody finds half of one. */
void lehr_crate_drop(const lehr_yard *yard, const char *id)
{
    char aside[LEHR_ASIDE_BYTES];
    int fd;
    bool moved = false;
    if (lehr_name_check(id) != LEHR_OK || in_use(yard, id) ||
        ask_trials(yard, id) != LEHR_NEED_NONE || !lehr_yard_reclaim(yard, &fd))
        return;
    if (!in_use(yard, id) && ask_trials(yard, id) == LEHR_NEED_NONE)
        moved = lehr_yard_set_aside(yard, &yard->packs, id, aside);
    close(fd);
    if (moved)
        lehr_yard_remove(&yard->packs, aside);
}

static void clean(const lehr_yard *yard, const char *name)
{
    if (name[0] != '.')
        lehr_crate_drop(yard, name);
    else if (strncmp(name, ".old-", 5) == 0)
        lehr_yard_remove(&yard->packs, name);
}

void lehr_crates_clean(const lehr_yard *yard)
{
    lehr_yard_for_each(yard, &yard->packs, clean);
}
