/* session.c: from a config to a directory with its result, in one process or in several. */
#include "cli/session.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "cli/cache_dir.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/progress.h"
#include "cli/ranks.h"
#include "cli/signals.h"
#include "lehr/lehr.h"
#include "run/run.h"
#include "study/lock.h"
#include "study/record.h"
#include "study/result.h"
#include "study/store.h"
#include "study/yard.h"

enum { ERROR_BYTES = 2048, SECONDS_PER_HOUR = 3600 };

static const int64_t scans_max = INT64_C(1000000000000000); /* as for stop.scans */

/* Everything that one run holds; all of it is freed in one place. */
typedef struct session {
    const lehr_options *options;
    double end_s;  /* by the clock: --maxh; +inf without */
    int64_t added; /* scans: --extend; 0 without */
    lehr_screen screen;
    lehr_config config;
    lehr_run_spec spec;    /* the config's, with what holds for this call only */
    const lehr_comm *comm; /* who shares the run's rows */
    bool said;             /* all ranks fail alike, and rank 0 has said why */
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_run *run;
    lehr_model *model;
    lehr_store *store;
    lehr_recorder *recorder;
    lehr_found found;
    json_t *result;
    char id[LEHR_RUN_ID_BYTES];
    char dir[LEHR_PATH_MAX];
} session;

static void close_session(session *s)
{
    json_decref(s->result);
    lehr_recorder_destroy(&s->recorder);
    lehr_store_destroy(&s->store);
    lehr_model_destroy(&s->model);
    lehr_run_destroy(&s->run);
    lehr_objective_destroy(&s->objective);
    lehr_dataset_destroy(&s->dataset);
}

/* ---- Config ---------------------------------------------------------------------------------- */

/* --maxh is about this call and not about the run, and its hours begin with the call. */
static lehr_status limit_hours(session *s)
{
    const char *text = lehr_option_value(s->options, LEHR_OPTION_MAXH, NULL);
    double hours = INFINITY;
    LEHR_CHECK(text == NULL || (lehr_parse_double(text, strlen(text), &hours) && hours > 0),
               LEHR_ERR_ARG, "--maxh needs a positive number of hours, not '%s'", text);
    s->end_s = lehr_clock_s() + hours * SECONDS_PER_HOUR;
    return LEHR_OK;
}

/* "scans=+N" */
static lehr_status parse_extension(const char *text, int64_t *scans)
{
    static const char key[] = "scans=+";
    const size_t length = sizeof key - 1;
    LEHR_CHECK(strncmp(text, key, length) == 0 &&
                   lehr_parse_int64(text + length, strlen(text + length), scans) && *scans > 0 &&
                   *scans <= scans_max,
               LEHR_ERR_ARG, "--extend needs scans=+N with a positive N, not '%s'", text);
    return LEHR_OK;
}

/* Ranks read the same file. What is wrong with it is wrong for all of them, so that rank 0 says it and all leave. */
static lehr_status load(session *s)
{
    const bool leads = lehr_comm_rank(s->comm) == 0;
    const lehr_status own = lehr_load(s->options, &s->config);
    int64_t said = own;
    if (lehr_comm_ranks(s->comm) == 1)
        return own;
    if (leads && own != LEHR_OK)
        lehr_console_error(lehr_error()); /* before a rank that leaves can end this one */
    LEHR_TRY(s->comm->broadcast(s->comm, 0, &said, sizeof said));
    s->said = said != LEHR_OK;
    return s->said ? lehr_fail((lehr_status)said, "%s", "") : own;
}

static lehr_status check_options(session *s)
{
    const char *resume = lehr_option_value(s->options, LEHR_OPTION_RESUME, "auto");
    LEHR_CHECK(strcmp(resume, "auto") == 0 || strcmp(resume, "never") == 0, LEHR_ERR_ARG,
               "--resume is auto or never, not '%s'", resume);
    const char *dir = lehr_option_value(s->options, LEHR_OPTION_OUTPUT, ".");
    LEHR_CHECK(dir[0] != '\0', LEHR_ERR_ARG, "-o needs the name of a directory");
    if (s->options->given[LEHR_OPTION_EXTEND])
        LEHR_TRY(parse_extension(lehr_option_value(s->options, LEHR_OPTION_EXTEND, ""), &s->added));
    LEHR_CHECK(!s->options->given[LEHR_OPTION_REQUIRE_TARGET] ||
                   s->config.run.stop.metric != LEHR_METRIC_NONE,
               LEHR_ERR_ARG, "--require-target needs stop.target in the config");
    return LEHR_OK;
}

