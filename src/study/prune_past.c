/* prune_past.c: trials that ended before the sweep had the stages that it has now: it pruned nothing then, or by other
 * numbers, or its longest trial was shorter. What they had reached at a scan stands in their events. */
#define _POSIX_C_SOURCE 200809L

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "model/file.h"
#include "study/prune.h"
#include "study/result.h"

/* A line of events has the scores of a result's `best`. */
static double value_of(const lehr_metric_path *metric, json_t *event)
{
    json_t *shaped = json_pack("{s:O}", "best", event);
    const double value = lehr_metric_value(metric, shaped);
    json_decref(shaped);
    return value;
}

/* By the last observation up to a scan; `otherwise` where there is none. */
static double seen_at(const lehr_metric_path *metric, const lehr_file *events, int64_t scan,
                      double otherwise)
{
    const char *line = events->data, *end = line + events->size, *next;
    for (; line < end && (next = memchr(line, '\n', (size_t)(end - line))) != NULL;
         line = next + 1) {
        json_t *event = json_loadb(line, (size_t)(next - line), 0, NULL);
        const bool late = json_integer_value(json_object_get(event, "scan")) > scan;
        if (event != NULL && !late)
            otherwise = value_of(metric, event);
        json_decref(event);
        if (late)
            break;
    }
    return otherwise;
}

/* Where its files are gone or damaged it still has ended: with the last figure that there is. */
static lehr_status write_done(lehr_prune *p, int32_t trial)
{
    char dir[LEHR_PATH_MAX], path[LEHR_PATH_MAX];
    lehr_file events = {0};
    json_t *result = NULL;
    LEHR_TRY(lehr_path_join(p->yard->trials.path, p->ledger.entry[trial].id, dir));
    LEHR_TRY(lehr_path_join(dir, "events.jsonl", path));
    (void)lehr_result_read(dir, "result.json", &result);
    const double last = lehr_metric_value(&p->ledger.metric, result);
    const int64_t scans = json_integer_value(json_object_get(result, "scans"));
    json_decref(result);
    lehr_status status = LEHR_OK;
    if (lehr_file_read(path, &events) != LEHR_OK)
        events = (lehr_file){0};
    for (int32_t k = 0; status == LEHR_OK && events.data != NULL && k < p->stages; k++)
        if (p->scan[k] < scans)
            status = lehr_prune_reach(p, trial, k,
                                      seen_at(&p->ledger.metric, &events, p->scan[k], last));
    lehr_file_free(&events);
    return status == LEHR_OK ? lehr_prune_end(p, trial, scans, last) : status;
}

lehr_status lehr_prune_look_back(lehr_prune *p)
{
    for (int32_t i = 0; i < p->ledger.count; i++) {
        lehr_trial_look look;
        bool knows;
        LEHR_TRY(lehr_prune_knows(p, i, INT64_MAX, &knows));
        if (knows)
            continue;
        lehr_trial_look_at(p->yard, p->ledger.entry[i].id, &look);
        if (look.state == LEHR_TRIAL_DONE)
            LEHR_TRY(write_done(p, i));
        else if (look.state == LEHR_TRIAL_FAILED)
            LEHR_TRY(lehr_prune_fail(p, i));
    }
    return LEHR_OK;
}
