/* report_trace.c: histograms of the energies that trace/energy-*.npy holds, one per rung, copies together.
 *
 * Two passes over the files, so that a long trace takes no more memory than one of them: the first finds the
 * range and the few values that a 0-1 loss takes, the second counts. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/file.h"
#include "model/readers.h"
#include "study/directory.h"
#include "study/report.h"
#include "study/trace.h"

enum { BINS = 48, VALUES_MAX = 40 };

/* More than this between the lowest and the highest energy, and bins are equal in the logarithm. */
static const double log_ratio = 30;

typedef struct energies {
    const lehr_report_run *run;
    int32_t rungs, copies;
    double from_scan;         /* lines before it are left out; -1: none */
    int64_t lines;            /* that are counted */
    double low, high;         /* of all energies */
    double value[VALUES_MAX]; /* distinct ones, in rising order */
    int32_t values;           /* VALUES_MAX + 1: too many */
    int32_t bins;
    double edge[BINS + 1]; /* [bins+1]; unused where values are bins */
    int64_t *count;        /* [rungs,BINS] */
    double *sum, *square;  /* [rungs] of energies */
} energies;

/* What is done with one energy. */
typedef void (*visit_fn)(energies *e, int32_t rung, double energy);

/* ---- Reading --------------------------------------------------------------------------------- */

static double number_at(const lehr_array *array, int64_t index)
{
    double value;
    memcpy(&value, array->bytes + (size_t)index * sizeof value, sizeof value);
    return value;
}

static void visit_lines(const lehr_array *array, energies *e, visit_fn visit)
{
    const int64_t columns = array->dim[1];
    for (int64_t n = 0; n < array->dim[0]; n++) {
        if (number_at(array, n * columns) < e->from_scan)
            continue;
        e->lines++;
        for (int32_t slot = 0; slot + 1 < columns; slot++)
            visit(e, slot % e->rungs, number_at(array, n * columns + 1 + slot));
    }
}

static lehr_status visit_file(const char *path, energies *e, visit_fn visit)
{
    lehr_file file;
    lehr_array array;
    LEHR_TRY(lehr_file_read(path, &file));
    lehr_status status = lehr_npy_parse(path, file.data, file.size, &array);
    const int32_t columns = 1 + e->rungs * e->copies;
    if (status == LEHR_OK && (array.kind != 'f' || array.size != 8 || array.dims != 2 ||
                              array.fortran || array.dim[1] != columns))
        status = lehr_fail(LEHR_ERR_DATA, "%s: not a trace of %d rows: float64 [n,%d] is", path,
                           columns - 1, columns);
    if (status == LEHR_OK)
        visit_lines(&array, e, visit);
    lehr_file_free(&file);
    return status;
}

static lehr_status trace_path(const energies *e, int32_t chunk, char path[LEHR_PATH_MAX])
{
    char name[LEHR_NAME_MAX];
    snprintf(name, sizeof name, "trace/" LEHR_TRACE_NAME, (long long)chunk);
    return lehr_path_join(e->run->dir, name, path);
}

static bool is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static lehr_status visit_all(energies *e, visit_fn visit)
{
    char path[LEHR_PATH_MAX];
    e->lines = 0;
    for (int32_t chunk = 0;; chunk++) {
        LEHR_TRY(trace_path(e, chunk, path));
        if (!is_there(path))
            return LEHR_OK;
        LEHR_TRY(visit_file(path, e, visit));
    }
}

/* ---- First pass: range and values ------------------------------------------------------------ */

/* Place of a value among the distinct ones: the first that is not below it. */
static int32_t place_of(const energies *e, double value)
{
    int32_t i = 0;
    while (i < e->values && e->value[i] < value)
        i++;
    return i;
}

static void note_value(energies *e, double value)
{
    if (e->values > VALUES_MAX)
        return;
    const int32_t at = place_of(e, value);
    if (at < e->values && e->value[at] == value)
        return;
    if (e->values < VALUES_MAX) {
        memmove(e->value + at + 1, e->value + at, (size_t)(e->values - at) * sizeof *e->value);
        e->value[at] = value;
    }
    e->values++;
}

static void look(energies *e, int32_t rung, double energy)
{
    (void)rung;
    e->low = fmin(e->low, energy);
    e->high = fmax(e->high, energy);
    note_value(e, energy);
}

/* ---- Second pass: counts --------------------------------------------------------------------- */

static bool is_discrete(const energies *e)
{
    return e->values <= VALUES_MAX;
}

static bool is_log(const energies *e)
{
    return e->low > 0 && e->high / e->low > log_ratio;
}

