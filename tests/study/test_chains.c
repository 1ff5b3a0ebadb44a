/* `lehr bench chains`: which splits there are, that each spends the same proposals, and that what it finds is
 * found again with other seeds. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "study/chains.h"
#include "study/config_world.h"

static const char parity[] =
    "name: parity\n"
    "data: {generator: {kind: parity, bits: 3}, test_fraction: 0, validation_fraction: 0, "
    "standardize: false}\n"
    "network: {hidden: [6], activation: step}\n"
    "loss: {kind: zero_one}\n"
    "prior: {kind: normal, scale: 1}\n"
    "temperatures: {rungs: 4, min: 1e-2, max: 1e-1, copies: 2}\n"
    "moves: [{kind: gaussian, scope: all, scale: 0.3}, {kind: gaussian, scope: sparse, k: 3, "
    "scale: "
    "1}]\n"
    "stop: {scans: 2500, target: {metric: train_accuracy, value: 1}}\n"
    "output: {observe: 10}\n"
    "threads: 1\n";

static lehr_chains plan_of(const lehr_config *config, const int32_t *rows, int32_t count,
                           int32_t seeds)
{
    lehr_chains chains;
    cr_assert_eq(lehr_chains_plan(config, rows, count, seeds, &chains), LEHR_OK, "%s",
                 lehr_error());
    return chains;
}

Test(chains, every_number_of_rows_is_split_in_every_way)
{
    const lehr_config config = parse_good(parity, NULL);
    const int32_t rows[3] = {1, 6, 7};
    const lehr_chains chains = plan_of(&config, rows, 3, 2);
    static const lehr_split expected[] = {
        {LEHR_METHOD_ANNEALING, 1, 1, 1}, {LEHR_METHOD_ANNEALING, 6, 1, 6},
        {LEHR_METHOD_TEMPERING, 6, 2, 3}, {LEHR_METHOD_TEMPERING, 6, 3, 2},
        {LEHR_METHOD_TEMPERING, 6, 6, 1}, {LEHR_METHOD_ANNEALING, 7, 1, 7},
        {LEHR_METHOD_TEMPERING, 7, 7, 1}};
    cr_assert_eq(chains.splits, 7);
    for (int i = 0; i < 7; i++)
        cr_assert_eq(memcmp(&chains.split[i], &expected[i], sizeof expected[i]), 0, "split %d", i);
    cr_assert_eq(chains.budget, 20000); /* 2,500 scans of 4 x 2 rows */
    cr_assert_eq(chains.look, 80);
}

