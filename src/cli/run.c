/* run.c: `lehr run`: from a config to a directory with its result. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cli/cache_dir.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "lehr/lehr.h"
#include "study/record.h"
#include "study/result.h"
#include "study/store.h"

enum { ERROR_BYTES = 2048, SECONDS_PER_HOUR = 3600 };

/* Everything that one run holds; all of it is freed in one place. */
typedef struct session {
    const lehr_options *options;
    lehr_config config;
    lehr_run_spec spec; /* the config's, with what holds for this call only */
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_pack *pack;
    lehr_run *run; /* the pack's only one */
    lehr_model *model;
    lehr_store *store;
    json_t *result;
    char id[LEHR_RUN_ID_BYTES];
    char dir[LEHR_PATH_MAX];
} session;

static void close_session(session *s)
{
    lehr_signals_watch(NULL);
    json_decref(s->result);
    lehr_store_destroy(&s->store);
    lehr_model_destroy(&s->model);
    lehr_pack_destroy(&s->pack);
    lehr_objective_destroy(&s->objective);
    lehr_dataset_destroy(&s->dataset);
}

/* ---- Config ---------------------------------------------------------------------------------- */

/* --maxh is about this call and not about the run: it stays out of config.yaml. */
static lehr_status limit_hours(session *s)
{
    const char *text = lehr_option_value(s->options, LEHR_OPTION_MAXH, NULL);
    if (text == NULL)
        return LEHR_OK;
    double hours;
    LEHR_CHECK(lehr_parse_double(text, strlen(text), &hours) && hours > 0, LEHR_ERR_ARG,
               "--maxh needs a positive number of hours, not '%s'", text);
    const double limit_s = hours * SECONDS_PER_HOUR;
    if (s->spec.stop.wall_s <= 0 || limit_s < s->spec.stop.wall_s)
        s->spec.stop.wall_s = limit_s;
    return LEHR_OK;
}

static lehr_status check_options(const session *s)
{
    const char *resume = lehr_option_value(s->options, LEHR_OPTION_RESUME, "auto");
    LEHR_CHECK(strcmp(resume, "auto") == 0 || strcmp(resume, "never") == 0, LEHR_ERR_ARG,
               "--resume is auto or never, not '%s'", resume);
    const char *dir = lehr_option_value(s->options, LEHR_OPTION_OUTPUT, ".");
    LEHR_CHECK(dir[0] != '\0', LEHR_ERR_ARG, "-o needs the name of a directory");
    LEHR_CHECK(!s->options->given[LEHR_OPTION_REQUIRE_TARGET] ||
                   s->config.run.stop.metric != LEHR_METRIC_NONE,
               LEHR_ERR_ARG, "--require-target needs stop.target in the config");
    return LEHR_OK;
}

/* ---- Before the first scan ------------------------------------------------------------------- */

/* Data, id and place; the result when all of it was done before. */
static lehr_status look(session *s)
{
    LEHR_TRY(lehr_load_data(s->options, &s->config, &s->dataset));
    LEHR_TRY(lehr_config_id(&s->config, lehr_dataset_describe(s->dataset).hash, s->id));
    LEHR_TRY(lehr_store_place(&s->config, s->id,
                              lehr_option_value(s->options, LEHR_OPTION_OUTPUT, ""), s->dir));
    if (strcmp(lehr_option_value(s->options, LEHR_OPTION_RESUME, "auto"), "never") == 0)
        return lehr_store_refuse(s->dir);
    return lehr_store_find(s->dir, s->id, &s->result);
}

static lehr_status prepare(session *s)
{
    const lehr_config *c = &s->config;
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, s->dataset, &s->objective));
    LEHR_TRY(lehr_model_create(s->objective, &s->model));
    LEHR_TRY(lehr_model_check(s->model));
    LEHR_TRY(lehr_pack_create(&s->spec, 1, s->objective, &s->pack));
    s->run = lehr_pack_run(s->pack, 0);
    LEHR_TRY(lehr_record_start_from(c->init_from, s->objective, s->run));
    return lehr_store_create(c, s->id, s->dir, &s->store);
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
    lehr_console_note("run %s %s on %s (%s, %d threads): %d rows of %d parameters, files in %s",
                      s->config.name, s->id, summary.backend, summary.device, summary.threads,
                      summary.rows, summary.parameters, s->dir);
    return LEHR_OK;
}

