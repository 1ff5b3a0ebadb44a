/* report_compare.c: several runs side by side: the keys in which their configs differ are the axes. What an axis
 * does on average is in report_effect.c. */
#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "study/config_schema.h"
#include "study/report.h"
#include "study/report_effect.h"
#include "study/report_sweep.h"
#include "study/result.h"

/* What is compared, and where it stands in result.json. */
typedef struct metric {
    const char *name, *path[3];
    bool high_is_good;
} metric;

static const metric metrics[] = {
    {"validation loss", {"best", "validation", "loss"}, false},
    {"train loss", {"best", "train", "loss"}, false},
    {"test loss", {"best", "test", "loss"}, false},
    {"validation accuracy", {"best", "validation", "accuracy"}, true},
    {"train accuracy", {"best", "train", "accuracy"}, true},
    {"test accuracy", {"best", "test", "accuracy"}, true},
    {"validation R2", {"best", "validation", "r2"}, true},
    {"train R2", {"best", "train", "r2"}, true},
    {"test R2", {"best", "test", "r2"}, true},
    {"validation RMSE", {"best", "validation", "rmse"}, false},
    {"train RMSE", {"best", "train", "rmse"}, false},
    {"test RMSE", {"best", "test", "rmse"}, false},
    {"proposals", {"proposals"}, false},
    {"seconds", {"wall_s"}, false},
    {"proposals per second", {"proposals_per_s"}, true},
    {"barrier", {"exchange", "barrier"}, false},
    {"round trips", {"exchange", "round_trips"}, true},
};
enum { METRICS = sizeof metrics / sizeof *metrics };

/* All runs, as the page will hold them: {dir, name, id, state, stop, sweep, point, trials, part, keys, metrics}: the
 * number of a sweep and of a point in it, and how many trials that has; null without; part: not of the sweep any
 * more. */
typedef struct comparison {
    lehr_report_sweeps sweeps;
    json_t *runs;
    json_t *axes;    /* [{key, repeat, numbers}] */
    json_t *metrics; /* [{name, high_is_good}], of those that any run has */
    json_t *effects; /* [axes][metrics], see report_effect.h */
    json_t *about;   /* the sweeps, see report_sweep.h */
} comparison;

/* ---- One run --------------------------------------------------------------------------------- */

/* Numbers and words as they are, anything else as its text. */
static json_t *plain(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (json_is_number(value) || json_is_string(value))
        return value;
    json_decref(value);
    return lehr_json_text(text);
}

static lehr_status add_key(const lehr_config_key *key, int32_t move, const lehr_config_draft *draft,
                           json_t *keys)
{
    char name[LEHR_CONFIG_PATH_MAX];
    lehr_text text = {0};
    lehr_config_name(key, move, name);
    const lehr_status status = lehr_config_value_print(key, move, draft, LEHR_STYLE_JSON, &text);
    if (status == LEHR_OK && !text.failed && text.data != NULL)
        json_object_set_new(keys, name, plain(text.data));
    lehr_text_free(&text);
    return status;
}

/* Every key of a config by its dotted name. */
static lehr_status add_keys(const lehr_config *config, json_t *keys)
{
    const lehr_config_draft draft = lehr_config_draft_of(config);
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        const int32_t moves = lehr_config_is_move(key) ? config->run.move_count : 1;
        for (int32_t m = 0; m < moves; m++)
            LEHR_TRY(add_key(key, m, &draft, keys));
    }
    return LEHR_OK;
}

static json_t *read_metric(const json_t *result, const metric *m)
{
    const json_t *value = result;
    for (size_t i = 0; i < 3 && m->path[i] != NULL; i++)
        value = json_object_get(value, m->path[i]);
    return json_is_number(value) ? json_incref((json_t *)value) : json_null();
}

static json_t *json_text_of(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_string(value) ? json_incref(value) : json_string("");
}

static json_t *json_number_or_null(int64_t number)
{
    return number >= 0 ? json_integer(number) : json_null();
}

/* What the sweep of a trial says of it: the state, and the point that it stands for. */
static void place_run(const lehr_report_place *place, json_t *object)
{
    const lehr_report_sweep *s = place->sweep;
    const int32_t point = place->entry >= 0 ? s->ledger.entry[place->entry].point : -1;
    if (s != NULL)
        json_object_set_new(object, "state", json_string(lehr_trial_state_name(place->state)));
    json_object_set_new(object, "sweep", json_number_or_null(s != NULL ? place->number : -1));
    json_object_set_new(object, "point", json_number_or_null(point));
    json_object_set_new(object, "trials", json_number_or_null(point >= 0 ? s->trials[point] : -1));
    json_object_set_new(object, "part", json_boolean(s == NULL || point >= 0));
}

