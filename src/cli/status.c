/* status.c: `lehr status`: how far a run or a sweep is, from what its directory says. Nothing is written. */
#define _DEFAULT_SOURCE /* realpath */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/signals.h"
#include "cli/standing.h"
#include "study/lock.h"
#include "study/progress.h"
#include "study/result.h"

static const struct timespec watch_every = {2, 0};

enum { WAY_BYTES = 3 * LEHR_PATH_MAX };

/* ---- A sweep --------------------------------------------------------------------------------- */

/* Once while it stays so: a task that waits in a queue may begin. */
static void add_rest(const json_t *standing, const lehr_yard *yard, bool *said, lehr_text *out)
{
    const bool rests = lehr_standing_rests(standing);
    if (rests && !*said)
        lehr_text_add(out, "%-12s  nobody is at work: lehr sweep SWEEP -o %s goes on\n", "",
                      yard->dir.path);
    *said = rests;
}

lehr_status lehr_standing_print(const lehr_yard *yard, bool json, lehr_watch *watch)
{
    json_t *standing = NULL;
    lehr_text text = {0};
    LEHR_TRY(lehr_standing_json(yard, &standing));
    watch->moves = lehr_standing_moves(standing);
    if (json)
        return lehr_console_json(standing);
    lehr_standing_table(standing, &text);
    add_rest(standing, yard, &watch->rests, &text);
    json_decref(standing);
    return lehr_console_text(&text);
}

static lehr_status look_at_sweep(const char *path, bool json, lehr_watch *watch)
{
    lehr_yard yard;
    LEHR_TRY(lehr_yard_open(path, &yard));
    const lehr_status status = lehr_standing_print(&yard, json, watch);
    lehr_yard_close(&yard);
    return status;
}

/* ---- A run ----------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "?";
}

static long long whole_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* How a run that says of itself that it is running can be found. */
typedef struct finding {
    const char *state;   /* what it is */
    bool moves;          /* there is something to wait for */
    char way[WAY_BYTES]; /* that leads on; "": none */
} finding;

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

