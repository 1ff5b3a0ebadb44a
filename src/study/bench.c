/* bench.c: the timing itself. What is timed stands in bench_case.c, the machine's own limit in
 * bench_peak.c. */
#include "study/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "lehr/run.h"

static const double peak_share = 0.2; /* length of one measurement of the peak, of a timed part */

enum { RUNGS = 16, EVERY = 10 };

lehr_bench_options lehr_bench_options_default(void)
{
    return (lehr_bench_options){.repetitions = 41, .part_s = 0.03, .warm = 1};
}

lehr_bench_options lehr_bench_options_quick(void)
{
    return (lehr_bench_options){.repetitions = 1, .part_s = 0.002, .warm = 0.001};
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* Full perturbation of every row, step sizes adapted (so about a quarter is accepted), exchanges as
 * usual, and no observation after the first. */
static lehr_run_spec run_spec(int32_t rows, int32_t threads)
{
    lehr_run_spec spec = lehr_run_spec_default();
    strcpy(spec.backend, "cpu");
    spec.copies = rows / RUNGS;
    spec.ladder = (lehr_ladder_spec){
        .kind = LEHR_LADDER_GEOMETRIC, .rungs = RUNGS, .min = 1e-3, .max = 1e-1};
    spec.move_count = 1;
    spec.moves[0] = (lehr_move_spec){
        .kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_ALL, .weight = 1};
    spec.early_rejection = false; /* the bound is that of a full evaluation */
    spec.exchange = (lehr_exchange_spec){.scheme = LEHR_EXCHANGE_DEO, .every = EVERY};
    spec.stop = (lehr_stop_spec){.scans = INT64_MAX / 2};
    spec.observe = INT64_MAX / 2;
    spec.threads = threads;
    return spec;
}

static lehr_status count_proposals(lehr_run *run, int64_t *proposals)
{
    lehr_run_summary summary;
    LEHR_TRY(lehr_run_summarize(run, &summary));
    *proposals = summary.proposals;
    return LEHR_OK;
}

/* Proposals per second by both clocks. */
typedef struct timing {
    double per_core_s, per_wall_s;
} timing;

/* Whole slices of at most `scans` scans that take at least `part_s` together. */
static lehr_status time_part(lehr_run *run, int64_t scans, double part_s, timing *out)
{
    int64_t before, after;
    lehr_stop stop;
    LEHR_TRY(count_proposals(run, &before));
    const double begin_s = lehr_clock_s(), begin_core_s = lehr_clock_core_s();
    double spent_s;
    do {
        LEHR_TRY(lehr_run_advance(run, scans, &stop));
        spent_s = lehr_clock_s() - begin_s;
    } while (spent_s < part_s);
    const double core_s = lehr_clock_core_s() - begin_core_s;
    LEHR_TRY(count_proposals(run, &after));
    const double proposals = (double)(after - before);
    *out = (timing){proposals / core_s, proposals / spent_s};
    return LEHR_OK;
}

/* A run that is warm, and the scans of a slice that takes a quarter of a part on it. */
static lehr_status warm_run(const lehr_run_spec *spec, const lehr_bench_case *bench, double part_s,
                            lehr_run **run, int64_t *scans)
{
    LEHR_TRY(lehr_run_create(spec, bench->objective, run));
    timing t;
    LEHR_TRY(time_part(*run, 1, part_s / 4, &t));
    *scans = (int64_t)fmax(1, t.per_wall_s * part_s / 4 / (spec->copies * spec->ladder.rungs));
    return LEHR_OK;
}

static lehr_status start_run(const lehr_bench_case *bench, int32_t rows, int32_t threads,
                             double part_s, lehr_run **run, int64_t *scans)
{
    const lehr_run_spec spec = run_spec(rows, threads);
    return warm_run(&spec, bench, part_s, run, scans);
}

static double mean_acceptance(const lehr_run *run)
{
    double sum = 0;
    for (int32_t t = 0; t < RUNGS; t++)
        sum += lehr_run_move(run, 0, t).acceptance / RUNGS;
    return sum;
}

static double highest(const double *values, int32_t count)
{
    double best = values[0];
    for (int32_t i = 1; i < count; i++)
        best = fmax(best, values[i]);
    return best;
}

/* ---- Speed ----------------------------------------------------------------------------------- */

enum { PEAK, RATE, SHARE, FRACTION, THREADS, FIGURES };

/* Two runs of one case, on one thread and on two, and their figures [FIGURES, repetitions]. */
typedef struct pair {
    lehr_run *run[2];
    int64_t scans[2]; /* of a slice */
    double *figure;
} pair;

static lehr_status check_options(const lehr_bench_options *options)
{
    LEHR_CHECK(options->repetitions >= 1 && options->repetitions <= 10000, LEHR_ERR_ARG,
               "a bench needs 1 to 10000 repetitions, got %d", options->repetitions);
    LEHR_CHECK(options->part_s > 0, LEHR_ERR_ARG, "a timed part must last longer than 0 s, got %g",
               options->part_s);
    return LEHR_OK;
}

static lehr_status open_pair(const lehr_bench_case *bench, const lehr_bench_options *options,
                             pair *p)
{
    LEHR_TRY(check_options(options));
    LEHR_TRY(LEHR_NEW(p->figure, (size_t)options->repetitions * FIGURES, "figures of a bench"));
    for (int i = 0; i < 2; i++)
        LEHR_TRY(start_run(bench, bench->rows, i + 1, options->part_s, &p->run[i], &p->scans[i]));
    return LEHR_OK;
}

static void close_pair(pair *p)
{
    lehr_run_destroy(&p->run[0]);
    lehr_run_destroy(&p->run[1]);
    LEHR_FREE(p->figure);
}

static lehr_status repeat(const lehr_bench_case *bench, const lehr_bench_options *options, pair *p,
                          int32_t i)
{
    timing one, two;
    const double peak_s = options->part_s * peak_share;
    const double before = lehr_bench_peak(peak_s);
    LEHR_TRY(time_part(p->run[0], p->scans[0], options->part_s, &one));
    const double peak = 0.5 * (before + lehr_bench_peak(peak_s));
    LEHR_TRY(time_part(p->run[1], p->scans[1], options->part_s, &two));

    double *figure = p->figure + i;
    const int32_t n = options->repetitions;
    figure[PEAK * n] = peak;
    figure[RATE * n] = one.per_core_s;
    figure[SHARE * n] = one.per_wall_s / one.per_core_s;
    figure[FRACTION * n] = one.per_core_s / lehr_bench_bound(&bench->cost, peak);
    figure[THREADS * n] = two.per_wall_s / one.per_wall_s;
    return LEHR_OK;
}

static lehr_status measure(const lehr_bench_case *bench, const lehr_bench_options *options, pair *p,
                           lehr_bench_speed *out)
{
    const double begin_s = lehr_clock_s();
    const int32_t n = options->repetitions;
    LEHR_TRY(open_pair(bench, options, p));
    for (int32_t i = 0; i < n; i++)
        LEHR_TRY(repeat(bench, options, p, i));
    *out = (lehr_bench_speed){
        .peak = lehr_bench_median(p->figure + PEAK * n, n),
        .rate = lehr_bench_median(p->figure + RATE * n, n),
        .core_share = lehr_bench_median(p->figure + SHARE * n, n),
        .best = highest(p->figure + RATE * n, n) /
                lehr_bench_bound(&bench->cost, highest(p->figure + PEAK * n, n)),
        .fraction = lehr_bench_median(p->figure + FRACTION * n, n),
        .threads = lehr_bench_median(p->figure + THREADS * n, n),
        .acceptance = mean_acceptance(p->run[0]),
    };
    out->bound = lehr_bench_bound(&bench->cost, out->peak);
    out->wall_s = lehr_clock_s() - begin_s;
    return LEHR_OK;
}

lehr_status lehr_bench_measure(const lehr_bench_case *bench, const lehr_bench_options *options,
                               lehr_bench_speed *out)
{
    pair p = {0};
    const lehr_status status = measure(bench, options, &p, out);
    close_pair(&p);
    return status;
}

/* ---- Scaling --------------------------------------------------------------------------------- */

static const int32_t scale_rows[LEHR_BENCH_SCALES] = {16, 64, 256, 1024, 4096, 16384};

/* All series stay in memory together, so a table holds at most this many parameters. */
static const int64_t scale_parameters = 64000000;

typedef struct series {
    int32_t count;       /* of scale_rows that fit */
    int32_t repetitions; /* fewer than elsewhere: each takes seconds */
    lehr_run *run[LEHR_BENCH_SCALES];
    int64_t scans[LEHR_BENCH_SCALES];
    double *cost; /* [count, repetitions] over the cost at the fewest rows */
} series;

static lehr_status open_series(const lehr_bench_case *bench, const lehr_bench_options *options,
                               series *s)
{
    LEHR_TRY(check_options(options));
    s->repetitions = 1 + options->repetitions / 4;
    LEHR_TRY(LEHR_NEW(s->cost, (size_t)s->repetitions * LEHR_BENCH_SCALES, "figures of a bench"));
    for (int k = 0; k < LEHR_BENCH_SCALES; k++) {
        if (k > 0 && scale_rows[k] * bench->cost.parameters > scale_parameters)
            break;
        LEHR_TRY(start_run(bench, scale_rows[k], 1, options->part_s, &s->run[k], &s->scans[k]));
        s->count = k + 1;
    }
    return LEHR_OK;
}

static lehr_status repeat_series(const lehr_bench_options *options, series *s, int32_t i)
{
    double first = 0;
    for (int k = 0; k < s->count; k++) {
        timing t;
        LEHR_TRY(time_part(s->run[k], s->scans[k], options->part_s, &t));
        first = k == 0 ? t.per_core_s : first;
        s->cost[k * s->repetitions + i] = first / t.per_core_s;
    }
    return LEHR_OK;
}

static lehr_status scale(const lehr_bench_case *bench, const lehr_bench_options *options, series *s,
                         lehr_bench_scaling *out)
{
    LEHR_TRY(open_series(bench, options, s));
    const int32_t n = s->repetitions;
    for (int32_t i = 0; i < n; i++)
        LEHR_TRY(repeat_series(options, s, i));
    out->count = s->count;
    for (int k = 0; k < s->count; k++) {
        out->rows[k] = scale_rows[k];
        out->cost[k] = lehr_bench_median(s->cost + k * n, n);
    }
    return LEHR_OK;
}

lehr_status lehr_bench_scale(const lehr_bench_case *bench, const lehr_bench_options *options,
                             lehr_bench_scaling *out)
{
    series s = {0};
    const lehr_status status = scale(bench, options, &s, out);
    for (int k = 0; k < LEHR_BENCH_SCALES; k++)
        lehr_run_destroy(&s.run[k]);
    LEHR_FREE(s.cost);
    return status;
}

/* ---- Devices --------------------------------------------------------------------------------- */

static const int32_t device_rows[LEHR_BENCH_DEVICE_SCALES] = {1024, 4096, 16384};
static const int64_t device_parameters = 500000000; /* of a table at most, some gigabytes */

/* rate[repetitions] of a run of so many rows. */
static lehr_status time_device(const lehr_bench_case *bench, const lehr_bench_options *options,
                               const lehr_run_spec *spec, lehr_run **run, double *rate)
{
    int64_t scans;
    LEHR_TRY(warm_run(spec, bench, options->part_s, run, &scans));
    for (int32_t i = 0; i < options->repetitions; i++) {
        timing t;
        LEHR_TRY(time_part(*run, scans, options->part_s, &t));
        rate[i] = t.per_wall_s;
    }
    return LEHR_OK;
}

static lehr_status fill_rates(const lehr_bench_case *bench, const lehr_bench_options *options,
                              const char *backend, double *rate, lehr_bench_rates *out)
{
    out->count = 0;
    for (int k = 0; k < LEHR_BENCH_DEVICE_SCALES; k++) {
        if (k > 0 && device_rows[k] * bench->cost.parameters > device_parameters)
            break;
        lehr_run *run = NULL;
        lehr_run_spec spec = run_spec(device_rows[k], 1);
        snprintf(spec.backend, sizeof spec.backend, "%s", backend);
        const lehr_status status = time_device(bench, options, &spec, &run, rate);
        lehr_run_destroy(&run);
        LEHR_TRY(status);
        out->rows[k] = device_rows[k];
        out->rate[k] = lehr_bench_median(rate, options->repetitions);
        out->count = k + 1;
    }
    return LEHR_OK;
}

lehr_status lehr_bench_device(const lehr_bench_case *bench, const lehr_bench_options *options,
                              const char *backend, lehr_bench_rates *out)
{
    LEHR_TRY(check_options(options));
    double *rate = NULL;
    LEHR_TRY(LEHR_NEW(rate, (size_t)options->repetitions, "figures of a bench"));
    const lehr_status status = fill_rates(bench, options, backend, rate, out);
    LEHR_FREE(rate);
    return status;
}
