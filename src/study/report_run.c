/* report_run.c: the files of one run, opened. */
#include <jansson.h>
#include <math.h>
#include <sys/stat.h>

#include "base/status.h"
#include "model/file.h"
#include "study/directory.h"
#include "study/finding.h"
#include "study/report.h"
#include "study/result.h"
#include "temper/exchange.h"

static bool is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

/* "running" in status.json is what a killed process leaves behind, too. */
static lehr_status read_status(const char *dir, json_t **out)
{
    lehr_finding found;
    LEHR_TRY(lehr_result_read(dir, "status.json", out));
    LEHR_TRY(lehr_finding_of(dir, out, &found));
    json_t *state = lehr_json_text(found.state); /* before the text that it is made of goes */
    LEHR_CHECK(json_object_set_new(*out, "state", state) == 0 &&
                   json_object_set_new(*out, "way", lehr_json_text(found.way)) == 0,
               LEHR_ERR_MEMORY, "out of memory for a report");
    return LEHR_OK;
}

static lehr_status read_files(lehr_report_run *run)
{
    char path[LEHR_PATH_MAX];
    LEHR_TRY(lehr_path_join(run->dir, "config.yaml", path));
    LEHR_TRY(lehr_config_load(path, NULL, 0, &run->config));
    LEHR_TRY(read_status(run->dir, &run->status));
    LEHR_TRY(lehr_path_join(run->dir, "result.json", path));
    return is_there(path) ? lehr_result_read(run->dir, "result.json", &run->result) : LEHR_OK;
}

lehr_status lehr_report_open(const char *dir, lehr_report_run *run)
{
    *run = (lehr_report_run){.dir = dir, .gone = true};
    LEHR_CHECK(lehr_run_is_at(dir), LEHR_ERR_DATA,
               "%s is not the directory of a run: it has no config.yaml and status.json", dir);
    const lehr_status status = read_files(run);
    run->gone = status == LEHR_ERR_IO;
    return status;
}

void lehr_report_close(lehr_report_run *run)
{
    json_decref(run->status);
    json_decref(run->result);
    run->status = run->result = NULL;
}

int32_t lehr_report_ladder(const lehr_report_run *run, double *t)
{
    const lehr_run_spec *spec = &run->config.run;
    if (spec->method != LEHR_METHOD_TEMPERING || lehr_ladder_fill(&spec->ladder, t) != LEHR_OK)
        return 0;
    for (int32_t i = 0; i < spec->ladder.rungs; i++)
        t[i] = 1 / t[i];
    return spec->ladder.rungs;
}

int32_t lehr_report_flow(const lehr_report_run *run, double *flow)
{
    double rejection[LEHR_RUNGS_MAX];
    const json_t *swaps = json_object_get(json_object_get(run->result, "exchange"), "acceptance");
    const int32_t pairs = run->config.run.ladder.rungs - 1;
    if (run->config.run.method != LEHR_METHOD_TEMPERING || json_array_size(swaps) != (size_t)pairs)
        return 0;
    for (int32_t i = 0; i < pairs; i++) {
        const json_t *swap = json_array_get(swaps, (size_t)i);
        if (!json_is_number(swap))
            return 0;
        rejection[i] = 1 - json_number_value(swap);
    }
    lehr_flow_expected(rejection, pairs, run->config.run.exchange.scheme, flow);
    return pairs + 1;
}