static finding judge_trial(const char *path)
{
    char sweep[LEHR_PATH_MAX], id[LEHR_NAME_MAX];
    finding f = {.state = "unknown"};
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

static void describe_resume(const char *path, const json_t *status, char way[WAY_BYTES])
{
    const json_t *saved = json_object_get(json_object_get(status, "checkpoints"), "scan");
    const int length = snprintf(way, WAY_BYTES, "the process was killed; lehr resume %s ", path);
    if (json_is_integer(saved))
        snprintf(way + length, (size_t)(WAY_BYTES - length),
                 "goes on with it from scan %lld or later", (long long)json_integer_value(saved));
    else
        snprintf(way + length, (size_t)(WAY_BYTES - length),
                 "goes on with it: no checkpoint is known of, so it may start over");
}

static finding judge_lock(const char *path, const json_t *status)
{
    finding f = {.state = "running", .moves = true};
    switch (lehr_lock_look(path)) {
    case LEHR_LOCK_HELD: break;
    case LEHR_LOCK_UNKNOWN:
        f.state = "unknown";
        snprintf(f.way, sizeof f.way,
                 "nothing here can tell whether the process of another host "
                 "lives");
        break;
    case LEHR_LOCK_FREE:
        f = (finding){.state = "stale"};
        describe_resume(path, status, f.way);
        break;
    }
    return f;
}

static lehr_status read_status(const char *path, json_t **out)
{
    LEHR_CHECK(lehr_result_read(path, "status.json", out) == LEHR_OK, LEHR_ERR_EXISTS,
               "%s is not the directory of a run or a sweep", path);
    return LEHR_OK;
}

static bool says_running(const json_t *status)
{
    return strcmp(text_of(status, "state"), "running") == 0;
}

/* A process that is killed leaves "running" behind. What it wrote between our two looks is no such thing. */
static lehr_status judge(const char *path, json_t **status, finding *out)
{
    char owner[LEHR_PATH_MAX];
    json_t *before = NULL;
    bool same;
    LEHR_TRY(lehr_path_join(path, "owner", owner));
    do {
        json_decref(before);
        before = *status;
        *out = access(owner, F_OK) == 0 ? judge_trial(path) : judge_lock(path, *status);
        LEHR_TRY(read_status(path, status));
        same = json_equal(before, *status);
    } while (!same && !out->moves && says_running(*status));
    json_decref(before);
    if (!says_running(*status))
        *out = (finding){.state = text_of(*status, "state")};
    return LEHR_OK;
}

static void add_run(const json_t *status, const finding *f, lehr_text *out)
{
    const json_t *left = json_object_get(status, "time_left_s");
    lehr_text_add(out, "%-12s  %s %s\n%-12s  %s, scan %lld", "run", text_of(status, "name"),
                  text_of(status, "id"), "state", f->state, whole_of(status, "scan"));
    if (json_is_integer(json_object_get(status, "scans")))
        lehr_text_add(out, " of %lld", whole_of(status, "scans"));
    if (json_is_number(left) && f->moves) {
        lehr_text_add(out, ", left ");
        lehr_text_add_time(json_number_value(left), out);
    }
    if (f->way[0] != '\0')
        lehr_text_add(out, ": %s", f->way);
    lehr_text_add(out, "\n%-12s  %s\n%-12s  process %lld on %s, last heard of %s\n", "begun",
                  text_of(status, "started"), "worker", whole_of(status, "pid"),
                  text_of(status, "host"), text_of(status, "updated"));
    if (json_is_string(json_object_get(status, "error")))
        lehr_text_add(out, "%-12s  %s\n", "error", text_of(status, "error"));
}

static lehr_status print_run(json_t *status, const finding *f, bool json)
{
    if (json) {
        json_object_set_new(status, "state", json_string(f->state));
        return lehr_console_json(json_incref(status));
    }
    lehr_text text = {0};
    add_run(status, f, &text);
    return lehr_console_text(&text);
}

static lehr_status look_at_run(const char *path, bool json, bool *moves)
{
    json_t *status = NULL;
    finding f = {.state = ""};
    LEHR_TRY(read_status(path, &status));
    lehr_status done = LEHR_OK;
    if (says_running(status))
        done = judge(path, &status, &f);
    else
        f.state = text_of(status, "state");
    *moves = f.moves;
    if (done == LEHR_OK)
        done = print_run(status, &f, json);
    json_decref(status);
    return done;
}

/* ---- The command ----------------------------------------------------------------------------- */

static lehr_status status(const lehr_options *options, int *code)
{
    const char *path = options->argument[0];
    const bool json = options->given[LEHR_OPTION_JSON];
    lehr_watch watch = {.moves = true};
    *code = LEHR_EXIT_OK;
    LEHR_TRY(lehr_dir_check(path));
    for (;;) {
        LEHR_TRY(lehr_yard_is(path) ? look_at_sweep(path, json, &watch)
                                    : look_at_run(path, json, &watch.moves));
        if (!options->given[LEHR_OPTION_WATCH] || !watch.moves)
            return LEHR_OK;
        nanosleep(&watch_every, NULL);
        if (lehr_signals_seen())
            return LEHR_OK;
    }
}

const lehr_command lehr_command_status = {
    .name = "status",
    .arguments = "DIR",
    .help = "how far a run or a sweep is",
    .notes =
        "Only looks; works for a directory that others write into, on this host or another. "
        "The workers of\n\"checkpointed\" and \"stale\" trials are gone or have let go of them: "
        "`lehr sweep` goes on with the first from\ntheir last checkpoint, and begins the "
        "others, which have none, again. A run is \"stale\" when its process was killed:\n"
        "`lehr resume` goes on with it; and \"unknown\" where a file system without locks hides "
        "what another host does.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_BIT(WATCH) | LEHR_BIT(JSON),
    .run = status,
};
