/* yard_trial.c: the directory of one trial: what state it is in, and making it ours. */
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
#include "study/output.h"
#include "study/result.h"
#include "study/yard.h"

enum { HOST_BYTES = 256, TEMPORARY_BYTES = LEHR_OWNER_MAX + 8 };

const char *lehr_trial_state_name(lehr_trial_state state)
{
    static const char *const names[] = {
#define X(suffix, name) name,
        LEHR_TRIAL_STATES(X)
#undef X
    };
    return names[state];
}

/* ---- Looking --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* *out: NULL when it is not there. Fails with LEHR_ERR_DATA when it is damaged, and else when it cannot be told now. */
static lehr_status read_object(const lehr_yard *yard, const char *id, const char *name,
                               json_t **out)
{
    char path[LEHR_PATH_MAX], file[LEHR_PATH_MAX];
    *out = NULL;
    LEHR_TRY(lehr_path_join(yard->trials.path, id, path));
    LEHR_TRY(lehr_path_join(path, name, file));
    const lehr_status status = lehr_result_read(path, name, out);
    if (status == LEHR_ERR_IO && access(file, F_OK) != 0 && errno == ENOENT)
        return LEHR_OK;
    return status;
}

json_t *lehr_yard_read(const lehr_yard *yard, const char *id, const char *name)
{
    json_t *object;
    (void)read_object(yard, id, name, &object);
    return object;
}

/* Of a trial that has not ended: is somebody at it? */
static lehr_trial_state judge_owner(const lehr_yard *yard, const json_t *owner, bool *unknown)
{
    if (lehr_worker_lives(yard, text_of(owner, "worker"), unknown))
        return LEHR_TRIAL_RUNNING;
    return text_of(owner, "pack")[0] != '\0' ? LEHR_TRIAL_CHECKPOINTED : LEHR_TRIAL_STALE;
}

static bool says(const json_t *status, lehr_trial_state state)
{
    return strcmp(text_of(status, "state"), lehr_trial_state_name(state)) == 0;
}

/* How a trial has ended; `otherwise`: it has not. */
static lehr_trial_state judge_end(const json_t *status, lehr_trial_state otherwise)
{
    static const lehr_trial_state ends[] = {LEHR_TRIAL_DONE, LEHR_TRIAL_PRUNED, LEHR_TRIAL_FAILED};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (says(status, ends[i]))
            return ends[i];
    return otherwise;
}

static lehr_trial_state judge(const lehr_yard *yard, const json_t *status, const json_t *owner,
                              bool *unknown)
{
    const lehr_trial_state end = judge_end(status, LEHR_TRIAL_PENDING);
    if (end != LEHR_TRIAL_PENDING)
        return end;
    if (says(status, LEHR_TRIAL_CHECKPOINTED))
        return LEHR_TRIAL_CHECKPOINTED;
    return judge_owner(yard, owner, unknown);
}

static int64_t saved_scan(const json_t *status)
{
    const json_t *scan = json_object_get(json_object_get(status, "checkpoints"), "scan");
    return json_is_integer(scan) ? json_integer_value(scan) : -1;
}

/* A failed trial is tried again from its start: from its last checkpoint it would fail as it did. */
static void copy_pack(const json_t *owner, lehr_trial_look *look)
{
    const char *pack = text_of(owner, "pack");
    if (look->state != LEHR_TRIAL_FAILED && pack[0] != '.' && lehr_name_check(pack) == LEHR_OK)
        snprintf(look->pack, sizeof look->pack, "%s", pack);
}

/* A file that is damaged is as good as none: it was written last before a power loss. */
static bool is_read(lehr_status status)
{
    return status == LEHR_OK || status == LEHR_ERR_DATA;
}

