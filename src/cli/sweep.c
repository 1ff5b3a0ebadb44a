/* sweep.c: `lehr sweep`: many configs from one, and a directory with all of their results. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/cache_dir.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/dry_run.h"
#include "cli/file_kind.h"
#include "cli/load.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/standing.h"
#include "study/ledger.h"
#include "study/worker.h"

/* Everything that one call holds. */
typedef struct session {
    const lehr_options *options;
    lehr_overrides overrides;
    lehr_sweep *sweep;
    lehr_trials *trials;
    lehr_yard yard;
    lehr_worker_spec worker;
    lehr_screen screen;
    char dir[LEHR_PATH_MAX], cache[LEHR_PATH_MAX];
} session;

static void close_session(session *s)
{
    lehr_yard_close(&s->yard);
    lehr_trials_destroy(&s->trials);
    lehr_sweep_destroy(&s->sweep);
    lehr_overrides_free(&s->overrides);
}

/* ---- Options --------------------------------------------------------------------------------- */

static lehr_status read_retry(session *s)
{
    const char *text = lehr_option_value(s->options, LEHR_OPTION_RETRY, "");
    const bool failed = strcmp(text, "failed") == 0, stale = strcmp(text, "stale") == 0;
    LEHR_CHECK(text[0] == '\0' || failed || stale, LEHR_ERR_ARG,
               "--retry is failed or stale, not '%s'", text);
    s->worker.retry = failed ? LEHR_RETRY_FAILED : stale ? LEHR_RETRY_STALE : LEHR_RETRY_NONE;
    return LEHR_OK;
}

/* A whole number of the environment; `otherwise` when it is not set. */
static lehr_status read_variable(const char *name, int64_t otherwise, int64_t *out)
{
    const char *text = getenv(name);
    *out = otherwise;
    LEHR_CHECK(text != NULL || otherwise >= 0, LEHR_ERR_ARG,
               "--shard auto needs %s, which a Slurm array sets", name);
    LEHR_CHECK(text == NULL || lehr_parse_int64(text, strlen(text), out), LEHR_ERR_ARG,
               "%s is '%.40s', not a whole number", name, text);
    return LEHR_OK;
}

/* --array=MIN-MAX:STEP counts its tasks from MIN in steps. */
static lehr_status read_array(int64_t *shard, int64_t *shards)
{
    int64_t id, least, step;
    LEHR_TRY(read_variable("SLURM_ARRAY_TASK_ID", -1, &id));
    LEHR_TRY(read_variable("SLURM_ARRAY_TASK_COUNT", -1, shards));
    LEHR_TRY(read_variable("SLURM_ARRAY_TASK_MIN", 0, &least));
    LEHR_TRY(read_variable("SLURM_ARRAY_TASK_STEP", 1, &step));
    *shard = step > 0 ? (id - least) / step : -1;
    LEHR_CHECK(*shard >= 0 && *shard < *shards, LEHR_ERR_ARG,
               "--shard auto: task %lld of an array that begins at %lld is not one of its %lld "
               "tasks",
               (long long)id, (long long)least, (long long)*shards);
    return LEHR_OK;
}

