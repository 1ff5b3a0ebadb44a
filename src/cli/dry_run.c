/* dry_run.c: `lehr sweep --dry-run`: ids, values, sizes, packs, and a guess at the time. */
#include "cli/dry_run.h"

#include <jansson.h>
#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "cli/console.h"
#include "study/ledger.h"
#include "study/progress.h"
#include "study/result.h"

/* A moment long enough to know the speed, for so many shapes; others are reckoned from their work. */
static const double moment_s = 0.1;

enum { SHAPES_MEASURED = 12 };

typedef struct dry_run {
    const lehr_trials *trials;
    int32_t shard, shards;
    int32_t *pack; /* [trials], -1: of another shard */
    double *rate;  /* [shapes] multiply-adds a second; 0: not known */
    int32_t packs;
    int32_t begun;  /* trials of the shard that have been begun, and take less or nothing */
    int64_t bytes;  /* of the largest pack */
    double seconds; /* of all of it; NaN: not known */
} dry_run;

void lehr_dry_run_note(const lehr_trials *t)
{
    if (t->excluded > 0)
        lehr_console_note("%d trial%s", t->excluded,
                          t->excluded == 1 ? " is excluded" : "s are excluded");
    if (t->repeated > 0)
        lehr_console_note("%d trial%s (same id), and run%s once", t->repeated,
                          t->repeated == 1 ? " is the same as another" : "s are the same as others",
                          t->repeated == 1 ? "s" : "");
}

/* ---- Packs ----------------------------------------------------------------------------------- */

/* One pack from a trial on: those of its shape, as long as they fit. */
static void fill_pack(dry_run *d, int32_t first)
{
    const lehr_trials *t = d->trials;
    int64_t rows = 0, bytes = 0;
    for (int32_t i = first; i < t->count; i += d->shards) {
        const lehr_trial *trial = &t->trial[i];
        if (d->pack[i] >= 0 ||
            (i != first && !lehr_trials_fit(t, &t->trial[first], rows, bytes, trial)))
            continue;
        d->pack[i] = d->packs;
        rows += trial->rows;
        bytes += trial->bytes;
    }
    d->bytes = bytes > d->bytes ? bytes : d->bytes;
    d->packs++;
}

static void fill_packs(dry_run *d)
{
    for (int32_t i = 0; i < d->trials->count; i++)
        d->pack[i] = -1;
    for (int32_t i = d->shard; i < d->trials->count; i += d->shards)
        if (d->pack[i] < 0)
            fill_pack(d, i);
}

