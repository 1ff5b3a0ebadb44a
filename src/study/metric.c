/* metric.c: two parts, four scores, two spellings. */
#include "study/metric.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const parts[] = {"train", "validation"};
static const char *const names[] = {"loss", "accuracy", "r2", "rmse"};

enum { PARTS = sizeof parts / sizeof *parts, NAMES = sizeof names / sizeof *names };

void lehr_metric_print(const lehr_metric_path *metric, char out[LEHR_METRIC_NAME_MAX])
{
    snprintf(out, LEHR_METRIC_NAME_MAX, "best.%s.%s", metric->part, metric->name);
}

/* Letters that differ from the nearer of the two spellings. */
static int distance_to(const char *text, const lehr_metric_path *metric)
{
    char dotted[LEHR_METRIC_NAME_MAX], flat[LEHR_METRIC_NAME_MAX];
    lehr_metric_print(metric, dotted);
    snprintf(flat, sizeof flat, "%s_%s", metric->part, metric->name);
    const int a = lehr_text_distance(text, dotted), b = lehr_text_distance(text, flat);
    return a < b ? a : b;
}

lehr_status lehr_metric_find(const char *text, lehr_metric_path *out)
{
    const bool test = strncmp(text, "test", 4) == 0 || strncmp(text, "best.test", 9) == 0;
    LEHR_CHECK(!test, LEHR_ERR_ARG,
               "objective.metric cannot be a test metric: the test part is only ever reported, it "
               "chooses nothing");
    lehr_metric_path nearest = {0};
    int best = 1 << 20;
    for (int i = 0; i < PARTS * NAMES; i++) {
        const lehr_metric_path metric = {parts[i / NAMES], names[i % NAMES]};
        const int distance = distance_to(text, &metric);
        if (distance < best) {
            best = distance;
            nearest = metric;
        }
    }
    char word[LEHR_METRIC_NAME_MAX], shown[44];
    lehr_metric_print(&nearest, word);
    LEHR_CHECK(best == 0, LEHR_ERR_ARG, "unknown metric '%s'; the nearest known one is '%s'",
               lehr_text_show(shown, sizeof shown, text, strlen(text)), word);
    *out = nearest;
    return LEHR_OK;
}

bool lehr_metric_rises(const lehr_metric_path *metric)
{
    return strcmp(metric->name, "accuracy") == 0 || strcmp(metric->name, "r2") == 0;
}

double lehr_metric_value(const lehr_metric_path *metric, const json_t *result)
{
    const json_t *best = json_object_get(result, "best");
    const json_t *value = json_object_get(json_object_get(best, metric->part), metric->name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

double lehr_metric_seen(const lehr_metric_path *metric, const lehr_observation *seen)
{
    const bool validation = strcmp(metric->part, "validation") == 0;
    const lehr_score *score = validation ? &seen->best_validation : &seen->best_train;
    switch (metric->name[0] == 'r' ? metric->name[1] : metric->name[0]) {
    case 'l': return score->loss;
    case 'a': return score->accuracy;
    case '2': return score->r2;
    default: return score->rmse;
    }
}
