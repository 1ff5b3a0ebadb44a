/* result.c: the keys of result.json. The table made of them is in table.c. */
#include "study/result.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "lehr/lehr.h"
#include "model/file.h"
#include "study/directory.h"

json_t *lehr_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *lehr_json_text(const char *text)
{
    json_t *value = json_string(text);
    char plain[LEHR_PATH_MAX];
    if (value != NULL || !lehr_text_copy(plain, sizeof plain, text))
        return value;
    for (char *c = plain; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(plain);
}

/* Whole numbers of 64 bits without sign: those that JSON readers would round are written as
 * text. */
static json_t *json_unsigned(uint64_t value)
{
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    return json_sprintf("%" PRIu64, value);
}

json_t *lehr_json_score(const lehr_score *score)
{
    if (isnan(score->loss))
        return json_null();
    if (isnan(score->rmse))
        return json_pack("{s:o, s:o}", "loss", lehr_json_number(score->loss), "accuracy",
                         lehr_json_number(score->accuracy));
    return json_pack("{s:o, s:o, s:o}", "loss", lehr_json_number(score->loss), "r2",
                     lehr_json_number(score->r2), "rmse", lehr_json_number(score->rmse));
}

json_t *lehr_json_saves(const lehr_saves *saves)
{
    if (saves == NULL)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o}", "count", (json_int_t)saves->count, "scan",
                     saves->scan >= 0 ? json_integer(saves->scan) : json_null(), "spent_s",
                     lehr_json_number(saves->spent_s), "every_s", lehr_json_number(saves->every_s));
}

static json_t *json_best(const lehr_run_summary *s)
{
    return json_pack("{s:I, s:o, s:o, s:o}", "scan", (json_int_t)s->best_scan, "train",
                     lehr_json_score(&s->best[LEHR_PART_TRAIN]), "validation",
                     lehr_json_score(&s->best[LEHR_PART_VALIDATION]), "test",
                     lehr_json_score(&s->best[LEHR_PART_TEST]));
}

static json_t *json_move(const lehr_run *run, const lehr_move_spec *spec, int32_t move,
                         int32_t rung)
{
    const lehr_move_report report = lehr_run_move(run, move, rung);
    return json_pack(
        "{s:s, s:s, s:i, s:o, s:o}", "kind", lehr_kind_name(LEHR_LIST_MOVE, (int32_t)spec->kind),
        "scope", lehr_kind_name(LEHR_LIST_SCOPE, (int32_t)spec->scope), "rung", (int)rung, "scale",
        lehr_json_number(report.scale), "acceptance", lehr_json_number(report.acceptance));
}

static json_t *json_moves(const lehr_run *run, const lehr_run_spec *spec, const lehr_run_summary *s)
{
    json_t *list = json_array();
    for (int32_t m = 0; m < s->moves; m++)
        for (int32_t t = 0; t < s->rungs; t++)
            if (json_array_append_new(list, json_move(run, &spec->moves[m], m, t)) != 0) {
                json_decref(list);
                return NULL;
            }
    return list;
}

static json_t *json_exchange(const lehr_run *run, const lehr_run_summary *s)
{
    json_t *acceptance = json_array(), *flow = json_array();
    for (int32_t t = 0; t + 1 < s->rungs; t++)
        json_array_append_new(acceptance, lehr_json_number(lehr_run_swap(run, t)));
    for (int32_t t = 0; s->rungs > 1 && t < s->rungs; t++)
        json_array_append_new(flow, lehr_json_number(lehr_run_flow(run, t)));
    return json_pack(
        "{s:o, s:o, s:o, s:I, s:o, s:o}", "barrier", lehr_json_number(s->barrier), "acceptance",
        acceptance, "flow", flow, "round_trips", (json_int_t)s->round_trips, "tau_predicted",
        lehr_json_number(s->tau_predicted), "tau_observed", lehr_json_number(s->tau_observed));
}

/* What was asked for, and by whom it was done. */
static json_t *json_origin(const lehr_result_about *about, const lehr_run_summary *s)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, s->state_hash);
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:i, s:i, s:o, s:s, s:s}", "state_hash", hash,
                     "backend", s->backend, "device", lehr_json_text(s->device), "numerics",
                     lehr_kind_name(LEHR_LIST_NUMERICS, (int32_t)s->numerics), "threads",
                     (int)s->threads, "ranks", (int)s->ranks, "gpus", (int)s->gpus, "seed",
                     json_unsigned(about->config->run.seed), "version", lehr_version(), "commit",
                     lehr_commit());
}

