/* bench_saving.c: what kept activations and early rejection save: two runs of the same bits, one that evaluates
 * every proposal in full, in turns. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "lehr/run.h"
#include "study/bench.h"

enum { RUNGS = 8, ROWS = 16 };

/* Temperatures are those at which such a network is trained: early rejection gains little before that. */
typedef struct workload {
    const char *name;
    int32_t built_in; /* whose network and data */
    lehr_scope scope;
    double coldest, hottest;
    int64_t scans; /* to warm up for */
} workload;

static const workload savings[LEHR_BENCH_SAVINGS] = {
    {"a-early", 0, LEHR_SCOPE_ALL, 1e-4, 2e-4, 60000},
    {"b-neuron", 1, LEHR_SCOPE_NEURON, 1e-3, 1e-1, 300},
    {"c-neuron", 2, LEHR_SCOPE_NEURON, 1e-3, 1e-1, 60},
};

const char *lehr_bench_saving_name(int32_t index)
{
    return index >= 0 && index < LEHR_BENCH_SAVINGS ? savings[index].name : NULL;
}

lehr_status lehr_bench_saving_open(int32_t index, lehr_bench_case *out)
{
    LEHR_CHECK(lehr_bench_saving_name(index), LEHR_ERR_ARG, "there is no saving %d", index);
    LEHR_TRY(lehr_bench_open(savings[index].built_in, out));
    lehr_text_copy(out->name, sizeof out->name, savings[index].name);
    out->rows = ROWS;
    return LEHR_OK;
}

static lehr_run_spec spec_of(const workload *w, bool saves)
{
    lehr_run_spec spec = lehr_run_spec_default();
    strcpy(spec.backend, "cpu");
    spec.threads = 1;
    spec.copies = ROWS / RUNGS;
    spec.ladder = (lehr_ladder_spec){
        .kind = LEHR_LADDER_GEOMETRIC, .rungs = RUNGS, .min = w->coldest, .max = w->hottest};
    spec.move_count = 1;
    spec.moves[0] = (lehr_move_spec){.kind = LEHR_MOVE_GAUSSIAN, .scope = w->scope, .weight = 1};
    spec.stop = (lehr_stop_spec){.scans = INT64_MAX / 2};
    spec.observe = INT64_MAX / 2;
    spec.keep_activations = spec.early_rejection = saves;
    return spec;
}

/* Two runs and what was seen of them. */
typedef struct match {
    lehr_run *run[2]; /* in full, and saving */
    double *rate[2];  /* [repetitions] */
    double *ratio;    /* [repetitions] */
} match;

static lehr_status advance(lehr_run *run, int64_t scans)
{
    lehr_stop stop;
    lehr_run_summary summary;
    LEHR_TRY(lehr_run_summarize(run, &summary));
    for (const int64_t end = summary.scans + scans; summary.scans < end;) {
        LEHR_TRY(lehr_run_advance(run, end - summary.scans, &stop));
        LEHR_TRY(lehr_run_summarize(run, &summary));
    }
    return LEHR_OK;
}

static lehr_status warm(const workload *w, const lehr_bench_case *bench,
                        const lehr_bench_options *options, match *m)
{
    const int64_t scans = (int64_t)fmax(1, options->warm * (double)w->scans);
    const size_t n = (size_t)options->repetitions;
    LEHR_TRY(LEHR_NEW(m->ratio, n, "figures of a bench"));
    for (int i = 0; i < 2; i++) {
        const lehr_run_spec spec = spec_of(w, i == 1);
        LEHR_TRY(LEHR_NEW(m->rate[i], n, "figures of a bench"));
        LEHR_TRY(lehr_run_create(&spec, bench->objective, &m->run[i]));
        LEHR_TRY(advance(m->run[i], scans));
    }
    return LEHR_OK;
}

/* Proposals per second of a core in slices of `scans` scans for `part_s` at least. */
static lehr_status time_run(lehr_run *run, double part_s, double *rate)
{
    int64_t slices = 0;
    lehr_stop stop;
    lehr_run_summary before, after;
    LEHR_TRY(lehr_run_summarize(run, &before)); /* hashes all weights: before the clock starts */
    const double begin_s = lehr_clock_s(), begin_core_s = lehr_clock_core_s();
    for (; slices == 0 || lehr_clock_s() - begin_s < part_s; slices++)
        LEHR_TRY(lehr_run_advance(run, 10, &stop));
    const double core_s = lehr_clock_core_s() - begin_core_s;
    LEHR_TRY(lehr_run_summarize(run, &after));
    *rate = (double)(after.proposals - before.proposals) / core_s;
    return LEHR_OK;
}

static lehr_status measure(const workload *w, const lehr_bench_case *bench,
                           const lehr_bench_options *options, match *m, lehr_bench_saving *out)
{
    const double begin_s = lehr_clock_s();
    const int32_t n = options->repetitions;
    LEHR_TRY(warm(w, bench, options, m));
    for (int32_t k = 0; k < n; k++) {
        for (int i = 0; i < 2; i++)
            LEHR_TRY(time_run(m->run[i], options->part_s, &m->rate[i][k]));
        m->ratio[k] = m->rate[1][k] / m->rate[0][k];
    }
    double acceptance = 0;
    for (int32_t t = 0; t < RUNGS; t++)
        acceptance += lehr_run_move(m->run[1], 0, t).acceptance / RUNGS;
    *out = (lehr_bench_saving){lehr_bench_median(m->rate[1], n), lehr_bench_median(m->rate[0], n),
                               lehr_bench_median(m->ratio, n), acceptance,
                               lehr_clock_s() - begin_s};
    return LEHR_OK;
}

lehr_status lehr_bench_save(int32_t index, const lehr_bench_case *bench,
                            const lehr_bench_options *options, lehr_bench_saving *out)
{
    LEHR_CHECK(lehr_bench_saving_name(index), LEHR_ERR_ARG, "there is no saving %d", index);
    LEHR_CHECK(options->repetitions >= 1 && options->part_s > 0, LEHR_ERR_ARG,
               "a bench needs at least 1 repetition of more than 0 s");
    match m = {0};
    const lehr_status status = measure(&savings[index], bench, options, &m, out);
    for (int i = 0; i < 2; i++) {
        lehr_run_destroy(&m.run[i]);
        LEHR_FREE(m.rate[i]);
    }
    LEHR_FREE(m.ratio);
    return status;
}
