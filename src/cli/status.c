/* status.c: `lehr status`: how far a run or a sweep is, from what its directory says. Nothing is written. */
#include <jansson.h>
#include <time.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/signals.h"
#include "cli/standing.h"
#include "study/finding.h"
#include "study/progress.h"
#include "study/result.h"

static const struct timespec watch_every = {2, 0};

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

static void add_run(const json_t *status, const lehr_finding *f, lehr_text *out)
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

static lehr_status print_run(json_t *status, const lehr_finding *f, bool json)
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
    lehr_finding f;
    LEHR_TRY(lehr_run_status_read(path, &status));
    lehr_status done = lehr_finding_of(path, &status, &f);
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
