/* chains.c: which splits there are, and the runs of each. */
#include "study/chains.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "run/run.h"

/* ---- Plan ------------------------------------------------------------------------------------ */

static lehr_status add_split(lehr_chains *chains, lehr_split split)
{
    LEHR_CHECK(chains->splits < LEHR_CHAINS_SPLITS_MAX, LEHR_ERR_ARG,
               "these numbers of rows can be split in more than %d ways: take fewer",
               LEHR_CHAINS_SPLITS_MAX);
    chains->split[chains->splits++] = split;
    return LEHR_OK;
}

static lehr_status add_rows(lehr_chains *chains, int32_t rows)
{
    LEHR_CHECK(rows >= 1 && rows <= chains->budget, LEHR_ERR_ARG,
               "%d row%s cannot share %lld proposals", rows, lehr_plural(rows),
               (long long)chains->budget);
    LEHR_TRY(add_split(chains, (lehr_split){LEHR_METHOD_ANNEALING, rows, 1, rows}));
    for (int32_t rungs = 2; rungs <= rows && rungs <= LEHR_RUNGS_MAX; rungs++)
        if (rows % rungs == 0)
            LEHR_TRY(
                add_split(chains, (lehr_split){LEHR_METHOD_TEMPERING, rows, rungs, rows / rungs}));
    return LEHR_OK;
}

/* Twice the same rows would be the same runs twice, and could not be told apart. */
static lehr_status check_rows(const int32_t *rows, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        for (int32_t j = 0; j < i; j++)
            LEHR_CHECK(rows[i] != rows[j], LEHR_ERR_ARG,
                       "%d rows are asked for twice: name every number of rows once", rows[i]);
    return LEHR_OK;
}

static int32_t rows_of(const lehr_run_spec *spec)
{
    return spec->method == LEHR_METHOD_TEMPERING ? spec->ladder.rungs * spec->copies : spec->copies;
}

/* Proposals of the config's own run at most; 0 without an end. */
static int64_t budget_of(const lehr_run_spec *spec)
{
    const int64_t rows = rows_of(spec);
    if (spec->stop.proposals > 0)
        return spec->stop.proposals;
    if (spec->stop.scans > 0)
        return spec->stop.scans * rows;
    return spec->method == LEHR_METHOD_ANNEALING ? spec->cooling.scans * rows : 0;
}

lehr_status lehr_chains_plan(const lehr_config *config, const int32_t *rows, int32_t count,
                             int32_t seeds, lehr_chains *out)
{
    const lehr_run_spec *spec = &config->run;
    LEHR_CHECK(spec->stop.metric != LEHR_METRIC_NONE, LEHR_ERR_ARG,
               "a bench of chains needs a target: stop.target in the config, or --target "
               "METRIC=VALUE");
    LEHR_CHECK(spec->method != LEHR_METHOD_POPULATION, LEHR_ERR_UNSUPPORTED,
               "a bench of chains knows annealing and tempering, not population");
    LEHR_CHECK(seeds >= 2 && seeds <= LEHR_CHAINS_SEEDS_MAX, LEHR_ERR_ARG,
               "intervals need 2 to %d seeds, not %d", LEHR_CHAINS_SEEDS_MAX, seeds);
    lehr_chains chains = {.config = config, .budget = budget_of(spec), .seeds = seeds};
    LEHR_CHECK(chains.budget > 0, LEHR_ERR_ARG,
               "a bench of chains needs stop.proposals or stop.scans: what all splits share");
    LEHR_TRY(check_rows(rows, count));
    for (int32_t i = 0; i < count; i++)
        LEHR_TRY(add_rows(&chains, rows[i]));
    chains.look = spec->observe * rows_of(spec);
    *out = chains;
    return LEHR_OK;
}

/* ---- The run of a split ---------------------------------------------------------------------- */

typedef struct range {
    double cold, hot;
} range;

/* Annealing and tempering of one bench go over the same finite temperatures: those of the config's method. */
static lehr_status find_range(const lehr_run_spec *spec, range *out)
{
    if (spec->method == LEHR_METHOD_ANNEALING) {
        *out = (range){spec->cooling.end, spec->cooling.start};
        return LEHR_OK;
    }
    double beta[LEHR_RUNGS_MAX];
    LEHR_TRY(lehr_ladder_fill(&spec->ladder, beta));
    int32_t last = spec->ladder.rungs - 1;
    while (last > 0 && beta[last] == 0)
        last--;
    *out = (range){1 / beta[0], 1 / beta[last]};
    return LEHR_OK;
}

/* A ladder that the config lists is kept for its own number of rungs; all others are geometric. */
static void set_ladder(const lehr_split *split, range t, lehr_ladder_spec *ladder)
{
    if (split->method != LEHR_METHOD_TEMPERING || ladder->rungs == split->rungs)
        return;
    *ladder = (lehr_ladder_spec){
        .kind = LEHR_LADDER_GEOMETRIC, .rungs = split->rungs, .min = t.cold, .max = t.hot};
}

