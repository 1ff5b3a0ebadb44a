/* ledger.c: writing and reading sweep.json, and the best point of what it lists. */
#define _POSIX_C_SOURCE 200809L

#include "study/ledger.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/file.h"
#include "study/output.h"
#include "study/result.h"

static const char file_name[] = "sweep.json";

/* ---- Writing --------------------------------------------------------------------------------- */

static json_t *json_value(const lehr_sweep *sweep, int64_t number, int32_t axis)
{
    lehr_text text = {0};
    lehr_sweep_value(sweep, number, axis, &text);
    json_t *value = text.failed ? NULL : lehr_json_text(text.data);
    lehr_text_free(&text);
    return value;
}

/* Numbers and lists of them are those of JSON, but for what no JSON of ours holds: 2^63 and more. Text in quotes is
 * without them. */
json_t *lehr_ledger_json(const char *path, const char *value)
{
    int32_t move = 0;
    const lehr_config_key *key = lehr_config_find(path, &move);
    const bool text = key == NULL || key->value == LEHR_VALUE_TEXT ||
                      key->value == LEHR_VALUE_PATH || key->value == LEHR_VALUE_KIND;
    json_t *json = text && value[0] != '"' ? NULL : json_loads(value, JSON_DECODE_ANY, NULL);
    return json != NULL ? json : lehr_json_text(value);
}

static json_t *json_trial(const lehr_trials *t, const lehr_trial *trial)
{
    json_t *values = json_array();
    for (int32_t i = 0; i < t->sweep->axes; i++)
        json_array_append_new(values, json_value(t->sweep, trial->number, i));
    return json_pack("{s:I, s:s, s:I, s:i, s:f, s:o}", "number", (json_int_t)trial->number, "id",
                     trial->id, "scans", (json_int_t)trial->scans, "rows", (int)trial->rows, "work",
                     trial->work, "values", values);
}

static json_t *json_objective(const lehr_sweep *s)
{
    char metric[LEHR_METRIC_NAME_MAX];
    if (s->metric.part == NULL)
        return json_null();
    lehr_metric_print(&s->metric, metric);
    return json_pack("{s:s, s:s}", "metric", metric, "goal", s->maximize ? "max" : "min");
}

/* What the base says beside the places of files: data by the last name of their path. */
static lehr_status name_base(const lehr_sweep *sweep, char id[LEHR_RUN_ID_BYTES])
{
    const char *source = sweep->base_config.data.source, *slash = strrchr(source, '/');
    const char *name = slash != NULL ? slash + 1 : source;
    return lehr_config_id(&sweep->base_config, lehr_hash(LEHR_HASH_START, name, strlen(name)), id);
}

static json_t *json_ledger(const lehr_trials *t, const char *name, const char *base)
{
    json_t *axes = json_array(), *over = json_array(), *trials = json_array();
    for (int32_t i = 0; i < t->sweep->axes; i++) {
        json_array_append_new(axes, json_string(t->sweep->axis[i].key));
        json_array_append_new(over, json_boolean(t->sweep->over[i]));
    }
    for (int32_t i = 0; i < t->count; i++)
        json_array_append_new(trials, json_trial(t, &t->trial[i]));
    return json_pack("{s:i, s:o, s:s, s:o, s:o, s:o, s:o}", "version", 1, "name",
                     lehr_json_text(name), "base", base, "objective", json_objective(t->sweep),
                     "axes", axes, "over", over, "trials", trials);
}

