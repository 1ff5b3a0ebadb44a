/* table.c: a result for people: what it reached, how, and where it stands. Made from the JSON
 * object, so that a finished run prints again what it printed first. */
#include <jansson.h>
#include <math.h>

#include "study/progress.h"
#include "study/result.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "?";
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static long long whole_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* One column of a part's scores: the number, or a dash where it has none. */
static void add_cell(lehr_text *out, const json_t *score, const char *key)
{
    const double value = number_of(score, key);
    if (isnan(value))
        lehr_text_add(out, "  %12s", "-");
    else
        lehr_text_add(out, "  %12.6g", value);
}

static void add_part(lehr_text *out, const char *part, const json_t *score, bool regression)
{
    lehr_text_add(out, "%-12s", part);
    add_cell(out, score, "loss");
    add_cell(out, score, regression ? "r2" : "accuracy");
    if (regression)
        add_cell(out, score, "rmse");
    lehr_text_add(out, "\n");
}

static void add_scores(lehr_text *out, const json_t *best)
{
    const bool regression = json_object_get(json_object_get(best, "train"), "rmse") != NULL;
    lehr_text_add(out, "%-12s  %12s  %12s%s\n", "", "loss", regression ? "r2" : "accuracy",
                  regression ? "          rmse" : "");
    static const char *const parts[] = {"train", "validation", "test"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add_part(out, parts[i], json_object_get(best, parts[i]), regression);
}

static double mean_of(const json_t *list)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        sum += json_number_value(json_array_get(list, i));
    return sum / (double)json_array_size(list);
}

static const char *plural(const json_t *object, const char *key)
{
    return lehr_plural(whole_of(object, key));
}

static void add_exchange(lehr_text *out, const json_t *exchange)
{
    const json_t *acceptance = json_object_get(exchange, "acceptance");
    const double barrier = number_of(exchange, "barrier");
    if (json_array_size(acceptance) == 0 || isnan(barrier))
        return;
    lehr_text_add(out, "%-12s  acceptance %.3g, barrier %.3g, %lld round trip%s\n", "exchange",
                  mean_of(acceptance), barrier, whole_of(exchange, "round_trips"),
                  plural(exchange, "round_trips"));
}

void lehr_result_table(const json_t *result, lehr_text *out)
{
    const json_t *best = json_object_get(result, "best");
    lehr_text_add(out, "%-12s  %s %s\n", "run", text_of(result, "name"), text_of(result, "id"));
    lehr_text_add(out, "%-12s  %s after %lld scan%s of %lld row%s, %.3g s, ", "stop",
                  text_of(result, "stop"), whole_of(result, "scans"), plural(result, "scans"),
                  whole_of(result, "rows"), plural(result, "rows"), number_of(result, "wall_s"));
    lehr_text_add_quantity(out, number_of(result, "proposals_per_s"));
    lehr_text_add(out, " proposals/s\n");
    lehr_text_add(out, "%-12s  from scan %lld\n", "best", whole_of(best, "scan"));
    add_scores(out, best);
    add_exchange(out, json_object_get(result, "exchange"));
    if (whole_of(result, "nonfinite") > 0)
        lehr_text_add(out, "%-12s  %lld proposal%s, rejected; first in row %lld\n", "nonfinite",
                      whole_of(result, "nonfinite"), plural(result, "nonfinite"),
                      whole_of(result, "nonfinite_row"));
    lehr_text_add(out, "%-12s  %s (%s), %lld thread%s, numerics %s\n", "device",
                  text_of(result, "backend"), text_of(result, "device"),
                  whole_of(result, "threads"), plural(result, "threads"),
                  text_of(result, "numerics"));
    lehr_text_add(out, "%-12s  %s\n", "state", text_of(result, "state_hash"));
    lehr_text_add(out, "%-12s  %s\n", "files", text_of(result, "dir"));
}
