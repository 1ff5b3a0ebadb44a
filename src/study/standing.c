/* standing.c: every trial's directory is looked at once; nothing is written. */
#include "study/standing.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/progress.h"
#include "study/result.h"

enum { REASONS_MAX = 5 };

/* What is gathered from trial to trial. */
typedef struct gathering {
    const lehr_yard *yard;
    lehr_ledger ledger;
    lehr_tally tally;
    double *value;       /* [count of the ledger] metric; NaN: none */
    double scan, scans;  /* of the running trials: behind them, and in all */
    double work, done;   /* multiply-adds of all trials, and of what is done */
    double rate;         /* multiply-adds a second of the running trials; 0: not known */
    int64_t least, most; /* scans that checkpointed trials go on from; -1: not known of any */
    json_t *failed;      /* the first few, with their reasons */
    int32_t others;      /* that the sweep no longer names */
} gathering;

/* ---- Gathering ------------------------------------------------------------------------------- */

/* What a running trial says of its own time left counts no pause, as its start would. */
static void add_rate(gathering *s, const lehr_entry *entry, const lehr_trial_look *look)
{
    json_t *status = lehr_yard_read(s->yard, entry->id, "status.json");
    const double left_s = json_number_value(json_object_get(status, "time_left_s"));
    json_decref(status);
    if (left_s > 0)
        s->rate += entry->work * (1 - (double)look->scan / (double)entry->scans) / left_s;
}

static const bool none[LEHR_AXES_MAX];

/* What a trial has on the axes, but for those that are left out. */
static json_t *json_values(const lehr_ledger *ledger, const lehr_entry *entry, const bool *without)
{
    json_t *values = json_object();
    for (int32_t i = 0; i < ledger->axes; i++)
        if (!without[i])
            json_object_set_new(values, ledger->axis[i], json_string(entry->value[i]));
    return values;
}

static void add_reason(gathering *s, const lehr_entry *entry, const lehr_trial_look *look)
{
    if (json_array_size(s->failed) < REASONS_MAX)
        json_array_append_new(s->failed, json_pack("{s:s, s:o, s:o}", "id", entry->id, "values",
                                                   json_values(&s->ledger, entry, none), "reason",
                                                   lehr_json_text(look->reason)));
}

static void add_saved(gathering *s, int64_t scan)
{
    if (scan < 0)
        return;
    s->least = s->least < 0 || scan < s->least ? scan : s->least;
    s->most = scan > s->most ? scan : s->most;
}

static void add_trial(gathering *s, int32_t index)
{
    const lehr_entry *entry = &s->ledger.entry[index];
    lehr_trial_look look;
    lehr_trial_look_at(s->yard, entry->id, &look);
    s->tally.trials++;
    s->tally.state[look.state]++;
    s->tally.unknown += look.unknown;
    s->work += entry->work;
    s->value[index] = NAN;
    if (look.state == LEHR_TRIAL_RUNNING && entry->scans > 0) {
        s->scan += (double)look.scan;
        s->scans += (double)entry->scans;
        add_rate(s, entry, &look);
    }
    if (look.state == LEHR_TRIAL_CHECKPOINTED)
        add_saved(s, look.saved);
    if (look.state == LEHR_TRIAL_FAILED)
        add_reason(s, entry, &look);
    if (look.state == LEHR_TRIAL_PENDING)
        return;
    const bool ended = look.state == LEHR_TRIAL_DONE || look.state == LEHR_TRIAL_PRUNED ||
                       look.state == LEHR_TRIAL_FAILED;
    if (ended)
        s->done += entry->work;
    else if (entry->scans > 0)
        s->done += entry->work * (double)look.scan / (double)entry->scans;
    if (look.state != LEHR_TRIAL_DONE || s->ledger.metric.part == NULL)
        return;
    json_t *result = lehr_yard_read(s->yard, entry->id, "result.json");
    s->value[index] = lehr_metric_value(&s->ledger.metric, result);
    json_decref(result);
}

