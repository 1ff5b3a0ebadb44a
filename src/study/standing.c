/* standing.c: every trial's directory is looked at once; nothing is written. */
#define _DEFAULT_SOURCE

#include "study/standing.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
    double *value;           /* [count of the ledger] metric; NaN: none */
    double work, done;       /* multiply-adds of all trials, and of what is done */
    time_t started, updated; /* the first and the last word of any trial; 0: none */
    int64_t least, most;     /* scans that checkpointed trials go on from; -1: not known of any */
    json_t *failed;          /* the first few, with their reasons */
} gathering;

/* ---- Gathering ------------------------------------------------------------------------------- */

/* "2025-01-31T12:00:00Z" as seconds; 0 when it is not there. */
static time_t read_time(const json_t *status, const char *key)
{
    const char *text = json_string_value(json_object_get(status, key));
    struct tm utc = {0};
    if (text == NULL || sscanf(text, "%d-%d-%dT%d:%d:%dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                               &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 6)
        return 0;
    utc.tm_year -= 1900;
    utc.tm_mon--;
    return timegm(&utc);
}

static void add_times(gathering *s, const json_t *status)
{
    const time_t started = read_time(status, "started"), updated = read_time(status, "updated");
    if (started > 0 && (s->started == 0 || started < s->started))
        s->started = started;
    if (updated > s->updated)
        s->updated = updated;
}

static void add_reason(gathering *s, const lehr_entry *entry, const lehr_trial_look *look)
{
    if (json_array_size(s->failed) < REASONS_MAX)
        json_array_append_new(s->failed, json_pack("{s:s, s:o}", "id", entry->id, "reason",
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
    if (look.state == LEHR_TRIAL_CHECKPOINTED)
        add_saved(s, look.saved);
    if (look.state == LEHR_TRIAL_FAILED)
        add_reason(s, entry, &look);
    if (look.state == LEHR_TRIAL_PENDING)
        return;
    json_t *status = lehr_yard_read(s->yard, entry->id, "status.json");
    add_times(s, status);
    json_decref(status);
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

/* From what the first trial's start and the last word of any say about the speed. */
static double time_left(const gathering *s)
{
    const int32_t open = s->tally.state[LEHR_TRIAL_PENDING] + s->tally.state[LEHR_TRIAL_RUNNING] +
                         s->tally.state[LEHR_TRIAL_CHECKPOINTED] + s->tally.state[LEHR_TRIAL_STALE];
    if (open == 0)
        return 0;
    const double spent_s = (double)(s->updated - s->started);
    return s->done > 0 && spent_s > 0 ? (s->work - s->done) * spent_s / s->done : NAN;
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
    json_t *values = json_object();
    for (int32_t i = 0; i < s->ledger.axes; i++)
        if (!s->ledger.over[i])
            json_object_set_new(values, s->ledger.axis[i], json_string(entry->value[i]));
    return json_pack("{s:s, s:o, s:i, s:i, s:s, s:o}", "metric", metric, "mean",
                     lehr_json_number(best.mean), "done", (int)best.done, "trials",
                     (int)best.trials, "id", entry->id, "values", values);
}

static json_t *json_saved(const gathering *s)
{
    return s->least < 0 ? json_null()
                        : json_pack("{s:I, s:I}", "least", (json_int_t)s->least, "most",
                                    (json_int_t)s->most);
}

static json_t *json_standing(const gathering *s)
{
    return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:i, s:o}", "name",
                     lehr_json_text(s->ledger.name), "dir", lehr_json_text(s->yard->dir.path),
                     "trials", (int)s->tally.trials, "states", json_counts(&s->tally), "best",
                     json_best(s), "failed", json_incref(s->failed), "time_left_s",
                     lehr_json_number(time_left(s)), "unknown", (int)s->tally.unknown, "saved",
                     json_saved(s));
}

lehr_status lehr_standing_json(const lehr_yard *yard, json_t **out)
{
    gathering s = {.yard = yard, .least = -1, .most = -1, .failed = json_array()};
    lehr_status status = lehr_ledger_read(yard, &s.ledger);
    if (status == LEHR_OK)
        status = LEHR_NEW(s.value, (size_t)s.ledger.count + 1, "the metrics of a sweep");
    for (int32_t i = 0; status == LEHR_OK && i < s.ledger.count; i++)
        add_trial(&s, i);
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

/* ---- Text ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "?";
}

static void add_best(const json_t *best, lehr_text *out)
{
    const char *key;
    json_t *value;
    if (!json_is_object(best))
        return;
    const char *separator = "";
    lehr_text_add(out, "%-12s  %s %.6g, %lld of %lld trials\n", "best", text_of(best, "metric"),
                  json_number_value(json_object_get(best, "mean")),
                  (long long)json_integer_value(json_object_get(best, "done")),
                  (long long)json_integer_value(json_object_get(best, "trials")));
    lehr_text_add(out, "%-12s  ", "");
    json_object_foreach(json_object_get(best, "values"), key, value)
    {
        lehr_text_add(out, "%s%s=%s", separator, key, json_string_value(value));
        separator = ", ";
    }
    lehr_text_add(out, "\n");
}

static void add_states(const json_t *states, lehr_text *out)
{
    const char *separator = "";
    for (int state = 0; state < LEHR_TRIAL_STATE_COUNT; state++) {
        const char *name = lehr_trial_state_name((lehr_trial_state)state);
        const json_int_t count = json_integer_value(json_object_get(states, name));
        if (count > 0)
            lehr_text_add(out, "%s%lld %s", separator, (long long)count, name);
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
    size_t i;
    json_t *failed;
    const json_t *left = json_object_get(standing, "time_left_s");
    lehr_text_add(out, "%-12s  %s, %lld trials: ", "sweep", text_of(standing, "name"),
                  (long long)json_integer_value(json_object_get(standing, "trials")));
    add_states(json_object_get(standing, "states"), out);
    add_scans(json_object_get(standing, "saved"), out);
    if (json_is_number(left) && lehr_standing_moves(standing)) {
        lehr_text_add(out, ", left ");
        lehr_text_add_time(json_number_value(left), out);
    }
    lehr_text_add(out, "\n");
    add_best(json_object_get(standing, "best"), out);
    json_array_foreach(json_object_get(standing, "failed"), i, failed) lehr_text_add(
        out, "%-12s  %s: %s\n", "failed", text_of(failed, "id"), text_of(failed, "reason"));
    lehr_text_add(out, "%-12s  %s\n", "files", text_of(standing, "dir"));
}

void lehr_standing_line(const lehr_worker_progress *p, lehr_text *out)
{
    const int32_t *state = p->tally.state;
    lehr_text_add(out, "%d/%d trials done, %d running", state[LEHR_TRIAL_DONE], p->tally.trials,
                  state[LEHR_TRIAL_RUNNING]);
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