static lehr_status spec_of(const lehr_chains *chains, const lehr_split *split, uint64_t seed,
                           lehr_run_spec *out)
{
    lehr_run_spec spec = chains->config->run;
    range t;
    LEHR_TRY(find_range(&spec, &t));
    const bool was_annealing = spec.method == LEHR_METHOD_ANNEALING;
    spec.seed = seed;
    spec.method = split->method;
    spec.copies = split->copies;
    if (was_annealing)
        spec.ladder.rungs = 0; /* a ladder that nobody chose */
    set_ladder(split, t, &spec.ladder);
    spec.cooling = (lehr_cooling_spec){.kind = spec.cooling.kind, .start = t.hot, .end = t.cold};
    const lehr_stop_spec stop = spec.stop;
    spec.stop = (lehr_stop_spec){
        .scans = chains->budget / split->rows, .metric = stop.metric, .value = stop.value};
    const int64_t observe = chains->look / split->rows;
    spec.observe = observe > 1 ? observe : 1;
    *out = spec;
    return LEHR_OK;
}

static lehr_status add_look(const lehr_observation *now, lehr_chain_trial *trial)
{
    const int32_t n = trial->looks;
    if ((n & (n - 1)) == 0) /* 0, 1, 2, 4, 8, ... */
        LEHR_TRY(lehr_memory_grow(n == 0 ? 1 : 2 * (size_t)n, sizeof *trial->look, "looks at a run",
                                  (void **)&trial->look));
    trial->look[trial->looks++] = (lehr_chain_look){now->proposals, now->wall_s, now->energy_best};
    return LEHR_OK;
}

static lehr_status observe(const lehr_observation *observation, const lehr_run *run, void *data)
{
    (void)run;
    return add_look(observation, data);
}

static lehr_status go(lehr_run *run, lehr_chain_trial *trial)
{
    lehr_run_summary summary;
    LEHR_TRY(add_look(&run->observation, trial));
    LEHR_TRY(lehr_run_go(run, observe, trial));
    LEHR_TRY(lehr_run_summarize(run, &summary));
    trial->reached = summary.stop == LEHR_STOP_TARGET;
    return LEHR_OK;
}

static lehr_status run_split(const lehr_chains *chains, const lehr_objective *objective,
                             const lehr_split *split, lehr_chain_trial *trial)
{
    lehr_run_spec spec;
    lehr_run *run = NULL;
    LEHR_TRY(spec_of(chains, split, trial->seed, &spec));
    LEHR_TRY(lehr_run_create(&spec, objective, &run));
    const lehr_status status = go(run, trial);
    lehr_run_destroy(&run);
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static lehr_status run_all(lehr_chains *chains, const lehr_objective *objective,
                           lehr_chains_look_fn look, void *data)
{
    for (int32_t k = 0; k < chains->seeds; k++)
        for (int32_t s = 0; s < chains->splits; s++) {
            lehr_chain_trial *trial = &chains->trial[s * chains->seeds + k];
            trial->seed = chains->config->run.seed + (uint64_t)k;
            LEHR_TRY(run_split(chains, objective, &chains->split[s], trial));
            if (look != NULL)
                look(k * chains->splits + s + 1, chains->seeds * chains->splits, data);
        }
    return LEHR_OK;
}

static lehr_status run_on_data(lehr_chains *chains, lehr_chains_look_fn look, void *data)
{
    const lehr_config *c = chains->config;
    lehr_dataset *dataset = NULL;
    lehr_objective *objective = NULL;
    lehr_status status = lehr_dataset_create(&c->data, &dataset);
    if (status == LEHR_OK)
        status = lehr_objective_create(&c->network, &c->loss, &c->prior, dataset, &objective);
    if (status == LEHR_OK)
        status = run_all(chains, objective, look, data);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&dataset);
    return status;
}

lehr_status lehr_chains_run(lehr_chains *chains, lehr_chains_look_fn look, void *data)
{
    const size_t splits = (size_t)chains->splits;
    LEHR_TRY(LEHR_NEW(chains->trial, splits * (size_t)chains->seeds, "a bench of chains"));
    LEHR_TRY(LEHR_NEW(chains->figures, splits, "a bench of chains"));
    LEHR_TRY(LEHR_NEW(chains->by_proposals, splits, "a bench of chains"));
    LEHR_TRY(LEHR_NEW(chains->by_time, splits, "a bench of chains"));
    LEHR_TRY(run_on_data(chains, look, data));
    LEHR_TRY(lehr_chains_reckon(chains));
    lehr_chains_advise(chains);
    LEHR_CHECK(!chains->advice.failed, LEHR_ERR_MEMORY, "out of memory for a bench of chains");
    return LEHR_OK;
}

void lehr_chains_free(lehr_chains *chains)
{
    if (chains->trial != NULL)
        for (int32_t i = 0; i < chains->splits * chains->seeds; i++)
            LEHR_FREE(chains->trial[i].look);
    LEHR_FREE(chains->trial);
    LEHR_FREE(chains->figures);
    LEHR_FREE(chains->by_proposals);
    LEHR_FREE(chains->by_time);
    lehr_text_free(&chains->advice);
}
