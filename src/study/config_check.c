/* config_check.c: what several keys say together. What one key may hold is in its row of
 * config_schema.c, what only the data can tell (columns, classes, sizes) is checked by the
 * objective. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "run/device.h"
#include "core/args.h"
#include "study/config_read.h"
#include "study/directory.h"

/* Fail and blame the place where `key` was given. */
#define CHECK_AT(reader, key, condition, status, ...)                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return lehr_config_blame((reader), (key), lehr_fail((status), __VA_ARGS__));           \
    } while (0)

/* ---- Values that follow from others ---------------------------------------------------------- */

static lehr_status resolve_ladder(lehr_config_reader *r)
{
    lehr_ladder_spec *ladder = &r->draft.config.run.ladder;
    const int32_t listed = r->draft.listed;
    if (ladder->kind != LEHR_LADDER_LIST) {
        CHECK_AT(r, "temperatures.list", listed == 0, LEHR_ERR_ARG,
                 "temperatures.list is for `ladder: list`; leave it out here");
        return LEHR_OK;
    }
    CHECK_AT(r, listed == 0 ? "temperatures.ladder" : "temperatures.list", listed >= 2,
             LEHR_ERR_ARG,
             "`ladder: list` needs temperatures.list with at least 2 temperatures, got %d", listed);
    CHECK_AT(r, "temperatures.rungs",
             !lehr_config_given(r, "temperatures.rungs") || ladder->rungs == listed, LEHR_ERR_ARG,
             "temperatures.rungs is %d but temperatures.list has %d; leave rungs out",
             ladder->rungs, listed);
    ladder->rungs = listed;
    return LEHR_OK;
}

/* Rows of tempering: rungs x copies, of which one may be left to follow from chains. */
static lehr_status resolve_tempering(lehr_config_reader *r)
{
    lehr_run_spec *run = &r->draft.config.run;
    const int32_t chains = r->draft.chains, rungs = run->ladder.rungs;
    if (chains > 0 && !lehr_config_given(r, "temperatures.copies")) {
        CHECK_AT(r, "chains", chains % rungs == 0, LEHR_ERR_ARG,
                 "chains is %d, no multiple of the %d rungs", chains, rungs);
        run->copies = chains / rungs;
    }
    const int64_t rows = (int64_t)rungs * run->copies;
    CHECK_AT(r, "chains", chains == 0 || rows == chains, LEHR_ERR_ARG,
             "chains is %d but temperatures has %d rungs x %d copies; leave chains or copies out",
             chains, rungs, run->copies);
    CHECK_AT(r, "temperatures.copies", rows <= INT32_MAX, LEHR_ERR_ARG,
             "%d rungs x %d copies are more rows than a run can have", rungs, run->copies);
    return LEHR_OK;
}

static lehr_status resolve_rows(lehr_config_reader *r)
{
    lehr_run_spec *run = &r->draft.config.run;
    CHECK_AT(r, "method", run->method != LEHR_METHOD_POPULATION, LEHR_ERR_UNSUPPORTED,
             "method population is not part of this version; use tempering or annealing");
    if (run->method == LEHR_METHOD_TEMPERING || r->draft.chains == 0)
        LEHR_TRY(resolve_tempering(r));
    if (run->method == LEHR_METHOD_ANNEALING)
        run->copies = r->draft.chains > 0 ? r->draft.chains : run->ladder.rungs * run->copies;
    return LEHR_OK;
}

/* The default number of scans gives way to another length of the run. wall_s never does: it is not
 * part of a run's identity, so it must change nothing else. */
static void resolve_stop(lehr_config_reader *r)
{
    lehr_run_spec *run = &r->draft.config.run;
    const bool cooled = run->method == LEHR_METHOD_ANNEALING && run->cooling.scans > 0;
    if (!lehr_config_given(r, "stop.scans") && (run->stop.proposals > 0 || cooled))
        run->stop.scans = 0;
}

/* ---- Rules between keys ---------------------------------------------------------------------- */

