/* report.c: all data of one run. */
#include "study/report.h"

#include <jansson.h>
#include <math.h>

#include "base/status.h"
#include "lehr/lehr.h"
#include "model/file.h"
#include "study/directory.h"
#include "study/result.h"
#include "temper/exchange.h"

/* More points than a screen has columns show nothing more. */
enum { POINTS_MAX = 1000 };

/* Temperatures and, behind a finished run, how much of the barrier lies below every rung: where it climbs,
 * replicas are held up; and the flow that the swaps lead to, beside which that of the result is read. */
static json_t *json_ladder(const lehr_report_run *run)
{
    double t[LEHR_RUNGS_MAX], rejection[LEHR_RUNGS_MAX], expected[LEHR_RUNGS_MAX];
    const int32_t rungs = lehr_report_ladder(run, t);
    const json_t *swaps = json_object_get(json_object_get(run->result, "exchange"), "acceptance");
    json_t *temperatures = json_array(), *barrier = json_array(), *flow = json_array();
    for (int32_t i = 0; i < rungs; i++) {
        json_array_append_new(temperatures, lehr_json_number(t[i]));
        if ((size_t)rungs == json_array_size(swaps) + 1)
            json_array_append_new(barrier, lehr_json_number(lehr_barrier(rejection, i)));
        const json_t *swap = json_array_get(swaps, (size_t)i);
        rejection[i] = json_is_number(swap) ? 1 - json_number_value(swap) : NAN;
    }
    for (int32_t i = 0, end = lehr_report_flow(run, expected); i < end; i++)
        json_array_append_new(flow, lehr_json_number(expected[i]));
    return json_pack("{s:o, s:o, s:o}", "temperatures", temperatures, "barrier", barrier,
                     "expected_flow", flow);
}

/* What the config says and the page shows beside the result. */
static json_t *json_plan(const lehr_report_run *run)
{
    const lehr_config *c = &run->config;
    const lehr_stop_spec *stop = &c->run.stop;
    return json_pack("{s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:f}", "method",
                     lehr_kind_name(LEHR_LIST_METHOD, (int32_t)c->run.method), "task",
                     lehr_kind_name(LEHR_LIST_TASK, (int32_t)c->data.task), "loss",
                     lehr_kind_name(LEHR_LIST_LOSS, (int32_t)c->loss.kind), "target_metric",
                     lehr_kind_name(LEHR_LIST_METRIC, (int32_t)stop->metric), "target_value",
                     stop->value, "observe", (json_int_t)c->run.observe, "every",
                     (json_int_t)c->run.exchange.every, "adapt", c->run.adapt);
}

/* config.yaml as it stands there. */
static lehr_status config_text(const lehr_report_run *run, json_t **out)
{
    char path[LEHR_PATH_MAX];
    lehr_file file;
    LEHR_TRY(lehr_path_join(run->dir, "config.yaml", path));
    LEHR_TRY(lehr_file_read(path, &file));
    *out = json_stringn(file.data, file.size);
    lehr_file_free(&file);
    LEHR_CHECK(*out != NULL, LEHR_ERR_DATA, "%s is not text in UTF-8", path);
    return LEHR_OK;
}

/* Parts that can fail, each into its key of `page`. */
static lehr_status add_parts(const lehr_report_run *run, json_t *page)
{
    json_t *part = NULL;
    LEHR_TRY(config_text(run, &part));
    json_object_set_new(page, "config", part);
    LEHR_TRY(lehr_report_curves(run, POINTS_MAX, &part));
    json_object_set_new(page, "curves", part);
    LEHR_TRY(lehr_report_energies(run, &part));
    json_object_set_new(page, "energies", part);
    LEHR_TRY(lehr_report_warnings(run, &part));
    LEHR_CHECK(json_object_set_new(page, "warnings", part) == 0, LEHR_ERR_MEMORY,
               "out of memory for a report");
    return LEHR_OK;
}

static lehr_status make(const lehr_report_run *run, json_t **out)
{
    json_t *page = json_pack("{s:s, s:s, s:s, s:o, s:O, s:o, s:o}", "kind", "run", "version",
                             lehr_version(), "commit", lehr_commit(), "dir",
                             lehr_json_text(run->dir), "status", run->status, "plan",
                             json_plan(run), "ladder", json_ladder(run));
    LEHR_CHECK(page != NULL, LEHR_ERR_MEMORY, "out of memory for a report");
    json_object_set(page, "result", run->result != NULL ? run->result : json_null());
    const lehr_status status = add_parts(run, page);
    if (status != LEHR_OK) {
        json_decref(page);
        return status;
    }
    *out = page;
    return LEHR_OK;
}

lehr_status lehr_report_one(const char *dir, json_t **out)
{
    lehr_report_run run;
    lehr_status status = lehr_report_open(dir, &run);
    if (status == LEHR_OK)
        status = make(&run, out);
    lehr_report_close(&run);
    return status;
}
