/* report_sweep.c: sweeps behind a comparison of runs, opened, asked, and as data of the page. */
#include "study/report_sweep.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/result.h"
#include "study/standing.h"

/* A curve among hundreds needs no more points; of an axis no more values are listed. */
enum { CURVE_POINTS = 40, VALUES_SHOWN = 12 };

/* ---- Open ------------------------------------------------------------------------------------ */

static lehr_status fill(lehr_report_sweep *s)
{
    LEHR_TRY(lehr_yard_open(s->path, &s->yard));
    LEHR_TRY(lehr_ledger_read(&s->yard, &s->ledger));
    LEHR_TRY(LEHR_NEW(s->trials, (size_t)s->ledger.points + 1, "the points of a sweep"));
    s->index = json_object();
    for (int32_t i = 0; i < s->ledger.count; i++) {
        s->trials[s->ledger.entry[i].point]++;
        LEHR_CHECK(json_object_set_new(s->index, s->ledger.entry[i].id, json_integer(i)) == 0,
                   LEHR_ERR_MEMORY, "out of memory for the trials of a sweep");
    }
    return LEHR_OK;
}

lehr_status lehr_report_sweeps_open(const lehr_run_list *list, lehr_report_sweeps *out)
{
    *out = (lehr_report_sweeps){NULL, 0};
    LEHR_TRY(LEHR_NEW(out->sweep, (size_t)list->sweeps.count + 1, "the sweeps of a report"));
    for (int32_t i = 0; i < list->sweeps.count; i++) {
        lehr_report_sweep *s = &out->sweep[out->count++];
        s->path = list->sweeps.path[i];
        s->yard = (lehr_yard){{.fd = -1}, {.fd = -1}, {.fd = -1}, {.fd = -1}, .worker_fd = -1};
        LEHR_TRY(fill(s));
    }
    return LEHR_OK;
}

void lehr_report_sweeps_close(lehr_report_sweeps *sweeps)
{
    for (int32_t i = 0; i < sweeps->count; i++) {
        lehr_report_sweep *s = &sweeps->sweep[i];
        for (int32_t k = 0; k < s->working; k++)
            json_decref(s->work[k].columns);
        LEHR_FREE(s->work);
        LEHR_FREE(s->trials);
        json_decref(s->index);
        lehr_ledger_free(&s->ledger);
        lehr_yard_close(&s->yard);
    }
    LEHR_FREE(sweeps->sweep);
    sweeps->count = 0;
}

/* ---- Trials ---------------------------------------------------------------------------------- */

static bool has_ended(lehr_trial_state state)
{
    return state == LEHR_TRIAL_DONE || state == LEHR_TRIAL_PRUNED || state == LEHR_TRIAL_FAILED;
}

static lehr_status note_work(lehr_report_sweep *s, const lehr_work_trial *trial)
{
    void *list = s->work;
    const int32_t n = s->working;
    if ((n & (n - 1)) == 0) /* 0, 1, 2, 4, 8, ... */
        LEHR_TRY(
            lehr_memory_grow(n == 0 ? 1 : 2 * (size_t)n, sizeof *s->work, "trials at work", &list));
    s->work = list;
    s->work[s->working++] = *trial;
    return LEHR_OK;
}

lehr_status lehr_report_sweeps_find(const lehr_report_sweeps *sweeps, const char *run,
                                    lehr_report_place *out)
{
    char path[LEHR_PATH_MAX], id[LEHR_NAME_MAX];
    *out = (lehr_report_place){.entry = -1};
    if (sweeps->count == 0 || !lehr_run_sweep(run, path, id))
        return LEHR_OK;
    for (int32_t i = 0; i < sweeps->count && out->sweep == NULL; i++)
        if (strcmp(sweeps->sweep[i].path, path) == 0)
            *out = (lehr_report_place){.sweep = &sweeps->sweep[i], .number = i, .entry = -1};
    if (out->sweep == NULL)
        return LEHR_OK;
    lehr_report_sweep *s = &sweeps->sweep[out->number];
    lehr_work_trial trial = {.id = id};
    const json_t *place = json_object_get(s->index, id);
    lehr_work_look(&s->yard, &trial);
    out->state = trial.state;
    if (place == NULL)
        return LEHR_OK;
    out->entry = (int32_t)json_integer_value(place);
    trial.id = s->ledger.entry[out->entry].id;
    return has_ended(out->state) ? LEHR_OK : note_work(s, &trial);
}

/* ---- Objectives ------------------------------------------------------------------------------ */

static bool same_objective(const lehr_ledger *a, const lehr_ledger *b)
{
    if (a->metric.part == NULL || b->metric.part == NULL)
        return a->metric.part == b->metric.part;
    return strcmp(a->metric.part, b->metric.part) == 0 &&
           strcmp(a->metric.name, b->metric.name) == 0 && a->maximize == b->maximize;
}