static lehr_status check_source(const lehr_config_reader *r)
{
    const lehr_data_spec *data = &r->draft.config.data;
    const bool generated = data->generator.kind != LEHR_GENERATOR_NONE;
    CHECK_AT(r, "data.source", generated || data->source[0] != '\0', LEHR_ERR_ARG,
             "no data: give data.source or data.generator.kind");
    CHECK_AT(r, "data.generator.kind", !generated || data->source[0] == '\0', LEHR_ERR_ARG,
             "data.source and data.generator are both given; data come from one of them");
    CHECK_AT(r, "data.labels", !generated || data->labels[0] == '\0', LEHR_ERR_ARG,
             "data.labels is for data.source; a generator makes its own targets");
    CHECK_AT(r, "data.test_source", !generated || data->test_source[0] == '\0', LEHR_ERR_ARG,
             "data.test_source is for data.source; a generator has no test file");
    CHECK_AT(r, "data.test_labels", data->test_source[0] != '\0' || data->test_labels[0] == '\0',
             LEHR_ERR_ARG, "data.test_labels is given without data.test_source");
    return LEHR_OK;
}

static lehr_status check_task(const lehr_config_reader *r)
{
    const lehr_config *config = &r->draft.config;
    const lehr_generator kind = config->data.generator.kind;
    const bool regression = config->data.task == LEHR_TASK_REGRESSION;
    const bool numbers = kind == LEHR_GENERATOR_SINE || kind == LEHR_GENERATOR_LINE;
    CHECK_AT(r, "data.generator.kind", kind == LEHR_GENERATOR_NONE || numbers == regression,
             LEHR_ERR_ARG, "generator %s makes data for %s, but data.task is %s",
             lehr_kind_name(LEHR_LIST_GENERATOR, (int32_t)kind),
             numbers ? "regression" : "classification",
             regression ? "regression" : "classification");
    const lehr_loss loss = config->loss.kind;
    const bool classes = loss == LEHR_LOSS_BINARY_CROSS_ENTROPY ||
                         loss == LEHR_LOSS_CROSS_ENTROPY || loss == LEHR_LOSS_HINGE ||
                         loss == LEHR_LOSS_ZERO_ONE;
    CHECK_AT(
        r, lehr_config_given(r, "loss.kind") ? "loss.kind" : "data.task", !regression || !classes,
        LEHR_ERR_ARG,
        "loss %s is for classification, but data.task is regression: give a loss.kind such as mse",
        lehr_kind_name(LEHR_LIST_LOSS, (int32_t)loss));
    return LEHR_OK;
}

static lehr_status check_parts(const lehr_config_reader *r)
{
    const lehr_data_spec *data = &r->draft.config.data;
    const double test = data->test_source[0] != '\0' ? 0 : data->test_fraction;
    const char *key = lehr_config_given(r, "data.test_fraction") ? "data.test_fraction"
                                                                 : "data.validation_fraction";
    CHECK_AT(r, key, test + data->validation_fraction < 1, LEHR_ERR_ARG,
             "data.test_fraction %g and data.validation_fraction %g leave no point to train on",
             test, data->validation_fraction);
    return LEHR_OK;
}

static lehr_status check_temperatures(const lehr_config_reader *r)
{
    const lehr_run_spec *run = &r->draft.config.run;
    const char *max = lehr_config_given(r, "temperatures.max") ? "temperatures.max"
                                                               : "temperatures.min";
    CHECK_AT(r, max,
             run->method != LEHR_METHOD_TEMPERING || run->ladder.kind == LEHR_LADDER_LIST ||
                 run->ladder.min < run->ladder.max,
             LEHR_ERR_ARG, "temperatures.min %g must be below temperatures.max %g", run->ladder.min,
             run->ladder.max);
    const char *end = lehr_config_given(r, "cooling.end") ? "cooling.end" : "cooling.start";
    CHECK_AT(r, end, run->method != LEHR_METHOD_ANNEALING || run->cooling.end <= run->cooling.start,
             LEHR_ERR_ARG, "cooling.end %g must not be above cooling.start %g", run->cooling.end,
             run->cooling.start);
    return LEHR_OK;
}

