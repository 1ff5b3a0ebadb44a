/* report_warn.c: rules of thumb over what a run has left behind. What looks wrong before a run is in
 * run/doubts.h. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "lehr/lehr.h"
#include "study/report.h"
#include "study/result.h"

/* Pairs that swap less often hold replicas up; the optimum of a ladder lies near 0.23 to 0.6
 * (Atchade, Roberts, Rosenthal 2011, doi:10.1007/s11222-010-9192-1; Syed et al. 2022). */
static const double swap_low = 0.1, swap_high = 0.95;

/* Steps that are accepted less often, or nearly always, explore little: optima are 0.234 and 0.44 (Roberts,
 * Gelman, Gilks 1997, doi:10.1214/aoap/1034625254). */
static const double move_low = 0.05, move_high = 0.8;

/* A pair of rungs where the flow falls by so much more than the swaps explain holds replicas up; in a run that
 * was long enough for so many round trips, had nothing but the swaps mattered. */
static const double flow_excess = 0.15, trips_enough = 10;

enum { SENTENCE_BYTES = 512 };

static void warn(json_t *list, const char *format, ...) LEHR_PRINTF(2, 3);

static void warn(json_t *list, const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    lehr_format(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    json_array_append_new(list, lehr_json_text(sentence));
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

/* ---- How it ended ---------------------------------------------------------------------------- */

static void warn_end(const lehr_report_run *run, json_t *list)
{
    const char *state = text(run->status, "state"), *stop = text(run->result, "stop");
    if (strcmp(state, "failed") == 0)
        warn(list, "The run failed: %s", text(run->status, "error"));
    else if (run->result == NULL && strcmp(state, "pruned") != 0) /* that is an end */
        warn(list, "The run is not finished (state %s): only what it has observed so far is shown.",
             state);
    if (strcmp(stop, "signal") == 0 || strcmp(stop, "wall") == 0)
        warn(list, "The run was ended early (%s), after %.0f scan%s.", stop,
             number(run->result, "scans"), lehr_plural(number(run->result, "scans")));
    if (run->result != NULL && run->config.run.stop.metric != LEHR_METRIC_NONE &&
        strcmp(stop, "target") != 0)
        warn(list, "The target %s %g was not reached.",
             lehr_kind_name(LEHR_LIST_METRIC, (int32_t)run->config.run.stop.metric),
             run->config.run.stop.value);
}

static void warn_numbers(const lehr_report_run *run, json_t *list)
{
    const double nonfinite = number(run->result, "nonfinite");
    if (nonfinite > 0)
        warn(list,
             "%.0f proposal%s had an energy that is not finite (first in row %.0f) and %s "
             "rejected; steps may be too large, or the loss may overflow.",
             nonfinite, lehr_plural(nonfinite), number(run->result, "nonfinite_row"),
             nonfinite == 1 ? "was" : "were");
    if (run->config.run.numerics != LEHR_NUMERICS_EXACT)
        warn(list, "The run computed with numerics fast: its bits are those of one device.");
}

/* ---- The ladder ------------------------------------------------------------------------------ */

static void warn_barrier(const json_t *exchange, size_t pairs, json_t *list)
{
    const double barrier = number(exchange, "barrier");
    if (barrier > (double)pairs)
        warn(list,
             "The barrier of the ladder is %.3g, and it has %zu rungs: neighbors hardly "
             "overlap. About %.0f rungs, or a hotter coldest temperature, would let replicas "
             "through.",
             barrier, pairs + 1, 2 * ceil(barrier) + 1);
    const double trips = number(exchange, "round_trips");
    if (trips == 0)
        warn(list, "No replica has made a round trip between the coldest and the hottest rung.");
    const double seen = number(exchange, "tau_observed"),
                 expected = number(exchange, "tau_predicted");
    if (trips > 0 && seen < 0.1 * expected)
        warn(list,
             "Round trips are %.2g times as frequent as the swaps alone would allow: replicas "
             "stay where they are between exchanges, so explore longer (exchange.every) or with "
             "other moves.",
             seen / expected);
}

static void warn_swaps(const json_t *acceptance, json_t *list)
{
    const size_t pairs = json_array_size(acceptance);
    size_t high = 0;
    for (size_t i = 0; i < pairs; i++) {
        const double a = json_number_value(json_array_get(acceptance, i));
        const bool known = json_is_number(json_array_get(acceptance, i));
        if (known && a < swap_low)
            warn(list, "Rungs %zu and %zu swap only %.2g %% of the time.", i, i + 1, 100 * a);
        high += known && a > swap_high;
    }
    if (pairs > 1 && high == pairs)
        warn(list, "Every pair of rungs swaps more than %.0f %% of the time: fewer rungs would do.",
             100 * swap_high);
}

/* Is the flow known? Not before the run was long enough for round trips. */
static bool has_flow(const lehr_report_run *run, const json_t *exchange, size_t rungs)
{
    const json_t *flow = json_object_get(exchange, "flow");
    for (size_t t = 0; t < rungs; t++)
        if (!json_is_number(json_array_get(flow, t)))
            return false;
    return number(exchange, "tau_predicted") * number(run->result, "copies") *
               number(run->result, "scans") / run->config.run.exchange.every >=
           trips_enough;
}

/* Two standard deviations of a share that every replica and every half of a round trip has told once. */
static double flow_noise(const lehr_report_run *run, const json_t *exchange)
{
    return 2 * sqrt(0.25 / (2 * number(exchange, "round_trips") + number(run->result, "rows")));
}

static void warn_flow(const lehr_report_run *run, const json_t *exchange, json_t *list)
{
    double expected[LEHR_RUNGS_MAX], most = -1;
    const json_t *flow = json_object_get(exchange, "flow");
    const size_t rungs = (size_t)lehr_report_flow(run, expected);
    if (rungs == 0 || !has_flow(run, exchange, rungs))
        return;
    size_t at = 0;
    for (size_t t = 0; t + 1 < rungs; t++) {
        const double excess = json_number_value(json_array_get(flow, t)) -
                              json_number_value(json_array_get(flow, t + 1)) -
                              (expected[t] - expected[t + 1]);
        at = excess > most ? t : at;
        most = fmax(most, excess);
    }
    if (most > fmax(flow_excess, flow_noise(run, exchange)))
        warn(list,
             "Replicas turn back between rungs %zu and %zu: their flow falls by %.2g there, and "
             "the swaps explain %.2g of it. Rungs between them, or moves that mix better there, "
             "would let more through.",
             at, at + 1, most + expected[at] - expected[at + 1], expected[at] - expected[at + 1]);
}

static void warn_ladder(const lehr_report_run *run, json_t *list)
{
    const json_t *exchange = json_object_get(run->result, "exchange");
    const json_t *acceptance = json_object_get(exchange, "acceptance");
    if (json_array_size(acceptance) == 0 || isnan(number(exchange, "barrier")))
        return;
    warn_barrier(exchange, json_array_size(acceptance), list);
    warn_swaps(acceptance, list);
    warn_flow(run, exchange, list);
}

/* ---- Moves ----------------------------------------------------------------------------------- */

static bool is_same_move(const json_t *a, const json_t *b)
{
    return strcmp(text(a, "kind"), text(b, "kind")) == 0 &&
           strcmp(text(a, "scope"), text(b, "scope")) == 0;
}

/* One sentence for the rungs of one move: moves[first] and those after it. Returns their end. */
static size_t warn_move(const json_t *moves, size_t first, size_t rungs, json_t *list)
{
    const json_t *move = json_array_get(moves, first);
    double lowest = INFINITY, highest = -INFINITY;
    size_t end = first;
    for (; end < first + rungs && is_same_move(json_array_get(moves, end), move); end++) {
        const double a = number(json_array_get(moves, end), "acceptance");
        lowest = fmin(lowest, a);
        highest = fmax(highest, a);
    }
    if (lowest < move_low)
        warn(list, "Move %s %s is accepted only %.2g %% of the time on some rung.",
             text(move, "kind"), text(move, "scope"), 100 * lowest);
    if (highest > move_high)
        warn(list, "Move %s %s is accepted %.2g %% of the time on some rung: its steps are small.",
             text(move, "kind"), text(move, "scope"), 100 * highest);
    return end > first ? end : first + 1;
}

static void warn_moves(const lehr_report_run *run, json_t *list)
{
    const json_t *moves = json_object_get(run->result, "moves");
    const double rungs = number(run->result, "rungs");
    for (size_t i = 0; i < json_array_size(moves);)
        i = warn_move(moves, i, rungs >= 1 ? (size_t)rungs : 1, list);
}

lehr_status lehr_report_warnings(const lehr_report_run *run, json_t **out)
{
    json_t *list = json_array();
    LEHR_CHECK(list != NULL, LEHR_ERR_MEMORY, "out of memory for the warnings of a report");
    warn_end(run, list);
    warn_numbers(run, list);
    warn_ladder(run, list);
    warn_moves(run, list);
    *out = list;
    return LEHR_OK;
}