void lehr_trial_look_at(const lehr_yard *yard, const char *id, lehr_trial_look *out)
{
    struct stat about;
    json_t *status = NULL, *owner = NULL;
    *out = (lehr_trial_look){.state = LEHR_TRIAL_PENDING, .saved = -1};
    if (fstatat(yard->trials.fd, id, &about, AT_SYMLINK_NOFOLLOW) == 0)
        out->unread = !is_read(read_object(yard, id, "status.json", &status)) ||
                      !is_read(read_object(yard, id, "owner", &owner));
    else if (errno == ENOENT)
        return;
    else
        out->unread = true;
    out->state = out->unread ? LEHR_TRIAL_RUNNING : judge(yard, status, owner, &out->unknown);
    out->scan = json_integer_value(json_object_get(status, "scan"));
    out->saved = saved_scan(status);
    copy_pack(owner, out);
    out->attempts = (int32_t)json_integer_value(json_object_get(owner, "failed")) +
                    (out->state == LEHR_TRIAL_FAILED);
    snprintf(out->owner, sizeof out->owner, "%s", text_of(owner, "worker"));
    snprintf(out->reason, sizeof out->reason, "%s", text_of(status, "error"));
    json_decref(status);
    json_decref(owner);
}

lehr_need lehr_trial_needs(const lehr_yard *yard, const char *id, const char *pack)
{
    json_t *owner = NULL;
    if (lehr_name_check(id) != LEHR_OK)
        return LEHR_NEED_NONE;
    if (read_object(yard, id, "owner", &owner) != LEHR_OK)
        return LEHR_NEED_UNKNOWN;
    const bool led = strcmp(text_of(owner, "pack"), pack) == 0;
    json_decref(owner);
    if (!led)
        return LEHR_NEED_NONE;
    json_t *status = lehr_yard_read(yard, id, "status.json");
    const bool ended = judge_end(status, LEHR_TRIAL_RUNNING) != LEHR_TRIAL_RUNNING;
    json_decref(status);
    return ended ? LEHR_NEED_NONE : LEHR_NEED_SOME;
}

bool lehr_trial_is_free(const lehr_trial_look *look, lehr_retry retry, int32_t retries)
{
    switch (look->state) {
    case LEHR_TRIAL_PENDING:
    case LEHR_TRIAL_CHECKPOINTED:
    case LEHR_TRIAL_STALE: return true;
    case LEHR_TRIAL_RUNNING: return look->unknown && retry == LEHR_RETRY_STALE;
    case LEHR_TRIAL_FAILED: return retry == LEHR_RETRY_FAILED || look->attempts <= retries;
    default: return false;
    }
}

/* ---- Taking ---------------------------------------------------------------------------------- */

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

/* Not synced: after a power loss a trial without an owner is a dead worker's. */
lehr_status lehr_trial_lead(const lehr_yard *yard, const lehr_dir *dir, int32_t attempts,
                            const char *pack)
{
    char *text = owner_text(yard, attempts, pack);
    lehr_output output = {.fd = -1};
    LEHR_CHECK(text != NULL, LEHR_ERR_MEMORY, "out of memory for the owner of a trial");
    lehr_status status = lehr_output_begin(dir, "owner", strlen(text), &output);
    output.loose = true;
    if (status == LEHR_OK)
        status = lehr_output_write(&output, text, strlen(text));
    if (status == LEHR_OK)
        status = lehr_output_commit(&output);
    free(text);
    return status;
}

/* Whole files of a trace are never changed, so that a second name is enough. */
static lehr_status keep_trace(const lehr_yard *yard, const char *id, const lehr_dir *dir)
{
    char path[LEHR_NAME_MAX + 8];
    lehr_dir trace = {.fd = -1};
    snprintf(path, sizeof path, "%.*s/trace", LEHR_NAME_MAX, id);
    const int fd = openat(yard->trials.fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL)
        return LEHR_OK;
    const lehr_status status = lehr_dir_enter(dir, "trace", &trace);
    const struct dirent *entry;
    while (status == LEHR_OK && (entry = readdir(list)) != NULL)
        if (entry->d_name[0] != '.')
            (void)linkat(fd, entry->d_name, trace.fd, entry->d_name, 0);
    lehr_dir_close(&trace);
    closedir(list);
    return status;
}

