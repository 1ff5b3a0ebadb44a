/* report_effect.c: levels of an axis, and means of metrics over them. */
#include "study/report_effect.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "study/bootstrap.h"
#include "study/result.h"

enum {
    VALUES_MAX = 10, /* a number with more of them is cut */
    LEVELS = 6       /* into so many */
};

/* A run and its value on the axis. */
typedef struct point {
    const json_t *value;
    size_t run;
} point;

/* All runs in the order of an axis, cut into levels. */
typedef struct levels {
    point *point; /* [count] */
    size_t count;
    size_t *start; /* [number+1] first point of each level */
    size_t number;
    double *sample; /* [count] */
} levels;

/* ---- Order ----------------------------------------------------------------------------------- */

/* null, then numbers by size, then words. */
static int rank(const json_t *value)
{
    return json_is_number(value) ? 1 : json_is_string(value) ? 2 : 0;
}

static int compare_values(const json_t *a, const json_t *b)
{
    if (rank(a) != rank(b))
        return rank(a) - rank(b);
    if (json_is_number(a)) {
        const double x = json_number_value(a), y = json_number_value(b);
        return (x > y) - (x < y);
    }
    return json_is_string(a) ? strcmp(json_string_value(a), json_string_value(b)) : 0;
}

static int compare(const void *a, const void *b)
{
    const point *x = a, *y = b;
    const int order = compare_values(x->value, y->value);
    return order != 0 ? order : (x->run > y->run) - (x->run < y->run);
}

/* ---- Levels ---------------------------------------------------------------------------------- */

static bool is_new_value(const levels *l, size_t i)
{
    return i == 0 || compare_values(l->point[i - 1].value, l->point[i].value) != 0;
}

static size_t count_values(const levels *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        count += is_new_value(l, i);
    return count;
}

/* Every value is a level, or equally many runs are; equal values are never parted. */
static void cut(levels *l)
{
    const bool numbers = json_is_number(l->point[0].value);
    const bool many = numbers && count_values(l) > VALUES_MAX;
    l->number = 0;
    for (size_t i = 0; i < l->count; i++)
        if (is_new_value(l, i) && (!many || i * LEVELS >= l->number * l->count))
            l->start[l->number++] = i;
    l->start[l->number] = l->count;
}

static void sort(const json_t *runs, size_t axis, levels *l)
{
    for (size_t i = 0; i < l->count; i++) {
        const json_t *values = json_object_get(json_array_get(runs, i), "values");
        l->point[i] = (point){json_array_get(values, axis), i};
    }
    qsort(l->point, l->count, sizeof *l->point, compare);
    cut(l);
}

static json_t *label_of(const levels *l, size_t level)
{
    const json_t *first = l->point[l->start[level]].value;
    const json_t *last = l->point[l->start[level + 1] - 1].value;
    if (compare_values(first, last) != 0)
        return json_sprintf("%.3g to %.3g", json_number_value(first), json_number_value(last));
    if (json_is_number(first))
        return json_sprintf("%.6g", json_number_value(first));
    return json_is_string(first) ? json_incref((json_t *)first) : json_string("not given");
}

/* ---- Means ----------------------------------------------------------------------------------- */

static lehr_status mean_of(const json_t *runs, const levels *l, size_t level, size_t metric,
                           json_t *list)
{
    int32_t n = 0;
    lehr_interval mean;
    for (size_t i = l->start[level]; i < l->start[level + 1]; i++) {
        const json_t *run = json_array_get(runs, l->point[i].run);
        const json_t *value = json_array_get(json_object_get(run, "metrics"), metric);
        if (json_is_number(value))
            l->sample[n++] = json_number_value(value);
    }
    LEHR_TRY(lehr_bootstrap(lehr_mean, l->sample, n, &mean));
    json_array_append_new(list, json_pack("{s:o, s:i, s:[o, o, o]}", "label", label_of(l, level),
                                          "runs", (int)n, "mean", lehr_json_number(mean.value),
                                          lehr_json_number(mean.low), lehr_json_number(mean.high)));
    return LEHR_OK;
}

static lehr_status effects_of(const json_t *runs, const levels *l, size_t metrics, json_t *list)
{
    for (size_t m = 0; m < metrics; m++) {
        json_t *means = json_array();
        json_array_append_new(list, means);
        for (size_t level = 0; level < l->number; level++)
            LEHR_TRY(mean_of(runs, l, level, m, means));
    }
    return LEHR_OK;
}

/* ---- All axes -------------------------------------------------------------------------------- */

static bool is_repeat(const json_t *axes, size_t axis)
{
    return json_is_true(json_object_get(json_array_get(axes, axis), "repeat"));
}

static bool only_repeats(const json_t *axes)
{
    for (size_t a = 0; a < json_array_size(axes); a++)
        if (!is_repeat(axes, a))
            return false;
    return true;
}

static lehr_status work(const json_t *runs, const json_t *axes, size_t metrics, levels *l,
                        json_t *out)
{
    const bool all = only_repeats(axes);
    LEHR_TRY(LEHR_NEW(l->point, l->count, "effects of axes"));
    LEHR_TRY(LEHR_NEW(l->start, l->count + 1, "effects of axes"));
    LEHR_TRY(LEHR_NEW(l->sample, l->count, "effects of axes"));
    for (size_t a = 0; a < json_array_size(axes); a++) {
        json_t *list = json_array();
        json_array_append_new(out, list);
        if (is_repeat(axes, a) && !all)
            continue;
        sort(runs, a, l);
        LEHR_TRY(effects_of(runs, l, metrics, list));
    }
    return LEHR_OK;
}

lehr_status lehr_report_effects(const json_t *runs, const json_t *axes, const json_t *metrics,
                                json_t **out)
{
    levels l = {.count = json_array_size(runs)};
    json_t *list = json_array();
    const lehr_status status = work(runs, axes, json_array_size(metrics), &l, list);
    LEHR_FREE(l.point);
    LEHR_FREE(l.start);
    LEHR_FREE(l.sample);
    *out = list;
    return status;
}