static void choose_bins(energies *e)
{
    e->bins = is_discrete(e) ? e->values : BINS;
    const double low = is_log(e) ? log(e->low) : e->low, high = is_log(e) ? log(e->high) : e->high;
    for (int32_t b = 0; b <= BINS; b++) {
        const double x = low + (high - low) * b / BINS;
        e->edge[b] = is_log(e) ? exp(x) : x;
    }
}

static int32_t bin_of(const energies *e, double energy)
{
    if (is_discrete(e))
        return place_of(e, energy);
    const double share = is_log(e) ? log(energy / e->low) / log(e->high / e->low)
                                   : (energy - e->low) / (e->high - e->low);
    const int32_t bin = (int32_t)(share * BINS);
    return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin;
}

static void count(energies *e, int32_t rung, double energy)
{
    e->count[rung * BINS + bin_of(e, energy)]++;
    e->sum[rung] += energy;
    e->square[rung] += energy * energy;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *json_reals(const double *values, int32_t n)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

static json_t *json_rung(const energies *e, int32_t rung)
{
    const double n = (double)e->lines * e->copies, mean = e->sum[rung] / n;
    json_t *shares = json_array();
    for (int32_t b = 0; b < e->bins; b++)
        json_array_append_new(shares, json_real((double)e->count[rung * BINS + b] / n));
    return json_pack("{s:f, s:f, s:o}", "mean", mean, "deviation",
                     sqrt(fmax(0, e->square[rung] / n - mean * mean)), "share", shares);
}

static json_t *json_energies(const energies *e)
{
    json_t *rungs = json_array();
    for (int32_t t = 0; t < e->rungs; t++)
        json_array_append_new(rungs, json_rung(e, t));
    json_t *where = is_discrete(e) ? json_reals(e->value, e->values)
                                   : json_reals(e->edge, e->bins + 1);
    return json_pack("{s:I, s:I, s:b, s:f, s:o, s:o}", "every",
                     (json_int_t)e->run->config.trace_energy, "lines", (json_int_t)e->lines, "log",
                     !is_discrete(e) && is_log(e), "from_scan", fmax(0, e->from_scan),
                     is_discrete(e) ? "values" : "edges", where, "rungs", rungs);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Step sizes move until then, and the energies are not yet those of the ladder. */
static double frozen_scan(const lehr_report_run *run, int64_t rows)
{
    const lehr_stop_spec *stop = &run->config.run.stop;
    const int64_t scans = stop->scans > 0 ? stop->scans : stop->proposals / rows;
    return run->config.run.adapt * (double)scans;
}

static lehr_status first_pass(energies *e)
{
    LEHR_TRY(visit_all(e, look));
    if (e->lines == 0 && e->from_scan >= 0) { /* it ended before that */
        e->from_scan = -1;
        LEHR_TRY(visit_all(e, look));
    }
    return LEHR_OK;
}

static lehr_status second_pass(energies *e, json_t **out)
{
    choose_bins(e);
    LEHR_TRY(LEHR_NEW(e->count, (size_t)e->rungs * BINS, "histograms"));
    LEHR_TRY(LEHR_NEW(e->sum, (size_t)e->rungs, "histograms"));
    LEHR_TRY(LEHR_NEW(e->square, (size_t)e->rungs, "histograms"));
    LEHR_TRY(visit_all(e, count));
    *out = json_energies(e);
    LEHR_CHECK(*out != NULL, LEHR_ERR_MEMORY, "out of memory for histograms");
    return LEHR_OK;
}

static lehr_status missing(const char *sentence, json_t **out)
{
    *out = json_pack("{s:s}", "missing", sentence);
    LEHR_CHECK(*out != NULL, LEHR_ERR_MEMORY, "out of memory for histograms");
    return LEHR_OK;
}

lehr_status lehr_report_energies(const lehr_report_run *run, json_t **out)
{
    if (run->config.trace_energy == 0)
        return missing("This run kept no trace of its energies. Run it with -s "
                       "output.trace.energy=10, and they stand here.",
                       out);
    const lehr_run_spec *spec = &run->config.run;
    const bool tempering = spec->method == LEHR_METHOD_TEMPERING;
    energies e = {.run = run,
                  .rungs = tempering ? spec->ladder.rungs : 1,
                  .copies = spec->copies,
                  .low = INFINITY,
                  .high = -INFINITY};
    e.from_scan = frozen_scan(run, (int64_t)e.rungs * e.copies);
    LEHR_TRY(first_pass(&e));
    if (e.lines == 0)
        return missing("No chunk of the trace has been written yet.", out);
    const lehr_status status = second_pass(&e, out);
    LEHR_FREE(e.count);
    LEHR_FREE(e.sum);
    LEHR_FREE(e.square);
    return status;
}