Test(chains, what_cannot_be_compared_is_refused_with_its_reason)
{
    static const struct {
        const char *override, *says;
        int32_t rows, seeds;
    } cases[] = {
        {"stop.target.metric=none", "needs a target", 1, 2},
        {"stop.scans=0", "needs stop.proposals or stop.scans", 1, 2},
        {"seed=1", "2 to 1000 seeds, not 1", 1, 1},
        {"stop.proposals=5", "8 rows cannot share 5 proposals", 8, 2},
        {"seed=1", "more than 64 ways", 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lehr_config config = parse_good(parity, cases[i].override);
        int32_t rows[16] = {cases[i].rows};
        const bool many = strstr(cases[i].says, "ways") != NULL;
        for (int k = 0; many && k < 16; k++)
            rows[k] = 60 * (k + 1);
        lehr_chains chains;
        cr_assert_neq(lehr_chains_plan(&config, rows, many ? 16 : 1, cases[i].seeds, &chains),
                      LEHR_OK, "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].says), "%s", lehr_error());
    }
}

/* EXACT: whole scans of every split, until the target. */
Test(chains, every_run_spends_its_share_and_stops_at_the_target)
{
    const lehr_config config = parse_good(parity, "stop.proposals=600");
    const int32_t rows[2] = {1, 4};
    lehr_chains chains = plan_of(&config, rows, 2, 3);
    cr_assert_eq(lehr_chains_run(&chains, NULL, NULL), LEHR_OK, "%s", lehr_error());
    int unreached = 0;
    for (int32_t i = 0; i < chains.splits * chains.seeds; i++) {
        const lehr_chain_trial *t = &chains.trial[i];
        const lehr_split *split = &chains.split[i / chains.seeds];
        const lehr_chain_look *end = &t->look[t->looks - 1];
        cr_assert_eq(t->seed, 1 + (uint64_t)(i % chains.seeds));
        cr_assert_eq(t->look[0].proposals, 0);
        cr_assert_eq(end->proposals % split->rows, 0);
        cr_assert(t->reached ? end->proposals <= 600 && end->energy == 0
                             : end->proposals == 600 && end->energy > 0);
        for (int32_t k = 1; k < t->looks; k++)
            cr_assert(t->look[k].energy <= t->look[k - 1].energy);
        unreached += !t->reached;
    }
    cr_assert(unreached > 0, "the test needs runs of both kinds");
    lehr_chains_free(&chains);
}

/* The bits do not depend on the time, so neither do these figures: two disjoint sets of seeds, fixed. Every pair of
 * intervals touches, and most estimates of the second set lie within the first set's intervals (95 % intervals of
 * n values hold the estimate of a repeat with n values 83 % of the time in theory; of 14 figures, at least 9). */
Test(chains, a_repeat_with_fresh_seeds_finds_the_same)
{
    const int32_t rows[3] = {1, 4, 8};
    const lehr_config first = parse_good(parity, "seed=1"),
                      second = parse_good(parity, "seed=1001");
    lehr_chains a = plan_of(&first, rows, 3, 12), b = plan_of(&second, rows, 3, 12);
    cr_assert_eq(lehr_chains_run(&a, NULL, NULL), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_chains_run(&b, NULL, NULL), LEHR_OK, "%s", lehr_error());
    int held = 0, figures = 0;
    for (int32_t s = 0; s < a.splits; s++) {
        const lehr_interval x[2] = {a.figures[s].tts_proposals, a.figures[s].success};
        const lehr_interval y[2] = {b.figures[s].tts_proposals, b.figures[s].success};
        for (int k = 0; k < 2; k++, figures++) {
            cr_assert(x[k].low <= y[k].high && y[k].low <= x[k].high, "split %d, figure %d", s, k);
            held += x[k].low <= y[k].value && y[k].value <= x[k].high;
        }
    }
    cr_assert(held * 14 >= 9 * figures, "%d of %d", held, figures);
    lehr_chains_free(&a);
    lehr_chains_free(&b);
}

/* ---- Advice ---------------------------------------------------------------------------------- */

/* Three splits with given intervals of proposals; seconds are the same. */
static char *advice_for(const lehr_interval *tts)
{
    static lehr_split_figures figures[3]; /* no median: less than half of the runs succeed */
    static lehr_chains chains;
    chains = (lehr_chains){.splits = 3, .figures = figures};
    for (int s = 0; s < 3; s++) {
        chains.split[s] = (lehr_split){s == 0 ? LEHR_METHOD_ANNEALING : LEHR_METHOD_TEMPERING, 4,
                                       s == 0 ? 1 : 2 * s, s == 0 ? 4 : 2 / s};
        figures[s] = (lehr_split_figures){.tts_proposals = tts[s],
                                          .tts_seconds = tts[s],
                                          .proposals = {INFINITY, INFINITY, INFINITY},
                                          .success = {isinf(tts[s].value) ? 0 : 1, 0, 1},
                                          .energy = {s, s, s}};
    }
    lehr_chains_advise(&chains);
    char *text = strdup(chains.advice.data);
    lehr_text_free(&chains.advice);
    return text;
}

Test(chains, advice_ranks_only_what_the_seeds_tell_apart)
{
    static const struct {
        lehr_interval tts[3];
        const char *says, *never;
    } cases[] = {
        {{{100, 90, 110}, {10, 8, 12}, {13, 11, 15}},
         "cannot tell it from tempering, 4 rungs x 1 copy: the intervals overlap",
         "No other interval"},
        {{{100, 90, 110}, {10, 8, 12}, {50, 40, 60}},
         "No other interval overlaps with it; next comes tempering, 4 rungs x 1 copy with 5 times",
         "cannot tell"},
        {{{100, 90, 110}, {INFINITY, INFINITY, INFINITY}, {INFINITY, INFINITY, INFINITY}},
         "Nothing else reached the target",
         "cannot tell"},
        {{{INFINITY, INFINITY, INFINITY},
          {INFINITY, INFINITY, INFINITY},
          {INFINITY, INFINITY, INFINITY}},
         "No run reached the target",
         "Per second"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = advice_for(cases[i].tts);
        cr_assert_not_null(strstr(text, cases[i].says), "%s", text);
        cr_assert_null(strstr(text, cases[i].never), "%s", text);
        free(text);
    }
}

/* The median run is judged apart: annealing that succeeds late and surely may win there only. */
Test(chains, the_median_run_is_judged_apart)
{
    static lehr_split_figures figures[2];
    for (int s = 0; s < 2; s++) {
        const lehr_interval tts = {10 + 90 * s, 9 + 89 * s, 11 + 91 * s};
        figures[s] = (lehr_split_figures){.tts_proposals = tts,
                                          .tts_seconds = tts,
                                          .success = {1, 0.8, 1},
                                          .proposals = {9 - 4 * s, 8 - 4 * s, 9.5 - 4 * s}};
    }
    lehr_chains chains = {
        .splits = 2,
        .figures = figures,
        .split = {{LEHR_METHOD_TEMPERING, 2, 2, 1}, {LEHR_METHOD_ANNEALING, 1, 1, 1}}};
    lehr_chains_advise(&chains);
    cr_assert_not_null(strstr(chains.advice.data, "Per proposal: tempering, 2 rungs x 1 copy, 10"),
                       "%s", chains.advice.data);
    cr_assert_not_null(strstr(chains.advice.data, "The median run: annealing, 1 row, 5 proposals"),
                       "%s", chains.advice.data);
    lehr_text_free(&chains.advice);
}

/* Where runs end at the first look, the figures are those of output.observe: no split is named when all do. */
Test(chains, runs_that_end_at_the_first_look_say_nothing_of_the_rows)
{
    static const struct {
        int early; /* runs of four */
        int32_t observe;
        const char *says, *never;
    } cases[] = {
        {4, 20, "Every run met the target at the first look, after about 80 proposals",
         "Per proposal"},
        {4, 20, "Lower output.observe (now 20), or set a harder target", "Per proposal"},
        {4, 1, "not of the rows. Set a harder target", "output.observe"},
        {3, 20, "More than half of the runs met the target at the first look", "Every run"},
        {2, 20, "Per proposal", "first look"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_chain_trial trial[4];
        lehr_split_figures figures[2] = {{.success = {1, 0.5, 1}}, {.success = {1, 0.5, 1}}};
        const lehr_config config = {.run.observe = cases[i].observe};
        for (int k = 0; k < 4; k++)
            trial[k] = (lehr_chain_trial){.reached = true, .looks = k < cases[i].early ? 2 : 5};
        lehr_chains chains = {
            .config = &config,
            .look = 80,
            .splits = 2,
            .seeds = 2,
            .trial = trial,
            .figures = figures,
            .split = {{LEHR_METHOD_TEMPERING, 2, 2, 1}, {LEHR_METHOD_ANNEALING, 1, 1, 1}}};
        lehr_chains_advise(&chains);
        cr_assert_not_null(strstr(chains.advice.data, cases[i].says), "%s", chains.advice.data);
        cr_assert_null(strstr(chains.advice.data, cases[i].never), "%s", chains.advice.data);
        lehr_text_free(&chains.advice);
    }
}