/* ---- Before the first scan ------------------------------------------------------------------- */

/* A directory that is chosen can be asked before the data are read, which may take long. */
static lehr_status ask_chosen(const session *s)
{
    const char *chosen = lehr_option_value(s->options, LEHR_OPTION_OUTPUT, "");
    if (chosen[0] == '\0' || s->options->given[LEHR_OPTION_BREAK_LOCK])
        return LEHR_OK;
    return lehr_lock_ask(chosen);
}

/* Data, id and place; the result when all of it was done before. */
static lehr_status look(session *s)
{
    LEHR_TRY(ask_chosen(s));
    LEHR_TRY(lehr_load_data(s->options, &s->config, &s->dataset));
    LEHR_TRY(lehr_config_id(&s->config, lehr_dataset_describe(s->dataset).hash, s->id));
    LEHR_TRY(lehr_store_place(&s->config, s->id,
                              lehr_option_value(s->options, LEHR_OPTION_OUTPUT, ""), s->dir));
    if (strcmp(lehr_option_value(s->options, LEHR_OPTION_RESUME, "auto"), "never") == 0)
        return lehr_store_refuse(s->dir);
    LEHR_TRY(lehr_store_find(s->dir, &s->config, s->id, &s->found, &s->result));
    LEHR_CHECK(s->added == 0 || s->found != LEHR_FOUND_NOTHING, LEHR_ERR_ARG,
               "%s holds no run that could be extended", s->dir);
    return LEHR_OK;
}

/* A finished run, and all that its extensions were so far; temperatures stay where the first one found them. */
static lehr_status extend(session *s, int64_t scans)
{
    lehr_past past = {.scan = 0};
    LEHR_CHECK(s->found == LEHR_FOUND_RESULT, LEHR_ERR_ARG,
               "%s holds an unfinished run: finish it, then extend it", s->dir);
    LEHR_TRY(lehr_store_look_back(s->dir, &past));
    s->spec.held = past.extra > 0 ? past.held : past.scan;
    s->spec.extra = past.scan - s->spec.held + scans;
    json_decref(s->result);
    s->result = NULL;
    s->found = LEHR_FOUND_UNFINISHED;
    return LEHR_OK;
}

/* The run goes on as it was planned, or as it was extended before. */
static lehr_status go_on(session *s)
{
    lehr_past past = {.scan = 0};
    LEHR_TRY(lehr_store_look_back(s->dir, &past));
    s->spec.held = past.held;
    s->spec.extra = past.extra;
    return LEHR_OK;
}

/* Lock what is there; whoever had it before may have finished the run meanwhile. */
static lehr_status take_over(session *s, const lehr_store_spec *spec)
{
    LEHR_TRY(lehr_store_reopen(spec, &s->store));
    json_decref(s->result);
    LEHR_TRY(lehr_store_find(s->dir, &s->config, s->id, &s->found, &s->result));
    if (s->added > 0)
        LEHR_TRY(extend(s, s->added));
    else if (s->found == LEHR_FOUND_UNFINISHED)
        LEHR_TRY(go_on(s));
    lehr_store_extend(s->store, s->spec.held, s->spec.extra);
    return LEHR_OK;
}

/* The first word between ranks. */
typedef struct brief {
    int64_t held, extra; /* of the spec, which has them beside its config */
    int64_t nothing;     /* 1: there is nothing to run */
} brief;

/* On rank 0 after all that may refuse a run; elsewhere this waits for it. */
static lehr_status exchange_briefs(session *s, brief *b)
{
    *b = (brief){s->spec.held, s->spec.extra, b->nothing};
    LEHR_TRY(s->comm->broadcast(s->comm, 0, b, sizeof *b));
    s->spec.held = b->held;
    s->spec.extra = b->extra;
    return LEHR_OK;
}

static lehr_status create_run(session *s)
{
    lehr_pack *pack = NULL;
    LEHR_TRY(lehr_pack_create_shared(&s->spec, 1, s->objective, s->comm, &pack));
    s->run = lehr_pack_run(pack, 0);
    return LEHR_OK;
}