static void move_path(int32_t i, const char *word, char path[LEHR_CONFIG_PATH_MAX])
{
    snprintf(path, LEHR_CONFIG_PATH_MAX, "moves.%d.%s", i, word);
}

/* The first key of move i that was given, `word` before others; network.weights for a move by
 * default. */
static const char *move_key(const lehr_config_reader *r, int32_t i, const char *word,
                            char path[LEHR_CONFIG_PATH_MAX])
{
    const char *const words[] = {word, "kind", "scope", "scale", "weight"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        move_path(i, words[w], path);
        if (lehr_config_given(r, path))
            return path;
    }
    return "network.weights";
}

static lehr_status check_move(const lehr_config_reader *r, int32_t i)
{
    const lehr_move_spec *move = &r->draft.config.run.moves[i];
    const lehr_weights weights = r->draft.config.network.weights;
    const char *kind = lehr_kind_name(LEHR_LIST_MOVE, (int32_t)move->kind);
    const char *values = lehr_kind_name(LEHR_LIST_WEIGHTS, (int32_t)weights);
    const bool flip = move->kind == LEHR_MOVE_FLIP, real = weights == LEHR_WEIGHTS_REAL;
    char path[LEHR_CONFIG_PATH_MAX], k[LEHR_CONFIG_PATH_MAX];
    move_path(i, "k", k);
    CHECK_AT(r, move_key(r, i, "kind", path), !flip || !real, LEHR_ERR_ARG,
             "moves.%d: flip moves need network.weights binary or ternary, not real", i);
    CHECK_AT(r, move_key(r, i, "kind", path), flip || real, LEHR_ERR_ARG,
             "moves.%d: %s moves need real network.weights; %s ones move by flip", i, kind, values);
    const bool picks = (move->scope == LEHR_SCOPE_SPARSE || move->scope == LEHR_SCOPE_NEURON_IN) &&
                       !flip && move->kind != LEHR_MOVE_LOG_SCALE;
    CHECK_AT(r, move_key(r, i, "scope", path), !picks || lehr_config_given(r, k), LEHR_ERR_ARG,
             "moves.%d: scope %s needs k, the number of random parameters that move", i,
             lehr_kind_name(LEHR_LIST_SCOPE, (int32_t)move->scope));
    CHECK_AT(r, k, move->k > 0 || (move->scope == LEHR_SCOPE_NEURON_IN && !flip), LEHR_ERR_ARG,
             "moves.%d: k must be from 1 to %d; only scope neuron_in takes 0, for all of a unit's",
             i, LEHR_CORE_PENDING_MAX);
    CHECK_AT(r, move_key(r, i, "scope", path),
             move->scope != LEHR_SCOPE_NEURON_OUT || r->draft.config.network.hidden_count > 0,
             LEHR_ERR_ARG, "moves.%d: scope neuron_out needs a hidden layer", i);
    CHECK_AT(
        r, move_key(r, i, "scale", path),
        r->draft.config.run.batch.points == 0 || flip || move->scale > 0, LEHR_ERR_ARG,
        "moves.%d: step sizes that adapt on refreshed batches diverge at low temperatures; give "
        "scale a number or {from, to}",
        i);
    return LEHR_OK;
}

static lehr_status check_moves(const lehr_config_reader *r)
{
    for (int32_t i = 0; i < r->draft.config.run.move_count; i++)
        LEHR_TRY(check_move(r, i));
    return LEHR_OK;
}

static lehr_status check_batch(const lehr_config_reader *r)
{
    const lehr_batch_spec *batch = &r->draft.config.run.batch;
    CHECK_AT(
        r, "data.batch.points", batch->points == 0 || r->draft.config.data.validation_fraction > 0,
        LEHR_ERR_ARG,
        "data.batch needs a validation part to choose `best` by; data.validation_fraction is 0");
    CHECK_AT(r, "data.batch.grow", batch->points > 0 || batch->grow == 0, LEHR_ERR_ARG,
             "data.batch.grow is given without data.batch.points");
    return LEHR_OK;
}