/* Does the file say so already? Then nobody who reads it now is disturbed. */
static bool is_there(const lehr_yard *yard, const lehr_text *text)
{
    char path[LEHR_PATH_MAX];
    lehr_file file = {0};
    if (lehr_path_join(yard->dir.path, file_name, path) != LEHR_OK ||
        lehr_file_read(path, &file) != LEHR_OK)
        return false;
    const bool same = file.size == text->length && memcmp(file.data, text->data, file.size) == 0;
    lehr_file_free(&file);
    return same;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- Another sweep? -------------------------------------------------------------------------- */

static json_t *set_of_ids(const json_t *trials)
{
    size_t i;
    json_t *trial, *set = json_object();
    json_array_foreach(trials, i, trial)
        json_object_set_new(set, text_of(trial, "id"), json_true());
    return set;
}

static size_t count_shared(const json_t *there, const json_t *here)
{
    size_t shared = 0, i;
    const json_t *trial;
    json_t *set = set_of_ids(there);
    json_array_foreach(here, i, trial) shared += json_object_get(set, text_of(trial, "id")) != NULL;
    json_decref(set);
    return shared;
}

/* A sweep may grow, shrink, and get other axes. Another one has another name, or another base and not one trial in
 * common; a renamed one has all that was there, or nothing else. */
static bool is_same(const json_t *there, const json_t *here)
{
    const json_t *before = json_object_get(there, "trials"), *now = json_object_get(here, "trials");
    const bool named = strcmp(text_of(there, "name"), text_of(here, "name")) == 0;
    if (named && strcmp(text_of(there, "base"), text_of(here, "base")) == 0)
        return true;
    const size_t shared = count_shared(before, now);
    return named ? shared > 0
                 : shared > 0 &&
                       (shared == json_array_size(before) || shared == json_array_size(now));
}

/* `was`: the name that the sweep there has; "": this one, or there is none. */
static lehr_status check_same(const char *path, const json_t *here, char was[LEHR_NAME_MAX])
{
    json_t *there = NULL;
    was[0] = '\0';
    LEHR_CHECK(here != NULL, LEHR_ERR_MEMORY, "out of memory for %s", file_name);
    if (lehr_result_read(path, file_name, &there) != LEHR_OK)
        return LEHR_OK;
    lehr_status status = LEHR_OK;
    const char *name = text_of(there, "name");
    if (strcmp(name, text_of(here, "name")) != 0)
        snprintf(was, LEHR_NAME_MAX, "%s", name);
    if (!is_same(there, here))
        status = strcmp(name, text_of(here, "name")) == 0
                     ? lehr_fail(LEHR_ERR_EXISTS,
                                 "%s holds sweep %s of another base config, of which no trial is "
                                 "one of this sweep; choose another directory with -o",
                                 path, name)
                     : lehr_fail(LEHR_ERR_EXISTS,
                                 "%s holds another sweep, %s; choose another directory with -o",
                                 path, name);
    json_decref(there);
    return status;
}

static lehr_status write_ledger(const json_t *json, const lehr_yard *yard)
{
    lehr_text text = {0};
    char was[LEHR_NAME_MAX];
    LEHR_TRY(check_same(yard->dir.path, json, was));
    lehr_status status = lehr_result_text(json, &text);
    if (status == LEHR_OK && !is_there(yard, &text))
        status = lehr_output_whole(&yard->dir, file_name, text.data, text.length);
    lehr_text_free(&text);
    return status;
}

lehr_status lehr_ledger_write(const lehr_trials *trials, const char *name, const lehr_yard *yard)
{
    char base[LEHR_RUN_ID_BYTES];
    LEHR_TRY(name_base(trials->sweep, base));
    json_t *json = json_ledger(trials, name, base);
    const lehr_status status = write_ledger(json, yard);
    json_decref(json);
    return status;
}

lehr_status lehr_ledger_check(const lehr_trials *trials, const char *name, const char *path,
                              char was[LEHR_NAME_MAX])
{
    char base[LEHR_RUN_ID_BYTES];
    LEHR_TRY(lehr_yard_check(path));
    LEHR_TRY(name_base(trials->sweep, base));
    json_t *json = json_ledger(trials, name, base);
    const lehr_status status = check_same(path, json, was);
    json_decref(json);
    return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_axes(lehr_ledger *l)
{
    const json_t *axes = json_object_get(l->json, "axes"), *over = json_object_get(l->json, "over");
    if (json_array_size(axes) > LEHR_AXES_MAX || json_array_size(over) != json_array_size(axes))
        return false;
    l->axes = (int32_t)json_array_size(axes);
    for (int32_t i = 0; i < l->axes; i++) {
        l->axis[i] = json_string_value(json_array_get(axes, (size_t)i));
        l->over[i] = json_is_true(json_array_get(over, (size_t)i));
        if (l->axis[i] == NULL)
            return false;
    }
    return true;
}

static bool read_objective(lehr_ledger *l)
{
    const json_t *objective = json_object_get(l->json, "objective");
    if (!json_is_object(objective))
        return true;
    l->maximize = strcmp(text_of(objective, "goal"), "max") == 0;
    return lehr_metric_find(text_of(objective, "metric"), &l->metric) == LEHR_OK;
}

static bool read_entry(const lehr_ledger *l, const json_t *json, lehr_entry *e)
{
    const json_t *values = json_object_get(json, "values");
    e->number = json_integer_value(json_object_get(json, "number"));
    e->scans = json_integer_value(json_object_get(json, "scans"));
    e->rows = json_integer_value(json_object_get(json, "rows"));
    e->work = json_number_value(json_object_get(json, "work"));
    if (!lehr_text_copy(e->id, sizeof e->id, text_of(json, "id")) ||
        lehr_name_check(e->id) != LEHR_OK || json_array_size(values) != (size_t)l->axes)
        return false;
    for (int32_t i = 0; i < l->axes; i++)
        if ((e->value[i] = json_string_value(json_array_get(values, (size_t)i))) == NULL)
            return false;
    return true;
}

static bool read_entries(lehr_ledger *l)
{
    const json_t *trials = json_object_get(l->json, "trials");
    for (l->count = 0; l->count < (int32_t)json_array_size(trials); l->count++)
        if (!read_entry(l, json_array_get(trials, (size_t)l->count), &l->entry[l->count]))
            return false;
    return true;
}

/* ---- Trials of the sweep as it was ----------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_listed(char *const *listed, size_t count, const char *id)
{
    return bsearch(&id, listed, count, sizeof *listed, by_text) != NULL;
}

/* Names in trials/ that are not listed[count], sorted. The caller frees each name and the list. */
static lehr_status find_others(const lehr_yard *yard, char *const *listed, size_t count,
                               char ***out, int32_t *found)
{
    const int fd = openat(yard->trials.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    LEHR_CHECK(dir != NULL, LEHR_ERR_IO, "%s: cannot be read", yard->trials.path);
    lehr_status status = LEHR_OK;
    const struct dirent *entry;
    while (status == LEHR_OK && (entry = readdir(dir)) != NULL) {
        void *list = *out;
        if (entry->d_name[0] == '.' || is_listed(listed, count, entry->d_name))
            continue;
        status = lehr_memory_grow((size_t)*found + 1, sizeof **out, "names of trials", &list);
        *out = list;
        char *name = status == LEHR_OK ? strdup(entry->d_name) : NULL;
        if (name == NULL)
            status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for names of trials");
        else
            (*out)[(*found)++] = name;
    }
    closedir(dir);
    if (*found > 0)
        qsort(*out, (size_t)*found, sizeof **out, by_text);
    return status;
}

lehr_status lehr_ledger_others(const lehr_ledger *l, const lehr_yard *yard, char ***out,
                               int32_t *found)
{
    char **listed = NULL;
    const size_t count = (size_t)l->count;
    LEHR_TRY(LEHR_NEW(listed, count + 1, "names of trials"));
    for (size_t i = 0; i < count; i++)
        listed[i] = l->entry[i].id;
    qsort(listed, count, sizeof *listed, by_text);
    const lehr_status status = find_others(yard, listed, count, out, found);
    LEHR_FREE(listed);
    return status;
}

void lehr_ledger_others_free(char ***list, int32_t found)
{
    for (int32_t i = 0; i < found; i++)
        free((*list)[i]);
    LEHR_FREE(*list);
}

/* ---- Points ---------------------------------------------------------------------------------- */

static const lehr_ledger *sorting; /* qsort knows no data; set and used within one call */

/* By the axes that are not averaged over, then by number. */
static int by_point(const void *a, const void *b)
{
    const lehr_entry *const *x = a, *const *y = b;
    for (int32_t i = 0; i < sorting->axes; i++) {
        const int order = sorting->over[i] ? 0 : strcmp((*x)->value[i], (*y)->value[i]);
        if (order != 0)
            return order;
    }
    return (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

static bool same_point(const lehr_ledger *l, const lehr_entry *a, const lehr_entry *b)
{
    for (int32_t i = 0; i < l->axes; i++)
        if (!l->over[i] && strcmp(a->value[i], b->value[i]) != 0)
            return false;
    return true;
}

static lehr_status find_points(lehr_ledger *l)
{
    lehr_entry **sorted = NULL;
    LEHR_TRY(LEHR_NEW(sorted, (size_t)l->count + 1, "the points of a sweep"));
    for (int32_t i = 0; i < l->count; i++)
        sorted[i] = &l->entry[i];
    sorting = l;
    qsort(sorted, (size_t)l->count, sizeof *sorted, by_point);
    for (int32_t i = 0; i < l->count; i++) {
        if (i == 0 || !same_point(l, sorted[i - 1], sorted[i]))
            l->points++;
        sorted[i]->point = l->points - 1;
    }
    LEHR_FREE(sorted);
    return LEHR_OK;
}

lehr_status lehr_ledger_read(const lehr_yard *yard, lehr_ledger *out)
{
    lehr_ledger l = {0};
    LEHR_TRY(lehr_result_read(yard->dir.path, file_name, &l.json));
    l.name = text_of(l.json, "name");
    lehr_status status = LEHR_NEW(l.entry, json_array_size(json_object_get(l.json, "trials")) + 1,
                                  "the trials of a sweep");
    if (status == LEHR_OK && !(read_axes(&l) && read_objective(&l) && read_entries(&l)))
        status = lehr_fail(LEHR_ERR_DATA, "%s/%s is not the list of a sweep's trials",
                           yard->dir.path, file_name);
    if (status == LEHR_OK)
        status = find_points(&l);
    if (status == LEHR_OK)
        *out = l;
    else
        lehr_ledger_free(&l);
    return status;
}

void lehr_ledger_free(lehr_ledger *ledger)
{
    json_decref(ledger->json);
    LEHR_FREE(ledger->entry);
    ledger->json = NULL;
}

/* Is `a` the better point? Whole ones come before others. */
static bool is_better(const lehr_ledger *l, const lehr_point *a, const lehr_point *b)
{
    if (b->done == 0 || a->done == 0)
        return a->done > 0;
    if ((a->done == a->trials) != (b->done == b->trials))
        return a->done == a->trials;
    if (a->mean != b->mean)
        return l->maximize ? a->mean > b->mean : a->mean < b->mean;
    return a->first < b->first;
}

static void add_values(const lehr_ledger *l, const double *value, lehr_point *point)
{
    for (int32_t i = 0; i < l->count; i++) {
        lehr_point *p = &point[l->entry[i].point];
        if (p->trials++ == 0)
            p->first = i;
        if (isnan(value[i]))
            continue;
        p->mean += value[i];
        p->done++;
    }
    for (int32_t i = 0; i < l->points; i++)
        point[i].mean = point[i].done > 0 ? point[i].mean / point[i].done : NAN;
}

bool lehr_ledger_best(const lehr_ledger *l, const double *value, lehr_point *out)
{
    lehr_point *point = NULL;
    *out = (lehr_point){.mean = NAN};
    if (l->metric.part == NULL || LEHR_NEW(point, (size_t)l->points + 1, "points") != LEHR_OK)
        return false;
    add_values(l, value, point);
    for (int32_t i = 0; i < l->points; i++)
        if (is_better(l, &point[i], out))
            *out = point[i];
    LEHR_FREE(point);
    return out->done > 0;
}