static lehr_status fill_run(const lehr_report_run *run, const lehr_report_place *place,
                            json_t *runs)
{
    json_t *keys = json_object(), *values = json_array();
    const lehr_status status = add_keys(&run->config, keys);
    for (int m = 0; m < METRICS; m++)
        json_array_append_new(values, read_metric(run->result, &metrics[m]));
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "dir",
                               lehr_json_text(run->dir), "name", lehr_json_text(run->config.name),
                               "id", json_text_of(run->status, "id"), "state",
                               json_text_of(run->status, "state"), "stop",
                               json_text_of(run->result, "stop"), "keys", keys, "metrics", values);
    place_run(place, object);
    const bool added = json_array_append_new(runs, object) == 0;
    LEHR_TRY(status);
    LEHR_CHECK(added, LEHR_ERR_MEMORY, "out of memory for a report");
    return LEHR_OK;
}

/* A trial that is found in its sweep has nothing but an owner while a worker takes it over: it is none of the runs at
 * that moment, and stands in the counts of the sweep. */
static lehr_status add_run(const lehr_run_list *list, const char *dir, comparison *c)
{
    lehr_report_run run;
    lehr_report_place place;
    LEHR_TRY(lehr_report_sweeps_find(&c->sweeps, dir, &place));
    lehr_status status = lehr_report_open(dir, &run);
    if (status == LEHR_OK)
        status = fill_run(&run, &place, c->runs);
    else if (run.gone && place.sweep != NULL && !lehr_run_list_names(list, dir))
        status = LEHR_OK;
    lehr_report_close(&run);
    return status;
}

/* Runs that are compared: without those that their sweep no longer names, unless there is nothing else. */
static json_t *find_parts(const json_t *runs)
{
    json_t *parts = json_array();
    for (size_t i = 0; i < json_array_size(runs); i++)
        if (json_is_true(json_object_get(json_array_get(runs, i), "part")))
            json_array_append(parts, json_array_get(runs, i));
    if (json_array_size(parts) == 0)
        json_array_extend(parts, (json_t *)runs);
    return parts;
}

/* ---- Axes ------------------------------------------------------------------------------------ */

/* Names and places say nothing about what was computed, and chains follows from rungs and copies. */
static bool is_no_axis(const char *name)
{
    return strcmp(name, "name") == 0 || strcmp(name, "chains") == 0 ||
           strncmp(name, "output.", 7) == 0;
}

/* Runs that differ in nothing else repeat each other: in what an objective is averaged over, or else in seeds. */
static bool is_repeat(const lehr_report_sweeps *sweeps, const char *name)
{
    if (lehr_report_sweeps_one(sweeps) != NULL)
        return lehr_report_sweeps_over(sweeps, name);
    return strcmp(name, "seed") == 0 || strcmp(name, "data.split_seed") == 0;
}

static const json_t *key_of(const json_t *runs, size_t run, const char *name)
{
    return json_object_get(json_object_get(json_array_get(runs, run), "keys"), name);
}

static bool differs(const json_t *runs, const char *name)
{
    const json_t *first = key_of(runs, 0, name);
    for (size_t i = 1; i < json_array_size(runs); i++) {
        const json_t *value = key_of(runs, i, name);
        if ((value == NULL) != (first == NULL) || (value != NULL && !json_equal(value, first)))
            return true;
    }
    return false;
}

static void add_axis(const json_t *runs, const char *name, bool repeat, json_t *axes)
{
    bool numbers = true;
    for (size_t i = 0; i < json_array_size(runs); i++)
        numbers &= json_is_number(key_of(runs, i, name));
    json_array_append_new(
        axes, json_pack("{s:s, s:b, s:b}", "key", name, "repeat", (int)repeat, "numbers", numbers));
}