/* ---- The run --------------------------------------------------------------------------------- */

/* What a look needs: whose progress, and where it is shown. */
typedef struct view {
    const lehr_run *run;
    lehr_screen screen;
} view;

static void show(void *data)
{
    view *v = data;
    const lehr_progress progress = lehr_progress_of(v->run);
    lehr_screen_look(&progress, &v->screen);
}

static lehr_status record(session *s)
{
    view v = {s->run, lehr_screen_open(s->options->given[LEHR_OPTION_QUIET])};
    lehr_recorded run = {.store = s->store, .trace_energy = s->config.trace_energy};
    lehr_recorder recorder = {.pack = s->pack, .run = &run, .look = show, .data = &v};
    LEHR_TRY(announce(s));
    lehr_signals_watch(s->run);
    const lehr_status status = lehr_record(&recorder);
    lehr_signals_watch(NULL);
    lehr_screen_close(&v.screen);
    return status;
}

static lehr_status finish(session *s)
{
    const lehr_result_about about = {&s->config, s->id, s->dir};
    LEHR_TRY(lehr_run_best(s->run, s->model->theta));
    LEHR_TRY(lehr_result_make(s->run, &about, &s->result));
    return lehr_store_finish(s->store, s->model, s->result);
}

static lehr_status work(session *s)
{
    LEHR_TRY(prepare(s));
    lehr_status status = record(s);
    if (status == LEHR_OK)
        status = finish(s);
    if (status == LEHR_OK)
        return LEHR_OK;
    char sentence[ERROR_BYTES]; /* writing the status may fail too, with a sentence of its own */
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    lehr_store_fail(s->store, sentence);
    return lehr_fail(status, "%s", sentence);
}

/* ---- After it -------------------------------------------------------------------------------- */

static int exit_code(const session *s)
{
    const char *stop = lehr_result_stop(s->result);
    if (strcmp(stop, "signal") == 0)
        return LEHR_EXIT_INTERRUPTED;
    const bool required = s->options->given[LEHR_OPTION_REQUIRE_TARGET];
    return required && strcmp(stop, "target") != 0 ? LEHR_EXIT_NO_TARGET : LEHR_EXIT_OK;
}

static lehr_status print_result(const session *s)
{
    if (s->options->given[LEHR_OPTION_JSON])
        return lehr_console_json(json_incref(s->result));
    lehr_text text = {0};
    lehr_result_table(s->result, &text);
    return lehr_console_text(&text);
}

static lehr_status run_session(session *s, int *code)
{
    LEHR_TRY(lehr_load(s->options, &s->config));
    LEHR_TRY(check_options(s));
    s->spec = s->config.run;
    lehr_cache_dir(s->spec.cache_dir, sizeof s->spec.cache_dir);
    LEHR_TRY(limit_hours(s));
    LEHR_TRY(look(s));
    if (s->result == NULL)
        LEHR_TRY(work(s));
    else if (!s->options->given[LEHR_OPTION_QUIET])
        lehr_console_note("%s holds this run's result already", s->dir);
    *code = exit_code(s);
    return print_result(s);
}

static lehr_status run(const lehr_options *options, int *code)
{
    session s = {.options = options};
    const lehr_status status = run_session(&s, code);
    close_session(&s);
    return status;
}

const lehr_command lehr_command_run = {
    .name = "run",
    .arguments = "CONFIG",
    .help = "run a config and leave its result in a directory",
    .notes = "The directory is -o DIR, else <output.dir>/<name>/<id>. A run that is finished "
             "prints its result again;\n"
             "anything else that stands there is exit code 73. The result is a table on stdout, or "
             "result.json with\n"
             "--json. --maxh ends the run as stop.wall_s does: stop is \"wall\", exit code 0. "
             "TERM, INT, USR1, USR2,\n"
             "HUP and XCPU end it after its slice with everything written and exit code 130; a "
             "second INT ends it at\n"
             "once.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_BIT(SET) | LEHR_BIT(OUTPUT) | LEHR_BIT(BACKEND) | LEHR_BIT(THREADS) |
               LEHR_BIT(RESUME) | LEHR_BIT(MAXH) | LEHR_BIT(REQUIRE_TARGET) | LEHR_BIT(QUIET) |
               LEHR_BIT(JSON),
    .run = run,
};
