/* yard_trial.c: the directory of one trial: what state it is in, and making it ours. */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "study/output.h"
#include "study/result.h"
#include "study/yard.h"

enum { FILE_MODE = 0644, HOST_BYTES = 256, TEMPORARY_BYTES = LEHR_OWNER_MAX + 8 };

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

json_t *lehr_yard_read(const lehr_yard *yard, const char *id, const char *name)
{
    char path[LEHR_PATH_MAX];
    json_t *object = NULL;
    if (lehr_path_join(yard->trials.path, id, path) != LEHR_OK ||
        lehr_result_read(path, name, &object) != LEHR_OK)
        return NULL;
    return object;
}

/* Of a trial that has not ended: is somebody at it? */
static lehr_trial_state judge_owner(const lehr_yard *yard, const json_t *owner, bool *unknown)
{
    const int64_t pid = json_integer_value(json_object_get(owner, "pid"));
    return lehr_worker_lives(yard, text_of(owner, "worker"), text_of(owner, "host"), pid, unknown)
               ? LEHR_TRIAL_RUNNING
               : LEHR_TRIAL_STALE;
}

static lehr_trial_state judge(const lehr_yard *yard, const json_t *status, const json_t *owner,
                              bool *unknown)
{
    static const lehr_trial_state ends[] = {LEHR_TRIAL_DONE, LEHR_TRIAL_PRUNED, LEHR_TRIAL_FAILED};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(text_of(status, "state"), lehr_trial_state_name(ends[i])) == 0)
            return ends[i];
    return judge_owner(yard, owner, unknown);
}

void lehr_trial_look_at(const lehr_yard *yard, const char *id, lehr_trial_look *out)
{
    struct stat about;
    *out = (lehr_trial_look){.state = LEHR_TRIAL_PENDING};
    if (fstatat(yard->trials.fd, id, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    json_t *status = lehr_yard_read(yard, id, "status.json"),
           *owner = lehr_yard_read(yard, id, "owner");
    out->state = judge(yard, status, owner, &out->unknown);
    out->scan = json_integer_value(json_object_get(status, "scan"));
    out->attempts = (int32_t)json_integer_value(json_object_get(owner, "failed")) +
                    (out->state == LEHR_TRIAL_FAILED);
    snprintf(out->owner, sizeof out->owner, "%s", text_of(owner, "worker"));
    snprintf(out->reason, sizeof out->reason, "%s", text_of(status, "error"));
    json_decref(status);
    json_decref(owner);
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

static char *owner_text(const lehr_yard *yard, int32_t attempts)
{
    char host[HOST_BYTES] = "";
    gethostname(host, sizeof host - 1);
    json_t *owner = json_pack("{s:s, s:o, s:I, s:o, s:i}", "worker", yard->worker, "host",
                              lehr_json_text(host), "pid", (json_int_t)getpid(), "job",
                              lehr_json_text(yard->job), "failed", (int)attempts);
    char *text = json_dumps(owner, JSON_COMPACT);
    json_decref(owner);
    return text;
}

/* Not synced: after a power loss a trial without an owner is a dead worker's. */
static lehr_status write_owner(const lehr_yard *yard, const lehr_dir *dir, int32_t attempts)
{
    char *text = owner_text(yard, attempts);
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

/* rename() gives a directory a name only where there is none, or an empty one. */
static lehr_status give_name(const lehr_yard *yard, const char *temporary, const char *id,
                             bool *taken)
{
    *taken = renameat(yard->trials.fd, temporary, yard->trials.fd, id) == 0;
    if (*taken || errno == EEXIST || errno == ENOTEMPTY)
        return LEHR_OK;
    return fail_io(yard, id);
}

static lehr_status make_trial(const lehr_yard *yard, const char *id, int32_t attempts,
                              lehr_dir *dir, bool *taken)
{
    char temporary[TEMPORARY_BYTES];
    *taken = false;
    snprintf(temporary, sizeof temporary, ".new-%s", yard->worker);
    LEHR_TRY(lehr_dir_enter(&yard->trials, temporary, dir)); /* nobody else has this name */
    lehr_status status = write_owner(yard, dir, attempts);
    if (status == LEHR_OK)
        status = give_name(yard, temporary, id, taken);
    if (*taken)
        return lehr_path_join(yard->trials.path, id, dir->path);
    lehr_dir_close(dir);
    lehr_yard_remove(&yard->trials, temporary);
    return status;
}

/* The place where an interrupted trial starts over: its directory is set aside, and a new one begins. Whoever
 * still writes into the old one, because it was only believed to be dead, harms nobody. */
static lehr_status set_aside(const lehr_yard *yard, const char *id)
{
    char aside[TEMPORARY_BYTES];
    snprintf(aside, sizeof aside, ".old-%s", yard->worker);
    lehr_yard_remove(&yard->trials, aside);
    if (renameat(yard->trials.fd, id, yard->trials.fd, aside) != 0 && errno != ENOENT)
        return fail_io(yard, id);
    lehr_yard_remove(&yard->trials, aside);
    return LEHR_OK;
}

/* One at a time takes what was another's: between a look and a rename the trial could have become a third
 * one's. *fd -1: somebody else is at it. */
static bool reclaim_begins(const lehr_yard *yard, int *fd)
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

static lehr_status retake(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                          lehr_dir *dir, bool *taken)
{
    lehr_trial_look now;
    lehr_trial_look_at(yard, id, &now);
    *taken = false;
    if (now.state != look->state || strcmp(now.owner, look->owner) != 0)
        return LEHR_OK;
    LEHR_TRY(set_aside(yard, id));
    return make_trial(yard, id, look->attempts, dir, taken);
}

lehr_status lehr_trial_take(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                            lehr_dir *dir, bool *taken)
{
    int fd;
    if (look->state == LEHR_TRIAL_PENDING)
        return make_trial(yard, id, 0, dir, taken);
    *taken = false;
    if (!reclaim_begins(yard, &fd))
        return LEHR_OK;
    const lehr_status status = retake(yard, id, look, dir, taken);
    close(fd);
    return status;
}

void lehr_trial_give_back(const lehr_yard *yard, const char *id)
{
    (void)set_aside(yard, id);
}