/* In the order of a config; those that only repeat come last. */
static json_t *find_axes(const lehr_report_sweeps *sweeps, const json_t *runs)
{
    json_t *axes = json_array();
    for (int repeat = 0; repeat < 2; repeat++)
        for (int32_t i = 0; i < lehr_config_key_count; i++) {
            const lehr_config_key *key = &lehr_config_keys[i];
            const int32_t moves = lehr_config_is_move(key) ? LEHR_MOVES_MAX : 1;
            for (int32_t m = 0; m < moves; m++) {
                char name[LEHR_CONFIG_PATH_MAX];
                lehr_config_name(key, m, name);
                if (!is_no_axis(name) && is_repeat(sweeps, name) == (repeat == 1) &&
                    differs(runs, name))
                    add_axis(runs, name, repeat == 1, axes);
            }
        }
    return axes;
}

/* Of every run keep the values of the axes only, in their order. */
static void keep_axes(const json_t *runs, const json_t *axes)
{
    for (size_t i = 0; i < json_array_size(runs); i++) {
        json_t *values = json_array();
        for (size_t a = 0; a < json_array_size(axes); a++) {
            const char *name = json_string_value(json_object_get(json_array_get(axes, a), "key"));
            json_t *value = (json_t *)key_of(runs, i, name);
            json_array_append_new(values, value != NULL ? json_incref(value) : json_null());
        }
        json_t *run = json_array_get(runs, i);
        json_object_del(run, "keys");
        json_object_set_new(run, "values", values);
    }
}

/* ---- Metrics --------------------------------------------------------------------------------- */

static bool is_known(const json_t *runs, size_t m)
{
    for (size_t i = 0; i < json_array_size(runs); i++)
        if (json_is_number(json_array_get(json_object_get(json_array_get(runs, i), "metrics"), m)))
            return true;
    return false;
}

/* The objective as sweeps have it: its goal is theirs. */
static json_t *json_metric(const metric *m, const lehr_report_sweep *sweep)
{
    const lehr_metric_path *path = sweep != NULL ? &sweep->ledger.metric : NULL;
    const bool objective = path != NULL && m->path[2] != NULL &&
                           strcmp(m->path[1], path->part) == 0 &&
                           strcmp(m->path[2], path->name) == 0;
    const bool high = objective ? sweep->ledger.maximize : m->high_is_good;
    return json_pack("{s:s, s:b, s:b}", "name", m->name, "high_is_good", (int)high, "objective",
                     (int)objective);
}

/* Those that some run has; the others go from every run. */
static json_t *find_metrics(const json_t *runs, const lehr_report_sweep *sweep)
{
    json_t *list = json_array();
    bool known[METRICS];
    for (size_t m = 0; m < METRICS; m++) {
        known[m] = is_known(runs, m);
        if (known[m])
            json_array_append_new(list, json_metric(&metrics[m], sweep));
    }
    for (size_t i = 0; i < json_array_size(runs); i++)
        for (size_t m = METRICS; m-- > 0;)
            if (!known[m])
                json_array_remove(json_object_get(json_array_get(runs, i), "metrics"), m);
    return list;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static lehr_status fill(const lehr_run_list *list, comparison *c)
{
    c->runs = json_array();
    LEHR_TRY(lehr_report_sweeps_open(list, &c->sweeps));
    for (int32_t i = 0; i < list->runs.count; i++)
        LEHR_TRY(add_run(list, list->runs.path[i], c));
    json_t *parts = find_parts(c->runs);
    c->axes = find_axes(&c->sweeps, parts);
    keep_axes(c->runs, c->axes);
    c->metrics = find_metrics(c->runs, lehr_report_sweeps_one(&c->sweeps));
    const lehr_status status = lehr_report_effects(parts, c->axes, c->metrics, &c->effects);
    json_decref(parts);
    LEHR_TRY(status);
    return lehr_report_sweeps_json(&c->sweeps, &c->about);
}

lehr_status lehr_report_many(const lehr_run_list *list, json_t **out)
{
    comparison c = {.runs = NULL};
    lehr_status status = fill(list, &c);
    json_t *data = NULL;
    if (status == LEHR_OK)
        data = json_pack("{s:s, s:s, s:s, s:O, s:O, s:O, s:O, s:O}", "kind", "runs", "version",
                         lehr_version(), "commit", lehr_commit(), "sweeps", c.about, "runs", c.runs,
                         "axes", c.axes, "metrics", c.metrics, "effects", c.effects);
    if (status == LEHR_OK && data == NULL)
        status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for a report");
    lehr_report_sweeps_close(&c.sweeps);
    json_decref(c.about);
    json_decref(c.runs);
    json_decref(c.axes);
    json_decref(c.metrics);
    json_decref(c.effects);
    *out = data;
    return status;
}