const lehr_report_sweep *lehr_report_sweeps_one(const lehr_report_sweeps *sweeps)
{
    for (int32_t i = 1; i < sweeps->count; i++)
        if (!same_objective(&sweeps->sweep[0].ledger, &sweeps->sweep[i].ledger))
            return NULL;
    return sweeps->count > 0 && sweeps->sweep[0].ledger.metric.part != NULL ? &sweeps->sweep[0]
                                                                            : NULL;
}

bool lehr_report_sweeps_over(const lehr_report_sweeps *sweeps, const char *key)
{
    bool any = false;
    for (int32_t i = 0; i < sweeps->count; i++) {
        const lehr_ledger *l = &sweeps->sweep[i].ledger;
        for (int32_t a = 0; a < l->axes; a++) {
            if (strcmp(l->axis[a], key) != 0)
                continue;
            if (!l->over[a])
                return false;
            any = true;
        }
    }
    return any;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* Distinct values in the order of the trials: the first of them, and how many there are. */
static json_t *json_axis(const lehr_ledger *l, int32_t axis)
{
    json_t *seen = json_object(), *values = json_array();
    for (int32_t i = 0; i < l->count; i++) {
        const char *value = l->entry[i].value[axis];
        if (json_object_get(seen, value) != NULL)
            continue;
        json_object_set_new(seen, value, json_true());
        if (json_array_size(values) < VALUES_SHOWN)
            json_array_append_new(values, json_string(value));
    }
    json_t *object = json_pack("{s:s, s:b, s:i, s:o}", "key", l->axis[axis], "over",
                               (int)l->over[axis], "count", (int)json_object_size(seen), "values",
                               values);
    json_decref(seen);
    return object;
}

static json_t *json_axes(const lehr_ledger *l)
{
    json_t *axes = json_array();
    for (int32_t i = 0; i < l->axes; i++)
        json_array_append_new(axes, json_axis(l, i));
    return axes;
}

/* The column that is drawn: the objective's, or the first loss that is there. */
static const json_t *find_column(const lehr_ledger *l, const json_t *columns, const char **name)
{
    static char objective[LEHR_METRIC_NAME_MAX];
    static const char *const losses[] = {"validation_loss", "train_loss", "energy_best"};
    if (l->metric.part != NULL) {
        snprintf(objective, sizeof objective, "%s_%s", l->metric.part, l->metric.name);
        *name = objective;
        return json_object_get(columns, objective);
    }
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        *name = losses[i];
        if (json_object_get(columns, losses[i]) != NULL)
            return json_object_get(columns, losses[i]);
    }
    return NULL;
}

static json_t *json_curves(const lehr_report_sweep *s)
{
    const char *name = "";
    json_t *list = json_array();
    for (int32_t i = 0; i < s->working; i++) {
        const json_t *columns = s->work[i].columns, *scans = json_object_get(columns, "scan"),
                     *values = find_column(&s->ledger, columns, &name);
        if (scans != NULL && values != NULL)
            json_array_append_new(list, json_pack("{s:s, s:s, s:O, s:O}", "id", s->work[i].id,
                                                  "state", lehr_trial_state_name(s->work[i].state),
                                                  "scans", scans, "values", values));
    }
    return json_pack("{s:s, s:o}", "metric", name, "trials", list);
}

static lehr_status add_json(const lehr_report_sweep *s, json_t *list)
{
    json_t *object = NULL;
    LEHR_TRY(lehr_work_read(s->path, s->work, s->working, CURVE_POINTS));
    LEHR_TRY(lehr_standing_json(&s->yard, &object));
    const lehr_ledger *l = &s->ledger;
    char metric[LEHR_METRIC_NAME_MAX] = "";
    if (l->metric.part != NULL)
        lehr_metric_print(&l->metric, metric);
    json_object_set_new(object, "objective", json_string(metric));
    json_object_set_new(object, "goal", json_string(l->maximize ? "highest" : "lowest"));
    json_object_set_new(object, "axes", json_axes(l));
    json_object_set_new(object, "curves", json_curves(s));
    LEHR_CHECK(json_array_append_new(list, object) == 0, LEHR_ERR_MEMORY,
               "out of memory for a report");
    return LEHR_OK;
}

lehr_status lehr_report_sweeps_json(const lehr_report_sweeps *sweeps, json_t **out)
{
    json_t *list = json_array();
    lehr_status status = LEHR_OK;
    for (int32_t i = 0; status == LEHR_OK && i < sweeps->count; i++)
        status = add_json(&sweeps->sweep[i], list);
    *out = list;
    return status;
}