lehr_status lehr_dry_run_bytes(const lehr_trials *trials, int32_t shards, int64_t *out)
{
    dry_run d = {.trials = trials, .shards = shards};
    LEHR_TRY(LEHR_NEW(d.pack, (size_t)trials->count, "the packs of a sweep"));
    for (d.shard = 0; d.shard < shards; d.shard++)
        fill_packs(&d);
    LEHR_FREE(d.pack);
    *out = d.bytes;
    return LEHR_OK;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static double seconds_of(const dry_run *d, const lehr_trial *trial)
{
    const double rate = d->rate[trial->shape];
    return rate > 0 && trial->work > 0 ? trial->work / rate : NAN;
}

static double multiply_adds(const lehr_trial *trial)
{
    return trial->scans > 0 ? trial->work / ((double)trial->scans * trial->rows) : 0;
}

static void measure(dry_run *d)
{
    int32_t measured = 0;
    double last = 0;
    for (int32_t i = d->shard; i < d->trials->count; i += d->shards) {
        const lehr_trial *trial = &d->trials->trial[i];
        double *rate = &d->rate[trial->shape];
        if (*rate != 0)
            continue;
        if (measured++ < SHAPES_MEASURED)
            last = multiply_adds(trial) * lehr_trials_rate(d->trials, i, moment_s);
        *rate = last > 0 ? last : -1;
    }
    d->seconds = 0;
    for (int32_t i = d->shard; i < d->trials->count; i += d->shards)
        d->seconds += seconds_of(d, &d->trials->trial[i]);
}

/* ---- Output ---------------------------------------------------------------------------------- */

static void add_bytes(int64_t bytes, lehr_text *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    lehr_text_add(out, "%.*f %s", unit > 0, value, units[unit]);
}

static void add_trial(const dry_run *d, int32_t i, lehr_text *out)
{
    const lehr_trial *trial = &d->trials->trial[i];
    lehr_text_add(out, "%s  %5d  %9lld  %4d  ", trial->id, trial->rows, (long long)trial->scans,
                  d->pack[i]);
    const double seconds = seconds_of(d, trial);
    if (isnan(seconds))
        lehr_text_add(out, "%7s", "-");
    else
        lehr_text_add(out, "%7.2g", seconds);
    lehr_text_add(out, "  ");
    lehr_sweep_describe(d->trials->sweep, trial->number, out);
    lehr_text_add(out, "\n");
}

static lehr_status print_table(const dry_run *d)
{
    lehr_text text = {0};
    int32_t count = 0;
    lehr_text_add(&text, "%-12s  %5s  %9s  %4s  %7s  %s\n", "id", "rows", "scans", "pack", "s",
                  "values");
    for (int32_t i = d->shard; i < d->trials->count; i += d->shards, count++)
        add_trial(d, i, &text);
    lehr_text_add(&text, "%d trial%s in %d pack%s of at most %d row%s on %s (%s), memory at most ",
                  count, lehr_plural(count), d->packs, lehr_plural(d->packs), d->trials->rows_most,
                  lehr_plural(d->trials->rows_most), d->trials->backend, d->trials->device);
    add_bytes(d->bytes, &text);
    if (!isnan(d->seconds)) {
        lehr_text_add(&text, d->begun > 0 || d->trials->sweep->prune.min_scans > 0 ? ", at most "
                                                                                   : ", about ");
        lehr_text_add_time(d->seconds, &text);
    }
    if (d->begun > 0)
        lehr_text_add(&text, ": %d %s begun already", d->begun, d->begun == 1 ? "is" : "are");
    lehr_text_add(&text, "\n");
    return lehr_console_text(&text);
}

static json_t *json_values(const lehr_sweep *sweep, int64_t number)
{
    json_t *values = json_object();
    for (int32_t i = 0; i < sweep->axes; i++) {
        lehr_text text = {0};
        lehr_sweep_value(sweep, number, i, &text);
        if (!text.failed)
            json_object_set_new(values, sweep->axis[i].key,
                                lehr_ledger_json(sweep->axis[i].key, text.data));
        lehr_text_free(&text);
    }
    return values;
}

static json_t *json_trial(const dry_run *d, int32_t i)
{
    const lehr_trial *trial = &d->trials->trial[i];
    return json_pack("{s:I, s:s, s:o, s:i, s:I, s:i, s:I, s:o}", "trial", (json_int_t)trial->number,
                     "id", trial->id, "values", json_values(d->trials->sweep, trial->number),
                     "rows", (int)trial->rows, "scans", (json_int_t)trial->scans, "pack",
                     (int)d->pack[i], "memory_bytes", (json_int_t)trial->bytes, "predicted_s",
                     lehr_json_number(seconds_of(d, trial)));
}

static lehr_status print_json(const dry_run *d)
{
    json_t *trials = json_array();
    for (int32_t i = d->shard; i < d->trials->count; i += d->shards)
        json_array_append_new(trials, json_trial(d, i));
    return lehr_console_json(
        json_pack("{s:o, s:i, s:i, s:i, s:i, s:I, s:o, s:s, s:o}", "trials", trials, "packs",
                  (int)d->packs, "excluded", (int)d->trials->excluded, "repeated",
                  (int)d->trials->repeated, "launch_rows", (int)d->trials->rows_most,
                  "memory_bytes", (json_int_t)d->bytes, "predicted_s", lehr_json_number(d->seconds),
                  "backend", d->trials->backend, "device", lehr_json_text(d->trials->device)));
}

/* Trials of the shard that somebody has begun, whatever became of them. */
static int32_t count_begun(const lehr_worker_spec *spec, const char *dir)
{
    lehr_yard yard;
    lehr_tally tally;
    lehr_worker_spec there = *spec;
    if (!lehr_yard_is(dir) || lehr_yard_open(dir, &yard) != LEHR_OK)
        return 0;
    there.yard = &yard;
    lehr_worker_count(&there, &tally);
    lehr_yard_close(&yard);
    return tally.trials - tally.state[LEHR_TRIAL_PENDING];
}

lehr_status lehr_dry_run_print(const lehr_worker_spec *spec, const char *dir, bool json)
{
    const lehr_trials *trials = spec->trials;
    dry_run d = {.trials = trials,
                 .shard = spec->shard,
                 .shards = spec->shards,
                 .begun = count_begun(spec, dir)};
    lehr_status status = LEHR_NEW(d.pack, (size_t)trials->count, "the packs of a sweep");
    if (status == LEHR_OK)
        status = LEHR_NEW(d.rate, (size_t)trials->shapes, "the packs of a sweep");
    if (status == LEHR_OK) {
        fill_packs(&d);
        measure(&d);
        lehr_dry_run_note(trials);
        status = json ? print_json(&d) : print_table(&d);
    }
    LEHR_FREE(d.pack);
    LEHR_FREE(d.rate);
    return status;
}