static lehr_status read_shard(session *s)
{
    const char *text = lehr_option_value(s->options, LEHR_OPTION_SHARD, "0/1");
    const char *slash = strchr(text, '/');
    int64_t shard = -1, shards = 0;
    if (strcmp(text, "auto") == 0)
        LEHR_TRY(read_array(&shard, &shards));
    else if (slash != NULL && !(lehr_parse_int64(text, (size_t)(slash - text), &shard) &&
                                lehr_parse_int64(slash + 1, strlen(slash + 1), &shards)))
        shard = -1;
    LEHR_CHECK(shard >= 0 && shard < shards && shards <= LEHR_SWEEP_TRIALS_MAX, LEHR_ERR_ARG,
               "--shard is I/N, I from 0 to N-1, or auto; not '%s'", text);
    s->worker.shard = (int32_t)shard;
    s->worker.shards = (int32_t)shards;
    return LEHR_OK;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static bool stopping(void *data)
{
    (void)data;
    return lehr_signals_seen();
}

static void show(const lehr_worker_progress *progress, void *data)
{
    session *s = data;
    lehr_text line = {0};
    if (!lehr_screen_due(&s->screen))
        return;
    lehr_standing_line(progress, &line);
    lehr_screen_line(&s->screen, &line);
}

static void tell(const char *sentence, void *data)
{
    session *s = data;
    lehr_screen_close(&s->screen); /* the bar comes again below it */
    lehr_console_note("%s", sentence);
}

static void announce(const session *s)
{
    const lehr_trials *t = s->trials;
    if (s->options->given[LEHR_OPTION_QUIET])
        return;
    if (t->notice[0] != '\0')
        lehr_console_note("%s", t->notice);
    lehr_dry_run_note(t);
    lehr_console_note("sweep of %d trial%s on %s (%s), at most %d row%s in a launch, files in %s",
                      t->count, lehr_plural(t->count), t->backend, t->device, t->rows_most,
                      lehr_plural(t->rows_most), s->dir);
}

static lehr_status go(session *s, lehr_worker_end *end)
{
    s->screen = lehr_screen_open(s->options->given[LEHR_OPTION_QUIET]);
    s->worker.stopping = stopping;
    s->worker.look = show;
    s->worker.say = tell;
    s->worker.data = s;
    const lehr_status status = lehr_worker_go(&s->worker, end);
    lehr_screen_close(&s->screen);
    return status;
}

/* Trials that others hold are theirs to end; those that nobody can tell about are the user's to judge. */
static void warn_unknown(const session *s, const lehr_tally *tally)
{
    if (tally->unknown > 0 && !s->options->given[LEHR_OPTION_QUIET])
        lehr_console_note("%d trial%s held by workers on other hosts, and this file system has "
                          "no locks to tell whether they live; --retry stale takes them over",
                          tally->unknown, tally->unknown == 1 ? " is" : "s are");
}

static int exit_code(const lehr_tally *tally, lehr_worker_end end)
{
    if (end != LEHR_WORKER_DONE)
        return LEHR_EXIT_AGAIN;
    return tally->state[LEHR_TRIAL_FAILED] > 0 ? LEHR_EXIT_FAILED_TRIALS : LEHR_EXIT_OK;
}

/* "12", and when it was started again "12 restart 1"; "" where there is none. */
static const char *job_name(char out[LEHR_NAME_MAX])
{
    const char *job = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    snprintf(out, LEHR_NAME_MAX, "%s%s%s", job != NULL ? job : "",
             job != NULL && restart != NULL ? " restart " : "",
             job != NULL && restart != NULL ? restart : "");
    return out;
}

static lehr_status work(session *s, const char *name, int *code)
{
    lehr_worker_end end = LEHR_WORKER_DONE;
    lehr_tally tally;
    char job[LEHR_NAME_MAX];
    LEHR_TRY(lehr_yard_enter(s->dir, job_name(job), &s->yard));
    LEHR_TRY(lehr_ledger_write(s->trials, name, &s->yard));
    announce(s);
    LEHR_TRY(go(s, &end));
    lehr_worker_count(&s->worker, &tally);
    warn_unknown(s, &tally);
    *code = exit_code(&tally, end);
    return lehr_standing_print(&s->yard, s->options->given[LEHR_OPTION_JSON], &(lehr_watch){0});
}

static lehr_status run_session(session *s, int *code)
{
    char name[LEHR_NAME_MAX];
    LEHR_TRY(read_retry(s));
    LEHR_TRY(read_shard(s));
    LEHR_TRY(lehr_sweep_place(s->options, name, s->dir));
    LEHR_TRY(lehr_overrides_collect(s->options, &s->overrides));
    const char *file = s->options->argument[0];
    LEHR_TRY(lehr_file_kind_blame(
        file, LEHR_FILE_SWEEP,
        lehr_sweep_load(file, s->overrides.text, s->overrides.count, &s->sweep)));
    LEHR_TRY(lehr_trials_plan(s->sweep, &s->trials));
    lehr_cache_dir(s->cache, sizeof s->cache);
    s->worker.trials = s->trials;
    s->worker.yard = &s->yard;
    s->worker.cache_dir = s->cache;
    const bool dry = s->options->given[LEHR_OPTION_DRY_RUN];
    LEHR_TRY(lehr_sweep_check(s->trials, name, s->dir,
                              s->options->given[LEHR_OPTION_QUIET] ? NULL
                              : dry                                ? "would be"
                                                                   : "is now"));
    if (dry)
        return lehr_dry_run_print(&s->worker, s->dir, s->options->given[LEHR_OPTION_JSON]);
    return work(s, name, code);
}

static lehr_status sweep(const lehr_options *options, int *code)
{
    session s = {.options = options,
                 .yard = {.dir = {.fd = -1},
                          .trials = {.fd = -1},
                          .workers = {.fd = -1},
                          .packs = {.fd = -1},
                          .worker_fd = -1}};
    const lehr_status status = run_session(&s, code);
    close_session(&s);
    return status;
}

const lehr_command lehr_command_sweep = {
    .name = "sweep",
    .arguments = "SWEEP",
    .help = "run many configs that differ in some keys, many in one launch",
    .notes =
        "The directory is -o DIR, else runs/<name of the sweep file>. Finished trials are never "
        "done "
        "again, so the\nsame line goes on after any stop, and values that are added to the sweep "
        "run "
        "beside those that are there.\nThe directory of another sweep is refused: 73. Many "
        "processes may work in one directory at once, with or "
        "without --shard. A trial that fails does not stop\nthe others: exit code 3. A signal or "
        "limits.wall_s ends it with 85: run it again.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_BIT(OUTPUT) | LEHR_BIT(SHARD) | LEHR_BIT(DRY_RUN) | LEHR_BIT(RETRY) |
               LEHR_BIT(BACKEND) | LEHR_BIT(THREADS) | LEHR_BIT(QUIET) | LEHR_BIT(JSON),
    .run = sweep,
};