static lehr_status make_run(session *s)
{
    const lehr_config *c = &s->config;
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, s->dataset, &s->objective));
    LEHR_TRY(lehr_model_create(s->objective, &s->model));
    LEHR_TRY(lehr_model_check(s->model));
    LEHR_TRY(exchange_briefs(s, &(brief){.nothing = 0}));
    LEHR_TRY(create_run(s));
    return lehr_record_start_from(c->init_from, s->objective, s->run);
}

/* A run that is there is locked before anything is made for it; a new one leaves nothing when it cannot be made. */
static lehr_status prepare(session *s)
{
    const char *job = getenv("SLURM_JOB_ID");
    const lehr_store_spec spec = {.config = &s->config,
                                  .id = s->id,
                                  .path = s->dir,
                                  .job = job != NULL ? job : "",
                                  .break_lock = s->options->given[LEHR_OPTION_BREAK_LOCK]};
    if (s->found != LEHR_FOUND_NOTHING) {
        LEHR_TRY(lehr_trial_refuse(s->dir));
        LEHR_TRY(take_over(s, &spec));
    }
    if (s->result != NULL)
        return LEHR_OK;
    LEHR_TRY(make_run(s));
    return s->store != NULL ? LEHR_OK : lehr_store_create(&spec, &s->store);
}

/* What runs, on what: never silently something else than was asked for. */
static lehr_status announce(session *s)
{
    if (s->options->given[LEHR_OPTION_QUIET])
        return LEHR_OK;
    lehr_run_summary summary;
    LEHR_TRY(lehr_run_summarize(s->run, &summary));
    if (lehr_run_notice(s->run)[0] != '\0')
        lehr_console_note("%s", lehr_run_notice(s->run));
    lehr_console_note("run %s %s on %s (%s, %d thread%s): %d row%s of %d parameter%s, files in %s",
                      s->config.name, s->id, summary.backend, summary.device, summary.threads,
                      lehr_plural(summary.threads), summary.rows, lehr_plural(summary.rows),
                      summary.parameters, lehr_plural(summary.parameters), s->dir);
    return LEHR_OK;
}

/* ---- The run --------------------------------------------------------------------------------- */

/* Between slices: progress, and whether a signal or the clock asks to leave. */
static bool look_on(const lehr_progress *progress, void *data)
{
    session *s = data;
    lehr_screen_look(&s->screen, progress);
    return !lehr_signals_seen() && lehr_clock_s() < s->end_s;
}

static void say_resumed(const session *s, bool found, const lehr_text *notice)
{
    if (notice->length > 0) /* something is damaged: that is said to everybody */
        lehr_console_note("%s", notice->data);
    if (s->options->given[LEHR_OPTION_QUIET])
        return;
    const long long scan = lehr_store_saves(s->store)->scan;
    if (found)
        lehr_console_note("goes on from scan %lld", scan);
    else
        lehr_console_note("%s holds no checkpoint: the run starts over", s->dir);
}

static lehr_status resume(session *s)
{
    bool found = false;
    lehr_text notice = {0};
    const lehr_status status = lehr_recorder_resume(s->recorder, &found, &notice);
    if (status == LEHR_OK)
        say_resumed(s, found, &notice);
    lehr_text_free(&notice);
    return status;
}

static lehr_status open_recorder(session *s)
{
    const lehr_record_spec spec = {&s->config, s->id, lehr_dataset_describe(s->dataset).hash,
                                   look_on,    s,     false};
    LEHR_TRY(announce(s));
    LEHR_TRY(lehr_recorder_create(s->store, s->run, &spec, &s->recorder));
    return s->found == LEHR_FOUND_UNFINISHED ? resume(s) : LEHR_OK;
}

static lehr_status finish(session *s)
{
    const lehr_result_about about = {&s->config, s->id, s->dir, lehr_store_saves(s->store)};
    LEHR_TRY(lehr_run_best(s->run, s->model->theta));
    LEHR_TRY(lehr_result_make(s->run, &about, &s->result));
    return lehr_store_finish(s->store, s->model, s->result);
}

static lehr_status pause(session *s)
{
    LEHR_TRY(lehr_store_pause(s->store));
    if (!s->options->given[LEHR_OPTION_QUIET])
        lehr_console_note("saved at scan %lld; the same command, or lehr resume %s, goes on",
                          (long long)lehr_store_saves(s->store)->scan, s->dir);
    return LEHR_OK;
}

static lehr_status record(session *s)
{
    bool ended = false;
    s->screen = lehr_screen_open(s->options->given[LEHR_OPTION_QUIET]);
    const lehr_status status = lehr_recorder_go(s->recorder, &ended);
    lehr_screen_close(&s->screen);
    LEHR_TRY(status);
    return ended ? finish(s) : pause(s);
}