static json_t *json_size(const lehr_result_about *about, const lehr_run_summary *s)
{
    const double rate = s->wall_s > 0 ? (double)s->proposals / s->wall_s : NAN;
    return json_pack(
        "{s:o, s:s, s:o, s:s, s:I, s:I, s:o, s:o, s:i, s:i, s:i, s:i}", "name",
        lehr_json_text(about->config->name), "id", about->id, "dir", lehr_json_text(about->dir),
        "stop", lehr_kind_name(LEHR_LIST_STOP, (int32_t)s->stop), "scans", (json_int_t)s->scans,
        "proposals", (json_int_t)s->proposals, "wall_s", lehr_json_number(s->wall_s),
        "proposals_per_s", lehr_json_number(rate), "parameters", (int)s->parameters, "rows",
        (int)s->rows, "rungs", (int)s->rungs, "copies", (int)s->copies);
}

/* Join the parts into one object; false when one of them could not be made. */
static bool join(json_t *result, json_t *origin, const lehr_run *run,
                 const lehr_result_about *about, const lehr_run_summary *s)
{
    return result != NULL && origin != NULL &&
           json_object_set_new(result, "best", json_best(s)) == 0 &&
           json_object_set_new(result, "moves", json_moves(run, &about->config->run, s)) == 0 &&
           json_object_set_new(result, "exchange", json_exchange(run, s)) == 0 &&
           json_object_set_new(result, "nonfinite", json_integer(s->nonfinite)) == 0 &&
           json_object_set_new(result, "nonfinite_row",
                               s->nonfinite_row < 0 ? json_null()
                                                    : json_integer(s->nonfinite_row)) == 0 &&
           json_object_set_new(result, "checkpoints", lehr_json_saves(about->saves)) == 0 &&
           json_object_update(result, origin) == 0;
}

lehr_status lehr_result_make(lehr_run *run, const lehr_result_about *about, json_t **out)
{
    lehr_run_summary summary;
    LEHR_TRY(lehr_run_summarize(run, &summary));
    json_t *result = json_size(about, &summary);
    json_t *origin = json_origin(about, &summary);
    const bool whole = join(result, origin, run, about, &summary);
    json_decref(origin);
    if (!whole) {
        json_decref(result);
        return lehr_fail(LEHR_ERR_MEMORY, "out of memory for the result of the run");
    }
    *out = result;
    return LEHR_OK;
}

lehr_status lehr_result_text(const json_t *result, lehr_text *out)
{
    char *text = json_dumps(result, JSON_INDENT(2));
    LEHR_CHECK(text != NULL, LEHR_ERR_MEMORY, "out of memory for the text of the result");
    lehr_text_add(out, "%s\n", text);
    free(text);
    LEHR_CHECK(!out->failed, LEHR_ERR_MEMORY, "out of memory for the text of the result");
    return LEHR_OK;
}

lehr_status lehr_result_parse(const char *path, const char *text, size_t length, json_t **out)
{
    json_error_t error;
    json_t *result = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    LEHR_CHECK(result != NULL, LEHR_ERR_DATA, "%s:%d:%d: not valid JSON: %s", path, error.line,
               error.column, error.text);
    if (!json_is_object(result)) {
        json_decref(result);
        return lehr_fail(LEHR_ERR_DATA, "%s: not a JSON object", path);
    }
    *out = result;
    return LEHR_OK;
}

lehr_status lehr_result_read(const char *dir, const char *name, json_t **out)
{
    char path[LEHR_PATH_MAX];
    lehr_file file;
    LEHR_TRY(lehr_path_join(dir, name, path));
    LEHR_TRY(lehr_file_read(path, &file));
    const lehr_status status = lehr_result_parse(path, file.data, file.size, out);
    lehr_file_free(&file);
    return status;
}

const char *lehr_result_stop(const json_t *result)
{
    const char *stop = json_string_value(json_object_get(result, "stop"));
    return stop != NULL ? stop : "";
}