/* Of all that is open, at the speed of what runs; NaN: nothing does, or it has not said yet. */
static double time_left(const gathering *s)
{
    const int32_t open = s->tally.state[LEHR_TRIAL_PENDING] + s->tally.state[LEHR_TRIAL_RUNNING] +
                         s->tally.state[LEHR_TRIAL_CHECKPOINTED] + s->tally.state[LEHR_TRIAL_STALE];
    if (open == 0)
        return 0;
    return s->rate > 0 ? (s->work - s->done) / s->rate : NAN;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *json_counts(const lehr_tally *tally)
{
    json_t *counts = json_object();
    for (int state = 0; state < LEHR_TRIAL_STATE_COUNT; state++)
        json_object_set_new(counts, lehr_trial_state_name((lehr_trial_state)state),
                            json_integer(tally->state[state]));
    return counts;
}

/* The best point: its values, without those that are averaged over. */
static json_t *json_best(const gathering *s)
{
    lehr_point best;
    char metric[LEHR_METRIC_NAME_MAX];
    if (!lehr_ledger_best(&s->ledger, s->value, &best))
        return json_null();
    lehr_metric_print(&s->ledger.metric, metric);
    const lehr_entry *entry = &s->ledger.entry[best.first];
    return json_pack("{s:s, s:o, s:b, s:i, s:i, s:s, s:o}", "metric", metric, "mean",
                     lehr_json_number(best.mean), "whole", best.done == best.trials, "done",
                     (int)best.done, "trials", (int)best.trials, "id", entry->id, "values",
                     json_values(&s->ledger, entry, s->ledger.over));
}

static json_t *json_saved(const gathering *s)
{
    return s->least < 0 ? json_null()
                        : json_pack("{s:I, s:I}", "least", (json_int_t)s->least, "most",
                                    (json_int_t)s->most);
}

static json_t *json_standing(const gathering *s)
{
    const double running = s->scans > 0 ? s->scan / s->scans : NAN;
    return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:i}", "name",
                     lehr_json_text(s->ledger.name), "dir", lehr_json_text(s->yard->dir.path),
                     "trials", (int)s->tally.trials, "states", json_counts(&s->tally),
                     "running_share", lehr_json_number(running), "best", json_best(s), "failed",
                     json_incref(s->failed), "time_left_s", lehr_json_number(time_left(s)),
                     "unknown", (int)s->tally.unknown, "others", (int)s->others, "saved",
                     json_saved(s), "workers", (int)lehr_yard_workers(s->yard));
}

static lehr_status gather(gathering *s)
{
    char **other = NULL;
    LEHR_TRY(lehr_ledger_read(s->yard, &s->ledger));
    LEHR_TRY(LEHR_NEW(s->value, (size_t)s->ledger.count + 1, "the metrics of a sweep"));
    for (int32_t i = 0; i < s->ledger.count; i++)
        add_trial(s, i);
    const lehr_status status = lehr_ledger_others(&s->ledger, s->yard, &other, &s->others);
    lehr_ledger_others_free(&other, s->others);
    return status;
}

lehr_status lehr_standing_json(const lehr_yard *yard, json_t **out)
{
    gathering s = {.yard = yard, .least = -1, .most = -1, .failed = json_array()};
    lehr_status status = gather(&s);
    if (status == LEHR_OK) {
        *out = json_standing(&s);
        if (*out == NULL)
            status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for the state of a sweep");
    }
    LEHR_FREE(s.value);
    json_decref(s.failed);
    lehr_ledger_free(&s.ledger);
    return status;
}

bool lehr_standing_moves(const json_t *standing)
{
    const json_t *states = json_object_get(standing, "states");
    return json_integer_value(json_object_get(states, "pending")) > 0 ||
           json_integer_value(json_object_get(states, "running")) > 0 ||
           json_integer_value(json_object_get(states, "checkpointed")) > 0 ||
           json_integer_value(json_object_get(states, "stale")) > 0;
}

bool lehr_standing_rests(const json_t *standing)
{
    const json_t *states = json_object_get(standing, "states");
    return lehr_standing_moves(standing) &&
           json_integer_value(json_object_get(standing, "workers")) == 0 &&
           json_integer_value(json_object_get(states, "running")) == 0;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "?";
}

static long long whole_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* "temperatures.rungs=4, seed=1" */
static void add_values(const json_t *values, lehr_text *out)
{
    const char *key, *separator = "";
    json_t *value;
    json_object_foreach((json_t *)values, key, value)
    {
        lehr_text_add(out, "%s%s=%s", separator, key, json_string_value(value));
        separator = ", ";
    }
}

/* Means over some of the trials of their points are no fair comparison, and the words say so. */
static void add_best(const json_t *best, lehr_text *out)
{
    if (!json_is_object(best))
        return;
    const bool whole = json_is_true(json_object_get(best, "whole"));
    lehr_text_add(out, "%-12s  %s %.6g, %lld of %lld trial%s%s\n", whole ? "best" : "best so far",
                  text_of(best, "metric"), json_number_value(json_object_get(best, "mean")),
                  whole_of(best, "done"), whole_of(best, "trials"),
                  lehr_plural(whole_of(best, "trials")),
                  whole ? "" : ": no point has all of its trials");
    lehr_text_add(out, "%-12s  ", "");
    add_values(json_object_get(best, "values"), out);
    lehr_text_add(out, "\n");
}