/* Write down that the run failed. */
static lehr_status fail(session *s, lehr_status status)
{
    char sentence[ERROR_BYTES]; /* writing the status may fail too, with a sentence of its own */
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    lehr_store_fail(s->store, sentence);
    return lehr_fail(status, "%s", sentence);
}

static lehr_status work(session *s)
{
    LEHR_TRY(prepare(s));
    if (s->result != NULL)
        return LEHR_OK;
    lehr_status status = open_recorder(s);
    if (status != LEHR_OK && s->found == LEHR_FOUND_UNFINISHED)
        return status; /* what is there is refused, and stays as it is */
    if (status == LEHR_OK)
        status = record(s);
    return status == LEHR_OK ? LEHR_OK : fail(s, status);
}

/* ---- After it -------------------------------------------------------------------------------- */

static int exit_code(const session *s)
{
    if (s->result == NULL)
        return LEHR_EXIT_AGAIN;
    const bool required = s->options->given[LEHR_OPTION_REQUIRE_TARGET];
    return required && strcmp(lehr_result_stop(s->result), "target") != 0 ? LEHR_EXIT_NO_TARGET
                                                                          : LEHR_EXIT_OK;
}

static lehr_status print_result(const session *s)
{
    if (s->options->given[LEHR_OPTION_JSON])
        return lehr_console_json(json_incref(s->result));
    lehr_text text = {0};
    lehr_result_table(s->result, &text);
    return lehr_console_text(&text);
}

/* A sweep's trial cannot be extended. */
static void say_done(const session *s)
{
    if (lehr_trial_refuse(s->dir) != LEHR_OK)
        lehr_console_note("%s holds this run's result already", s->dir);
    else
        lehr_console_note("%s holds this run's result already; lehr resume %s --extend scans=+N "
                          "goes on with it",
                          s->dir, s->dir);
}

static lehr_status run_session(session *s, int *code)
{
    LEHR_TRY(limit_hours(s));
    LEHR_TRY(load(s));
    LEHR_TRY(check_options(s));
    s->spec = s->config.run;
    lehr_cache_dir(s->spec.cache_dir, sizeof s->spec.cache_dir);
    LEHR_TRY(look(s));
    if (s->result == NULL || s->added > 0)
        LEHR_TRY(work(s));
    else if (!s->options->given[LEHR_OPTION_QUIET])
        say_done(s);
    *code = exit_code(s);
    return s->result != NULL ? print_result(s) : LEHR_OK;
}

/* ---- Ranks ------------------------------------------------------------------------------------- */

/* All ranks but 0: the same config and data, then whatever rank 0 does. */
static lehr_status follow(session *s)
{
    brief b = {0};
    LEHR_TRY(load(s));
    s->spec = s->config.run;
    lehr_cache_dir(s->spec.cache_dir, sizeof s->spec.cache_dir);
    LEHR_TRY(exchange_briefs(s, &b));
    if (b.nothing)
        return LEHR_OK;
    const lehr_config *c = &s->config;
    LEHR_TRY(lehr_load_data(s->options, c, &s->dataset));
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, s->dataset, &s->objective));
    LEHR_TRY(create_run(s));
    return lehr_pack_follow(s->run->pack);
}

static lehr_status lead(session *s, int *code)
{
    LEHR_TRY(run_session(s, code));
    return s->run == NULL ? exchange_briefs(s, &(brief){.nothing = 1}) : LEHR_OK;
}

/* A rank that fails takes the others with it: they would wait for it. Of devices each has its own. */
static void end_all(const lehr_comm *comm, lehr_status status)
{
    if (status == LEHR_ERR_DEVICE)
        (void)lehr_fail_prefix(status, "rank %d: ", lehr_comm_rank(comm));
    lehr_console_error(lehr_error());
    lehr_comm_abort(comm, lehr_status_exit_code(status));
}

lehr_status lehr_session(const lehr_options *options, int *code)
{
    session s = {.options = options};
    LEHR_TRY(lehr_ranks(&s.comm));
    const lehr_status status = lehr_comm_rank(s.comm) == 0 ? lead(&s, code) : follow(&s);
    if (status != LEHR_OK && lehr_comm_ranks(s.comm) > 1 && !s.said)
        end_all(s.comm, status);
    close_session(&s);
    lehr_comm_finish();
    return status;
}
