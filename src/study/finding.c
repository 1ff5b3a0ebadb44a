/* finding.c: what a run says of itself, and what its lock, or the yard of its sweep, says. */
#define _DEFAULT_SOURCE /* realpath */

#include "study/finding.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "study/lock.h"
#include "study/result.h"
#include "study/yard.h"

static const char *state_of(const json_t *status)
{
    const char *text = json_string_value(json_object_get(status, "state"));
    return text != NULL ? text : "?";
}

/* ---- A trial: its sweep's workers are who has it ------------------------------------------------ */

/* <sweep>/trials/<id>, as the system calls it. False: it is elsewhere. */
static bool find_sweep(const char *path, char sweep[LEHR_PATH_MAX], char id[LEHR_NAME_MAX])
{
    char trials[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    char *whole = realpath(path, NULL);
    const bool found = whole != NULL && lehr_path_split(whole, trials, id) == LEHR_OK &&
                       lehr_path_split(trials, sweep, name) == LEHR_OK && lehr_yard_is(sweep);
    free(whole);
    return found;
}

static lehr_finding judge_trial(const char *path)
{
    char sweep[LEHR_PATH_MAX], id[LEHR_NAME_MAX];
    lehr_finding f = {.state = "unknown"};
    lehr_yard yard;
    lehr_trial_look look;
    if (!find_sweep(path, sweep, id) || lehr_yard_open(sweep, &yard) != LEHR_OK)
        return f;
    lehr_trial_look_at(&yard, id, &look);
    lehr_yard_close(&yard);
    f.moves = look.state == LEHR_TRIAL_RUNNING;
    f.state = look.unknown ? "unknown" : lehr_trial_state_name(look.state);
    if (look.state == LEHR_TRIAL_CHECKPOINTED || look.state == LEHR_TRIAL_STALE)
        snprintf(f.way, sizeof f.way, "its worker was killed; lehr sweep SWEEP -o %s %s", sweep,
                 look.state == LEHR_TRIAL_STALE ? "begins it again" : "goes on with it");
    return f;
}

/* ---- A run on its own -------------------------------------------------------------------------- */

static void describe_resume(const char *path, const json_t *status, lehr_finding *f)
{
    const json_t *saved = json_object_get(json_object_get(status, "checkpoints"), "scan");
    if (json_is_integer(saved))
        snprintf(f->way, sizeof f->way,
                 "the process was killed; lehr resume %s goes on with it from scan %lld or later",
                 path, (long long)json_integer_value(saved));
    else
        snprintf(f->way, sizeof f->way,
                 "the process was killed; lehr resume %s goes on with it: no checkpoint is known "
                 "of, so it may start over",
                 path);
}

static lehr_finding judge_lock(const char *path, const json_t *status)
{
    lehr_finding f = {.state = "running", .moves = true};
    switch (lehr_lock_look(path)) {
    case LEHR_LOCK_HELD: break;
    case LEHR_LOCK_UNKNOWN:
        f.state = "unknown";
        snprintf(f.way, sizeof f.way,
                 "nothing here can tell whether the process of another host "
                 "lives");
        break;
    case LEHR_LOCK_FREE:
        f = (lehr_finding){.state = "stale"};
        describe_resume(path, status, &f);
        break;
    }
    return f;
}

lehr_status lehr_run_status_read(const char *path, json_t **out)
{
    LEHR_CHECK(lehr_result_read(path, "status.json", out) == LEHR_OK, LEHR_ERR_EXISTS,
               "%s is not the directory of a run or a sweep", path);
    return LEHR_OK;
}

static bool says_running(const json_t *status)
{
    return strcmp(state_of(status), "running") == 0;
}

/* A process that is killed leaves "running" behind. What it wrote between our two looks is no such thing. */
static lehr_status judge_running(const char *path, json_t **status, lehr_finding *out)
{
    char owner[LEHR_PATH_MAX];
    json_t *before = NULL;
    bool same;
    LEHR_TRY(lehr_path_join(path, "owner", owner));
    do {
        json_decref(before);
        before = *status;
        *out = access(owner, F_OK) == 0 ? judge_trial(path) : judge_lock(path, *status);
        LEHR_TRY(lehr_run_status_read(path, status));
        same = json_equal(before, *status);
    } while (!same && !out->moves && says_running(*status));
    json_decref(before);
    if (!says_running(*status))
        *out = (lehr_finding){.state = state_of(*status)};
    return LEHR_OK;
}

lehr_status lehr_finding_of(const char *path, json_t **status, lehr_finding *out)
{
    *out = (lehr_finding){.state = state_of(*status)};
    return says_running(*status) ? judge_running(path, status, out) : LEHR_OK;
}