static void add_failed(const json_t *standing, lehr_text *out)
{
    size_t i;
    const json_t *failed;
    const json_t *list = json_object_get(standing, "failed");
    json_array_foreach(list, i, failed)
    {
        lehr_text_add(out, "%-12s  %s (", "failed", text_of(failed, "id"));
        add_values(json_object_get(failed, "values"), out);
        lehr_text_add(out, "): %s\n", text_of(failed, "reason"));
    }
    const long long all = whole_of(json_object_get(standing, "states"), "failed"),
                    more = all - (long long)json_array_size(list);
    if (more > 0)
        lehr_text_add(out, "%-12s  %lld more, in results.csv of lehr collect\n", "", more);
}

/* What the sweep file no longer names is kept, and counts for nothing. */
static void add_others(const json_t *standing, lehr_text *out)
{
    const long long others = whole_of(standing, "others");
    if (others > 0)
        lehr_text_add(out, "%-12s  %lld trial%s no longer part of the sweep: never the best\n",
                      "others", others, others == 1 ? " is" : "s are");
}

void lehr_standing_findings(const json_t *standing, lehr_text *out)
{
    add_best(json_object_get(standing, "best"), out);
    add_failed(standing, out);
    add_others(standing, out);
}

static void add_states(const json_t *standing, lehr_text *out)
{
    const char *separator = "";
    const json_t *states = json_object_get(standing, "states"),
                 *share = json_object_get(standing, "running_share");
    for (int state = 0; state < LEHR_TRIAL_STATE_COUNT; state++) {
        const char *name = lehr_trial_state_name((lehr_trial_state)state);
        const json_int_t count = json_integer_value(json_object_get(states, name));
        if (count > 0)
            lehr_text_add(out, "%s%lld %s", separator, (long long)count, name);
        if (state == LEHR_TRIAL_RUNNING && count > 0 && json_is_number(share))
            lehr_text_add(out, " (%.3g %% of %s scans)",
                          floor(1000 * json_number_value(share)) / 10,
                          count == 1 ? "its" : "their");
        separator = count > 0 ? ", " : separator;
    }
}

/* Where checkpointed trials go on. */
static void add_scans(const json_t *saved, lehr_text *out)
{
    const json_int_t least = json_integer_value(json_object_get(saved, "least")),
                     most = json_integer_value(json_object_get(saved, "most"));
    if (json_is_object(saved) && least == most)
        lehr_text_add(out, " (saved at scan %lld)", (long long)most);
    else if (json_is_object(saved))
        lehr_text_add(out, " (saved at scans %lld to %lld)", (long long)least, (long long)most);
}

void lehr_standing_table(const json_t *standing, lehr_text *out)
{
    const json_t *left = json_object_get(standing, "time_left_s");
    const long long trials = whole_of(standing, "trials");
    lehr_text_add(out, "%-12s  %s, %lld trial%s: ", "sweep", text_of(standing, "name"), trials,
                  lehr_plural(trials));
    add_states(standing, out);
    add_scans(json_object_get(standing, "saved"), out);
    if (json_is_number(left) && lehr_standing_moves(standing)) {
        lehr_text_add(out, ", left ");
        lehr_text_add_time(json_number_value(left), out);
    }
    lehr_text_add(out, "\n");
    lehr_standing_findings(standing, out);
    lehr_text_add(out, "%-12s  %s\n", "files", text_of(standing, "dir"));
}

void lehr_standing_line(const lehr_worker_progress *p, lehr_text *out)
{
    const int32_t *state = p->tally.state;
    lehr_text_add(out, "%d/%d trial%s done, %d running", state[LEHR_TRIAL_DONE], p->tally.trials,
                  lehr_plural(p->tally.trials), state[LEHR_TRIAL_RUNNING]);
    if (state[LEHR_TRIAL_PRUNED] > 0)
        lehr_text_add(out, ", %d pruned", state[LEHR_TRIAL_PRUNED]);
    if (state[LEHR_TRIAL_FAILED] > 0)
        lehr_text_add(out, ", %d failed", state[LEHR_TRIAL_FAILED]);
    lehr_text_add(out, ", ");
    lehr_text_add_quantity(out, p->proposals_per_s);
    lehr_text_add(out, " proposals/s");
    if (!isnan(p->left_s)) {
        lehr_text_add(out, ", left ");
        lehr_text_add_time(p->left_s, out);
    }
}