/* A directory of ours under a name that nobody else has: what is not there yet is put there, then it gets its place. */
static lehr_status stage(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                         const char *temporary, lehr_dir *dir)
{
    const char *pack = look->anew ? "" : look->pack;
    LEHR_TRY(lehr_dir_enter(&yard->trials, temporary, dir));
    LEHR_TRY(lehr_trial_lead(yard, dir, look->attempts, pack));
    return pack[0] != '\0' ? keep_trace(yard, id, dir) : LEHR_OK;
}

/* rename() gives a directory a name only where there is none, or an empty one. */
static lehr_status give_name(const lehr_yard *yard, const char *temporary, const char *id,
                             bool *taken)
{
    *taken = renameat(yard->trials.fd, temporary, yard->trials.fd, id) == 0;
    if (*taken || errno == EEXIST || errno == ENOTEMPTY)
        return LEHR_OK;
    return fail_io(yard, id);
}

/* The old directory is set aside, and ours takes its place: at once, where the system can do that. Whoever still
 * writes into the old one, because it was only believed to be dead, harms nobody. */
static lehr_status replace(const lehr_yard *yard, const char *temporary, const char *id,
                           bool *taken)
{
    char aside[TEMPORARY_BYTES];
    const int trials = yard->trials.fd;
    *taken = renameat2(trials, temporary, trials, id, RENAME_EXCHANGE) == 0;
    if (*taken) {
        lehr_yard_remove(&yard->trials, temporary);
        return LEHR_OK;
    }
    snprintf(aside, sizeof aside, ".old-%s", yard->worker);
    lehr_yard_remove(&yard->trials, aside);
    if (renameat(trials, id, trials, aside) != 0 && errno != ENOENT)
        return fail_io(yard, id);
    const lehr_status status = give_name(yard, temporary, id, taken);
    lehr_yard_remove(&yard->trials, aside);
    return status;
}

static lehr_status make_trial(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                              lehr_dir *dir, bool *taken)
{
    char temporary[TEMPORARY_BYTES];
    const bool there = look->state != LEHR_TRIAL_PENDING;
    *taken = false;
    snprintf(temporary, sizeof temporary, ".new-%s", yard->worker);
    lehr_yard_remove(&yard->trials, temporary); /* what could not be removed before */
    lehr_status status = stage(yard, id, look, temporary, dir);
    if (status == LEHR_OK)
        status = (there ? replace : give_name)(yard, temporary, id, taken);
    if (*taken)
        return lehr_path_join(yard->trials.path, id, dir->path);
    lehr_dir_close(dir);
    lehr_yard_remove(&yard->trials, temporary);
    return status;
}

static lehr_status retake(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                          lehr_dir *dir, bool *taken)
{
    lehr_trial_look now;
    lehr_trial_look_at(yard, id, &now);
    *taken = false;
    if (now.unread || now.state != look->state || strcmp(now.owner, look->owner) != 0 ||
        strcmp(now.pack, look->pack) != 0)
        return LEHR_OK;
    return make_trial(yard, id, look, dir, taken);
}

lehr_status lehr_trial_take(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                            lehr_dir *dir, bool *taken)
{
    int fd;
    if (look->state == LEHR_TRIAL_PENDING)
        return make_trial(yard, id, look, dir, taken);
    *taken = false;
    if (!lehr_yard_reclaim(yard, &fd))
        return LEHR_OK;
    const lehr_status status = retake(yard, id, look, dir, taken);
    close(fd);
    return status;
}

/* ---- For those who come without the sweep -------------------------------------------------------- */

lehr_status lehr_trial_refuse(const char *path)
{
    char file[LEHR_PATH_MAX], trials[LEHR_PATH_MAX], sweep[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    LEHR_TRY(lehr_path_join(path, "owner", file));
    if (access(file, F_OK) != 0)
        return LEHR_OK;
    const bool placed = lehr_path_split(path, trials, name) == LEHR_OK &&
                        lehr_path_split(trials, sweep, name) == LEHR_OK && lehr_yard_is(sweep);
    return lehr_fail(LEHR_ERR_EXISTS,
                     "%s is a trial of a sweep and goes on with it: lehr sweep SWEEP -o %s", path,
                     placed ? sweep : "DIR");
}
