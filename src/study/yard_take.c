/* yard_take.c: making a trial ours: a directory of our own takes its name. What may be taken is in yard_trial.c. */
#define _GNU_SOURCE /* renameat2 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "model/file.h"
#include "study/output.h"
#include "study/result.h"
#include "study/yard.h"

enum { HOST_BYTES = 256, TEMPORARY_BYTES = LEHR_OWNER_MAX + 8 };

/* ---- Between two directories ------------------------------------------------------------------- */

static bool has_gap(const lehr_yard *yard, const char *id)
{
    char gap[LEHR_GAP_BYTES];
    lehr_trial_gap(id, gap);
    return faccessat(yard->trials.fd, gap, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* Whatever has the name was begun without knowledge of it, or is the new one of somebody who was killed. */
static void close_gap(const lehr_yard *yard, const char *id)
{
    char gap[LEHR_GAP_BYTES], aside[LEHR_ASIDE_BYTES];
    const int trials = yard->trials.fd;
    lehr_trial_gap(id, gap);
    const bool moved = lehr_yard_set_aside(yard, &yard->trials, id, aside);
    const bool back = renameat(trials, gap, trials, id) == 0;
    if (moved && (back || renameat(trials, aside, trials, id) != 0))
        lehr_yard_remove(&yard->trials, aside);
}

/* ---- Staging ---------------------------------------------------------------------------------- */

static lehr_status fail_io(const lehr_yard *yard, const char *id)
{
    return lehr_fail(LEHR_ERR_IO, "%s/%s: cannot make the directory: %s", yard->trials.path, id,
                     lehr_system_error(errno));
}

static char *owner_text(const lehr_yard *yard, int32_t attempts, const char *pack)
{
    char host[HOST_BYTES] = "";
    gethostname(host, sizeof host - 1);
    json_t *owner = json_pack("{s:s, s:o, s:I, s:o, s:i, s:s}", "worker", yard->worker, "host",
                              lehr_json_text(host), "pid", (json_int_t)getpid(), "job",
                              lehr_json_text(yard->job), "failed", (int)attempts, "pack", pack);
    char *text = json_dumps(owner, JSON_COMPACT);
    json_decref(owner);
    return text;
}

static lehr_status sync_file(lehr_output *output)
{
    if (fsync(output->fd) == 0)
        return LEHR_OK;
    const int error = errno;
    lehr_output_abandon(output);
    return lehr_fail(LEHR_ERR_IO, "%s/%s: cannot be written to the disk: %s", output->dir->path,
                     output->name, lehr_system_error(error));
}

/* The name of a file can outlive a power loss without its bytes. Without an owner a trial is a dead worker's and starts
 * over, which costs nothing where nothing was saved. */
lehr_status lehr_trial_lead(const lehr_yard *yard, const lehr_dir *dir, int32_t attempts,
                            const char *before, const char *pack)
{
    char *text = owner_text(yard, attempts, pack);
    lehr_output output = {.fd = -1};
    LEHR_CHECK(text != NULL, LEHR_ERR_MEMORY, "out of memory for the owner of a trial");
    lehr_status status = lehr_output_begin(dir, "owner", strlen(text), &output);
    output.loose = true;
    if (status == LEHR_OK)
        status = lehr_output_write(&output, text, strlen(text));
    if (status == LEHR_OK && before[0] != '\0')
        status = sync_file(&output);
    if (status == LEHR_OK)
        status = lehr_output_commit(&output);
    free(text);
    return status;
}

/* Where files have one name only it is copied. */
static lehr_status copy_file(const lehr_dir *from, const lehr_dir *to, const char *name)
{
    char path[LEHR_PATH_MAX];
    lehr_file file = {0};
    LEHR_TRY(lehr_path_join(from->path, name, path));
    LEHR_TRY(lehr_file_read(path, &file));
    const lehr_status status = lehr_output_whole(to, name, file.data, file.size);
    lehr_file_free(&file);
    return status;
}

/* Whole files of a trace are never changed, so that a second name is enough. One that is gone meanwhile is missed when its
 * trial goes on. */
static lehr_status keep_file(const lehr_dir *from, const lehr_dir *to, const char *name)
{
    struct stat about;
    if (name[0] == '.' || linkat(from->fd, name, to->fd, name, 0) == 0 || errno == ENOENT)
        return LEHR_OK;
    if (fstatat(from->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(about.st_mode))
        return LEHR_OK; /* no trial has made it */
    return copy_file(from, to, name);
}

static lehr_status keep_files(const lehr_dir *from, const lehr_dir *to)
{
    const int fd = openat(from->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    lehr_status status = LEHR_OK;
    const struct dirent *entry;
    if (list == NULL) {
        status = lehr_fail(LEHR_ERR_IO, "%s: cannot be read: %s", from->path,
                           lehr_system_error(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    while (status == LEHR_OK && (entry = readdir(list)) != NULL)
        status = keep_file(from, to, entry->d_name);
    closedir(list);
    return status;
}

static lehr_status keep_trace(const lehr_yard *yard, const char *id, const lehr_dir *dir)
{
    char trial[LEHR_PATH_MAX], path[LEHR_PATH_MAX];
    lehr_dir from = {.fd = -1}, to = {.fd = -1};
    struct stat about;
    LEHR_TRY(lehr_path_join(yard->trials.path, id, trial));
    LEHR_TRY(lehr_path_join(trial, "trace", path));
    if (lstat(path, &about) != 0 && errno == ENOENT)
        return LEHR_OK;
    LEHR_TRY(lehr_dir_open(path, &from));
    lehr_status status = lehr_dir_enter(dir, "trace", &to);
    if (status == LEHR_OK)
        status = keep_files(&from, &to);
    lehr_dir_close(&from);
    lehr_dir_close(&to);
    return status;
}

/* A trial that is being taken. */
typedef struct taking {
    const lehr_yard *yard;
    const char *id;
    const lehr_trial_look *look;
    lehr_dir *dir;                   /* ours */
    char temporary[TEMPORARY_BYTES]; /* its name until it has the trial's: nobody else has it */
} taking;

/* What could not be removed, of our own trial before or of what we took, is in the way of none. */
static void clear_stage(const taking *t)
{
    char aside[LEHR_ASIDE_BYTES];
    if (lehr_yard_set_aside(t->yard, &t->yard->trials, t->temporary, aside))
        lehr_yard_remove(&t->yard->trials, aside);
}

static lehr_status stage(taking *t)
{
    const char *pack = t->look->anew ? "" : t->look->pack;
    snprintf(t->temporary, sizeof t->temporary, ".new-%s", t->yard->worker);
    clear_stage(t);
    LEHR_TRY(lehr_dir_enter(&t->yard->trials, t->temporary, t->dir));
    LEHR_TRY(lehr_trial_lead(t->yard, t->dir, t->look->attempts, pack, pack));
    return pack[0] != '\0' ? keep_trace(t->yard, t->id, t->dir) : LEHR_OK;
}

/* rename() gives a directory a name only where there is none, or an empty one. */
static lehr_status give_name(const taking *t, bool *named)
{
    const int trials = t->yard->trials.fd;
    *named = renameat(trials, t->temporary, trials, t->id) == 0;
    if (*named || errno == EEXIST || errno == ENOTEMPTY)
        return LEHR_OK;
    return fail_io(t->yard, t->id);
}

/* Is ours what has the trial's name? Where there are no locks two may believe that they have taken it: the last one has. */
static bool has_name(const taking *t)
{
    struct stat ours, named;
    return fstat(t->dir->fd, &ours) == 0 &&
           fstatat(t->yard->trials.fd, t->id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* A trial that nobody had, at the look: without holding up others, who may begin hundreds. Its old directory may have been
 * about to be replaced all the same, which shows when ours has its name. */
static lehr_status begin(const taking *t, bool *taken)
{
    int fd;
    LEHR_TRY(give_name(t, taken));
    if (!*taken)
        return LEHR_OK;
    const bool gap = has_gap(t->yard, t->id);
    *taken = !gap && has_name(t);
    if (!gap || !lehr_yard_reclaim(t->yard, &fd))
        return LEHR_OK; /* who holds all up closes it */
    if (has_gap(t->yard, t->id))
        close_gap(t->yard, t->id);
    close(fd);
    return LEHR_OK;
}

/* In two steps, where the system cannot do it at once. */
static lehr_status replace_slowly(const taking *t, bool *taken)
{
    char gap[LEHR_GAP_BYTES], aside[LEHR_ASIDE_BYTES];
    const int trials = t->yard->trials.fd;
    *taken = false;
    lehr_trial_gap(t->id, gap);
    if (renameat(trials, t->id, trials, gap) != 0)
        return errno == ENOENT || errno == EEXIST || errno == ENOTEMPTY ? LEHR_OK
                                                                        : fail_io(t->yard, t->id);
    const lehr_status status = give_name(t, taken);
    if (!*taken) {
        close_gap(t->yard, t->id);
        return status;
    }
    if (lehr_yard_set_aside(t->yard, &t->yard->trials, gap, aside))
        lehr_yard_remove(&t->yard->trials, aside);
    else if (errno != ENOENT)
        return fail_io(t->yard, t->id);
    return LEHR_OK;
}

/* The old directory is set aside, and ours takes its place: at once, where the system can do that. Whoever still
 * writes into the old one, because it was only believed to be dead, harms nobody. */
static lehr_status replace(const taking *t, bool *taken)
{
    const int trials = t->yard->trials.fd;
    *taken = true;
    if (renameat2(trials, t->temporary, trials, t->id, RENAME_EXCHANGE) == 0)
        clear_stage(t);
    else
        LEHR_TRY(replace_slowly(t, taken));
    *taken = *taken && has_name(t);
    return LEHR_OK;
}

/* While all others are held up. */
static lehr_status take_over(const taking *t, bool *taken)
{
    const lehr_trial_look *look = t->look;
    lehr_trial_look now;
    if (has_gap(t->yard, t->id)) {
        close_gap(t->yard, t->id);
        return LEHR_OK; /* it is to be looked at again */
    }
    lehr_trial_look_at(t->yard, t->id, &now);
    if (now.unread || now.state != look->state || strcmp(now.owner, look->owner) != 0 ||
        strcmp(now.pack, look->pack) != 0)
        return LEHR_OK;
    return replace(t, taken);
}

static lehr_status take(const taking *t, bool *taken)
{
    int fd;
    if (t->look->state == LEHR_TRIAL_PENDING)
        return begin(t, taken);
    if (!lehr_yard_reclaim(t->yard, &fd))
        return LEHR_OK;
    const lehr_status status = take_over(t, taken);
    close(fd);
    return status;
}

lehr_status lehr_trial_take(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                            lehr_dir *dir, bool *taken)
{
    taking t = {.yard = yard, .id = id, .look = look, .dir = dir};
    *taken = false;
    lehr_status status = stage(&t);
    if (status == LEHR_OK)
        status = take(&t, taken);
    if (status == LEHR_OK && *taken)
        return lehr_path_join(yard->trials.path, id, dir->path);
    *taken = false;
    lehr_dir_close(dir);
    clear_stage(&t);
    return status;
}