static lehr_status check_target(const lehr_config_reader *r)
{
    const lehr_config *config = &r->draft.config;
    const lehr_metric metric = config->run.stop.metric;
    const char *const key = "stop.target.metric";
    const bool accuracy = metric == LEHR_METRIC_TRAIN_ACCURACY ||
                          metric == LEHR_METRIC_VALIDATION_ACCURACY;
    const bool validation = metric == LEHR_METRIC_VALIDATION_LOSS ||
                            metric == LEHR_METRIC_VALIDATION_ACCURACY;
    if (metric == LEHR_METRIC_NONE) {
        CHECK_AT(r, "stop.target.value",
                 lehr_config_given(r, key) || !lehr_config_given(r, "stop.target.value"),
                 LEHR_ERR_ARG, "stop.target.value is given without stop.target.metric");
        return LEHR_OK;
    }
    CHECK_AT(r, key, lehr_config_given(r, "stop.target.value"), LEHR_ERR_ARG,
             "stop.target.metric is given without stop.target.value");
    CHECK_AT(r, key, !accuracy || config->data.task == LEHR_TASK_CLASSIFICATION, LEHR_ERR_ARG,
             "%s has no meaning for regression", lehr_kind_name(LEHR_LIST_METRIC, (int32_t)metric));
    CHECK_AT(r, "stop.target.value",
             !accuracy || (config->run.stop.value > 0 && config->run.stop.value <= 1), LEHR_ERR_ARG,
             "an accuracy to reach must be above 0 and at most 1, got %g", config->run.stop.value);
    CHECK_AT(r, key, !validation || config->data.validation_fraction > 0, LEHR_ERR_ARG,
             "%s needs a validation part, but data.validation_fraction is 0",
             lehr_kind_name(LEHR_LIST_METRIC, (int32_t)metric));
    return LEHR_OK;
}

static lehr_status check_stop(const lehr_config_reader *r)
{
    const lehr_run_spec *run = &r->draft.config.run;
    const lehr_stop_spec *stop = &run->stop;
    const bool annealing = run->method == LEHR_METHOD_ANNEALING;
    CHECK_AT(r, "stop.scans",
             !annealing || stop->scans > 0 || stop->proposals > 0 || run->cooling.scans > 0,
             LEHR_ERR_ARG,
             "annealing needs its length: stop.scans, stop.proposals or cooling.scans");
    const bool metric = stop->metric != LEHR_METRIC_NONE;
    CHECK_AT(r, "stop.scans",
             annealing || stop->scans > 0 || stop->proposals > 0 || stop->frozen > 0 ||
                 stop->wall_s > 0 || metric,
             LEHR_ERR_ARG,
             "nothing would ever stop this run: give a stop rule, such as stop.scans");
    return check_target(r);
}

static lehr_status check_names(const lehr_config_reader *r)
{
    const lehr_config *config = &r->draft.config;
    char shown[64];
    lehr_utf8_show(config->name, strlen(config->name), sizeof shown, shown);
    CHECK_AT(r, "name", lehr_name_check(config->name) == LEHR_OK, LEHR_ERR_ARG,
             "name '%s' cannot name a directory: no slash, no control character, not '', . or ..",
             shown);
    CHECK_AT(r, "output.dir", config->output_dir[0] != '\0', LEHR_ERR_ARG,
             "output.dir must not be empty");
    /* Whether the device is there is for the run to find out. */
    const lehr_status status = lehr_device_check(config->run.backend);
    return status == LEHR_OK ? LEHR_OK : lehr_config_blame(r, "backend", status);
}

lehr_status lehr_config_resolve(lehr_config_reader *r)
{
    LEHR_TRY(resolve_ladder(r));
    LEHR_TRY(resolve_rows(r));
    resolve_stop(r);
    LEHR_TRY(check_names(r));
    LEHR_TRY(check_source(r));
    LEHR_TRY(check_task(r));
    LEHR_TRY(check_parts(r));
    LEHR_TRY(check_temperatures(r));
    LEHR_TRY(check_moves(r));
    LEHR_TRY(check_batch(r));
    return check_stop(r);
}
