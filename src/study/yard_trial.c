/* yard_trial.c: the directory of one trial: what state it is in. Making it ours is in yard_take.c. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "study/result.h"
#include "study/yard.h"

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

void lehr_trial_gap(const char *id, char out[LEHR_GAP_BYTES])
{
    snprintf(out, LEHR_GAP_BYTES, ".gap-%.*s", LEHR_NAME_MAX, id);
}

/* The name of a trial's directory as it is now; errno when there is none. */
static bool find_directory(const lehr_yard *yard, const char *id, char name[LEHR_GAP_BYTES])
{
    struct stat about;
    snprintf(name, LEHR_GAP_BYTES, "%.*s", LEHR_NAME_MAX, id);
    if (fstatat(yard->trials.fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (errno != ENOENT)
        return false;
    lehr_trial_gap(id, name);
    return fstatat(yard->trials.fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0;
}

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
    if (access(file, F_OK) != 0 && errno == ENOENT)
        return LEHR_OK; /* no failure, not even in words */
    return lehr_result_read(path, name, out);
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
    char name[LEHR_GAP_BYTES];
    json_t *status = NULL, *owner = NULL;
    *out = (lehr_trial_look){.state = LEHR_TRIAL_PENDING, .saved = -1};
    if (find_directory(yard, id, name))
        out->unread = !is_read(read_object(yard, name, "status.json", &status)) ||
                      !is_read(read_object(yard, name, "owner", &owner));
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

static lehr_need ask_directory(const lehr_yard *yard, const char *id, const char *pack)
{
    json_t *owner = NULL;
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

lehr_need lehr_trial_needs(const lehr_yard *yard, const char *id, const char *pack)
{
    char gap[LEHR_GAP_BYTES];
    if (lehr_name_check(id) != LEHR_OK)
        return LEHR_NEED_NONE;
    const lehr_need need = ask_directory(yard, id, pack);
    if (need != LEHR_NEED_NONE)
        return need;
    lehr_trial_gap(id, gap);
    return ask_directory(yard, gap, pack);
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

/* ---- For those who come without the sweep -------------------------------------------------------- */

/* How the status of a trial says that it has ended; NULL: it has not. */
static const char *read_end(const char *path)
{
    json_t *status = NULL;
    if (lehr_result_read(path, "status.json", &status) != LEHR_OK)
        return NULL;
    const lehr_trial_state end = judge_end(status, LEHR_TRIAL_PENDING);
    json_decref(status);
    return end != LEHR_TRIAL_PENDING ? lehr_trial_state_name(end) : NULL;
}

lehr_status lehr_trial_refuse(const char *path)
{
    char file[LEHR_PATH_MAX], trials[LEHR_PATH_MAX], sweep[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    LEHR_TRY(lehr_path_join(path, "owner", file));
    if (access(file, F_OK) != 0)
        return LEHR_OK;
    const bool placed = lehr_path_split(path, trials, name) == LEHR_OK &&
                        lehr_path_split(trials, sweep, name) == LEHR_OK && lehr_yard_is(sweep);
    const char *end = read_end(path);
    const bool failed = end != NULL && strcmp(end, "failed") == 0;
    LEHR_CHECK(end == NULL || failed, LEHR_ERR_EXISTS,
               "%s is a trial of a sweep and %s; give the sweep more scans, or run it on its own: "
               "lehr run %s/config.yaml -s stop.scans=N -o OTHER",
               path, end, path);
    return lehr_fail(LEHR_ERR_EXISTS,
                     "%s is a %strial of a sweep and goes on with it: lehr sweep "
                     "SWEEP -o %s%s",
                     path, failed ? "failed " : "", placed ? sweep : "DIR",
                     failed ? " --retry failed" : "");
}
