/* Sweep files: what they say, and what is wrong with them, to the column. */
#include <criterion/criterion.h>
#include <math.h>

#include "study/scratch.h"
#include "study/sweep.h"
#include "study/trials.h"

TestSuite(sweep, .init = scratch_make, .fini = scratch_remove);

static const char base_text[] = "data: {generator: {kind: moons, points: 40, noise: 0.1}}\n"
                                "network: {hidden: [3]}\n"
                                "temperatures: {rungs: 4, min: 1e-3, max: 1e-1, copies: 1}\n"
                                "stop: {scans: 50}\n";

/* Load `text` with its base beside it. */
static lehr_status load(const char *text, lehr_sweep **out)
{
    scratch_write("base.yaml", base_text, strlen(base_text));
    scratch_write("s.yaml", text, strlen(text));
    return lehr_sweep_load(scratch("s.yaml"), NULL, 0, out);
}

static lehr_sweep *load_good(const char *text)
{
    lehr_sweep *sweep = NULL;
    cr_assert_eq(load(text, &sweep), LEHR_OK, "%s\n%s", text, lehr_error());
    return sweep;
}

static int64_t count_of(const lehr_sweep *sweep)
{
    int64_t count = 0;
    cr_assert_eq(lehr_sweep_count(sweep, &count), LEHR_OK, "%s", lehr_error());
    return count;
}

/* "rungs=4, seed=1"; valid until the next call. */
static const char *describe(const lehr_sweep *sweep, int64_t number)
{
    static char shown[400];
    lehr_text text = {0};
    lehr_sweep_describe(sweep, number, &text);
    snprintf(shown, sizeof shown, "%s", text.data);
    lehr_text_free(&text);
    return shown;
}

/* ---- Values ---------------------------------------------------------------------------------- */

Test(sweep, grid_runs_its_last_axis_fastest)
{
    lehr_sweep *s = load_good("base: base.yaml\n"
                              "axes:\n"
                              "  network.hidden: [[3], [4, 5]]\n"
                              "  temperatures.rungs: [2, 4]\n"
                              "  seed: {range: [1, 3]}\n");
    static const char *const expected[] = {
        "network.hidden=[3], temperatures.rungs=2, seed=1",
        "network.hidden=[3], temperatures.rungs=2, seed=2",
        "network.hidden=[3], temperatures.rungs=2, seed=3",
        "network.hidden=[3], temperatures.rungs=4, seed=1",
    };
    cr_assert_eq(count_of(s), 12);
    for (int i = 0; i < 4; i++)
        cr_assert_str_eq(describe(s, i), expected[i]);
    lehr_config config;
    cr_assert_eq(lehr_sweep_config(s, 11, &config), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(config.run.seed, 3);
    cr_assert_eq(config.run.ladder.rungs, 4);
    cr_assert_eq(config.network.hidden_count, 2);
    cr_assert_eq(config.network.hidden[1], 5);
    lehr_sweep_destroy(&s);
}

Test(sweep, makes_values_between_two_ends)
{
    static const struct {
        const char *axis, *values;
    } cases[] = {
        {"temperatures.max: {log: [0.01, 10], n: 4}", "0.01 0.1 1 10"},
        {"moves.0.scale: {log: [1e-3, 1e-1], n: 3}", "0.001 0.01 0.1"},
        {"data.generator.noise: {lin: [0, 1], n: 5}", "0 0.25 0.5 0.75 1"},
        {"stop.scans: {log: [10, 1000], n: 3}", "10 100 1000"},
        {"temperatures.copies: {range: [1, 9], step: 4}", "1 5 9"},
        {"temperatures.rungs: {range: [3, 3]}", "3"},
        {"loss.l2: {values: [0, 1e-3]}", "0 0.001"},
        {"loss.l2: 0.5", "0.5"},
        {"temperatures.copies: {lin: [1, 2], n: 3}", "1 2 2"}, /* 1.5 to even; its twin runs once */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[200], found[200] = "";
        snprintf(text, sizeof text, "base: base.yaml\naxes: {%s}\n", cases[c].axis);
        lehr_sweep *s = load_good(text);
        for (int64_t i = 0; i < count_of(s); i++) {
            const char *value = strchr(describe(s, i), '=') + 1;
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "",
                     value);
        }
        cr_assert_str_eq(found, cases[c].values, "%s gives %s", cases[c].axis, found);
        lehr_sweep_destroy(&s);
    }
}

Test(sweep, zip_and_list_go_side_by_side)
{
    lehr_sweep *s = load_good("base: base.yaml\nmode: zip\n"
                              "axes: {temperatures.rungs: [2, 4], seed: [7, 9]}\n");
    cr_assert_eq(count_of(s), 2);
    cr_assert_str_eq(describe(s, 1), "temperatures.rungs=4, seed=9");
    lehr_sweep_destroy(&s);

    s = load_good(
        "base: base.yaml\nmode: list\n"
        "trials: [{seed: 5}, {temperatures.rungs: 3}, {seed: 6, temperatures.rungs: 5}]\n");
    cr_assert_eq(count_of(s), 3);
    cr_assert_str_eq(describe(s, 0), "seed=5, temperatures.rungs=4"); /* the base's */
    cr_assert_str_eq(describe(s, 1), "seed=1, temperatures.rungs=3");
    cr_assert_str_eq(describe(s, 2), "seed=6, temperatures.rungs=5");
    lehr_sweep_destroy(&s);
}

/* ---- Draws ----------------------------------------------------------------------------------- */

static const char random_text[] = "base: base.yaml\nmode: random\nsamples: 200\nseed: %d\naxes:\n%s"
                                  "  moves.0.scale: {log_uniform: [1e-4, 1e-1]}\n"
                                  "  temperatures.rungs: {uniform: [3, 6]}\n"
                                  "  network.activation: {choice: [tanh, relu, sigmoid]}\n%s";

static lehr_sweep *load_random(int seed, const char *before, const char *after)
{
    char text[600];
    snprintf(text, sizeof text, random_text, seed, before, after);
    return load_good(text);
}

Test(sweep, sample_depends_on_the_sweeps_seed_and_its_number_alone)
{
    lehr_sweep *s = load_random(1, "", ""), *other = load_random(2, "", "");
    lehr_sweep *more = load_random(1, "  loss.l2: {uniform: [0, 1]}\n", "  seed: [1, 2]\n");
    int same = 0;
    cr_assert_eq(count_of(s), 200);
    cr_assert_eq(count_of(more), 400);
    for (int64_t i = 0; i < 200; i++) {
        lehr_config a, b, c, d;
        cr_assert_eq(lehr_sweep_config(s, i, &a), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(lehr_sweep_config(other, i, &b), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(lehr_sweep_config(more, 2 * i, &c), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(lehr_sweep_config(more, 2 * i + 1, &d), LEHR_OK, "%s", lehr_error());
        same += a.run.moves[0].scale == b.run.moves[0].scale;
        cr_assert_eq(a.run.moves[0].scale, c.run.moves[0].scale);
        cr_assert_eq(a.run.ladder.rungs, d.run.ladder.rungs);
        cr_assert_eq(a.network.activation, d.network.activation);
        cr_assert_eq(c.loss.l2, d.loss.l2);
        cr_assert_eq(c.run.seed + 1, d.run.seed);
    }
    cr_assert_eq(same, 0);
    lehr_sweep_destroy(&s);
    lehr_sweep_destroy(&other);
    lehr_sweep_destroy(&more);
}

/* SIGMA(5), fixed seed, 8 checks: counts of 200 draws; the mean of ln scale, whose deviation is ln(1000)/sqrt(12). */
Test(sweep, draws_what_it_is_told)
{
    lehr_sweep *s = load_random(3, "", "");
    int rungs[8] = {0}, activation[LEHR_ACTIVATION_COUNT] = {0};
    double sum = 0;
    for (int64_t i = 0; i < 200; i++) {
        lehr_config c;
        cr_assert_eq(lehr_sweep_config(s, i, &c), LEHR_OK);
        const double scale = c.run.moves[0].scale;
        cr_assert(scale >= 1e-4 && scale <= 1e-1 && c.run.ladder.rungs >= 3 &&
                  c.run.ladder.rungs <= 6);
        rungs[c.run.ladder.rungs]++;
        activation[c.network.activation]++;
        sum += log(scale);
    }
    for (int r = 3; r <= 6; r++)
        cr_expect_lt(fabs(rungs[r] - 50.0), 5 * sqrt(200 * 0.25 * 0.75), "%d: %d", r, rungs[r]);
    static const lehr_activation kinds[] = {LEHR_ACTIVATION_TANH, LEHR_ACTIVATION_RELU,
                                            LEHR_ACTIVATION_SIGMOID};
    for (int k = 0; k < 3; k++)
        cr_expect_lt(fabs(activation[kinds[k]] - 200 / 3.0), 5 * sqrt(200 * 2 / 9.0));
    cr_expect_lt(fabs(sum / 200 - log(1e-5) / 2), 5 * log(1000) / sqrt(12 * 200.0));
    lehr_sweep_destroy(&s);
}

static void expect_refused(const char *text, const char *says)
{
    lehr_sweep *s = load_good(text);
    lehr_trials *t = NULL;
    cr_assert_eq(lehr_trials_plan(s, &t), LEHR_ERR_ARG, "%s", text);
    cr_assert_not_null(strstr(lehr_error(), says), "%s\n%s", text, lehr_error());
    lehr_sweep_destroy(&s);
}

/* ---- What is wrong --------------------------------------------------------------------------- */

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"", "s.yaml:1:1: the file is empty"},
    {"axes: {seed: [1]}", "s.yaml:1:1: a sweep needs `base`"},
    {"base: none.yaml\naxes: {seed: [1]}", "s.yaml:1:7: "},
    {"bass: base.yaml",
     "s.yaml:1:1: unknown key 'bass' of a sweep; the nearest known key is 'base'"},
    {"base: base.yaml", "s.yaml:1:1: `mode: grid` needs axes"},
    {"base: base.yaml\nbase: x", "s.yaml:2:1: key 'base' of a sweep is given twice"},
    {"base: base.yaml\nmode: gird\naxes: {seed: [1]}", "s.yaml:2:7: mode must be grid | random"},
    {"base: base.yaml\naxes: {}", "s.yaml:2:7: axes must be a mapping"},
    {"base: base.yaml\naxes: {sede: [1]}",
     "s.yaml:2:8: unknown key 'sede'; the nearest known key is 'seed'"},
    {"base: base.yaml\naxes: {rungs: [2]}", "the nearest known key is 'temperatures.rungs'"},
    {"base: base.yaml\naxes: {temperatures: [2]}", "s.yaml:2:8: 'temperatures' is a section"},
    {"base: base.yaml\naxes: {moves.2.scale: [1]}",
     "s.yaml:2:8: moves.2.scale: the config has 2 moves, counted from 0"},
    {"base: base.yaml\naxes: {seed: [1], seed: [2]}", "s.yaml:2:19: axis seed is given twice"},
    {"base: base.yaml\naxes: {seed: []}", "s.yaml:2:14: seed: an axis needs a list of at least"},
    {"base: base.yaml\naxes: {seed: {}}", "s.yaml:2:14: seed: no values"},
    {"base: base.yaml\naxes: {temperatures.rungs: [2, many]}",
     "s.yaml:2:32: temperatures.rungs must be a whole number from 2"},
    {"base: base.yaml\naxes: {temperatures.rungs: {range: [0, 3]}}",
     "s.yaml:2:28: temperatures.rungs must be a whole number from 2"},
    {"base: base.yaml\naxes: {seed: {rnage: [0, 3]}}",
     "s.yaml:2:15: seed: unknown word 'rnage'; the nearest known one is 'range'"},
    {"base: base.yaml\naxes: {seed: {range: [3, 0]}}",
     "s.yaml:2:22: seed: range needs the smaller number first: [0, 3], not [3, 0]"},
    {"base: base.yaml\naxes: {seed: {range: [0.5, 3]}}", "s.yaml:2:22: seed: range counts whole"},
    {"base: base.yaml\naxes: {seed: {range: [1, 3], n: 2}}", "s.yaml:2:33: seed: n is for log"},
    {"base: base.yaml\naxes: {loss.l2: {log: [0, 3], n: 2}}",
     "s.yaml:2:23: loss.l2: log needs ends above 0"},
    {"base: base.yaml\naxes: {loss.l2: {log: [1, 3]}}", "s.yaml:2:17: loss.l2: log needs n"},
    {"base: base.yaml\naxes: {loss.l2: {log: [1, 3], lin: [1, 3], n: 2}}",
     "s.yaml:2:31: loss.l2: one of log and lin"},
    {"base: base.yaml\naxes: {loss.l2: {uniform: [1, 3]}}",
     "s.yaml:2:27: loss.l2: uniform is for `mode: random`"},
    {"base: base.yaml\nmode: random\naxes: {loss.l2: {uniform: [1, 3]}}",
     "s.yaml:1:1: `mode: random` needs samples"},
    {"base: base.yaml\nsamples: 3\naxes: {seed: [1]}",
     "s.yaml:2:10: samples is for `mode: random`"},
    {"base: base.yaml\nmode: zip\naxes: {seed: [1, 2], loss.l2: [0, 1, 2]}",
     "s.yaml:3:22: `mode: zip` needs as many values on every axis: seed has 2, loss.l2 has 3"},
    {"base: base.yaml\naxes: {stop.wall_s: [1]}",
     "s.yaml:2:8: stop.wall_s has no place in a sweep"},
    {"base: base.yaml\nmode: list\ntrials: [{seed: 1}, {stop.wall_s: 3}]",
     "s.yaml:3:22: stop.wall_s has no place in a sweep"},
    {"base: base.yaml\nmode: list\ntrials: [{seed: 1}, {sed: 3}]",
     "the nearest known key is 'seed'"},
    {"base: base.yaml\nmode: list\naxes: {seed: [1]}", "s.yaml:1:1: `mode: list` needs trials"},
    {"base: base.yaml\nmode: grid\naxes: {seed: [1]}\ntrials: []",
     "s.yaml:4:9: trials is not for `mode: grid`"},
    {"base: base.yaml\naxes: {seed: [1]}\nexclude: [{sead: 1}]",
     "s.yaml:3:12: 'sead' is no axis of this sweep; the nearest is 'seed'"},
    {"base: base.yaml\naxes: {seed: [1]}\nexclude: [{seed: x}]", "s.yaml:3:18: seed must be"},
    {"base: base.yaml\naxes: {seed: [1]}\nobjective: {metric: test_accuracy}",
     "s.yaml:3:21: objective.metric cannot be a test metric"},
    {"base: base.yaml\naxes: {seed: [1]}\nobjective: {metric: best.test.loss}",
     "s.yaml:3:21: objective.metric cannot be a test metric"},
    {"base: base.yaml\naxes: {seed: [1]}\nobjective: {metric: validation_los}",
     "the nearest known one is 'best.validation.loss'"},
    {"base: base.yaml\naxes: {seed: [1]}\nobjective: {goal: min}",
     "s.yaml:3:12: objective needs a metric"},
    {"base: base.yaml\naxes: {seed: [1]}\nobjective: {metric: train_loss, goal: least}",
     "s.yaml:3:39: objective.goal must be min | max"},
    {"base: base.yaml\naxes: {seed: [1]}\nobjective: {metric: train_loss, over: loss.l2}",
     "s.yaml:3:39: 'loss.l2' is no axis"},
    {"base: base.yaml\naxes: {seed: [1]}\nprune: {kind: sha, min_scans: 10}",
     "s.yaml:3:8: prune needs an objective"},
    {"base: base.yaml\naxes: {seed: [1]}\nlimits: {trial: 3}",
     "s.yaml:3:10: unknown key 'trial' of limits; the nearest known key is 'trials'"},
    {"base: base.yaml\naxes: {seed: [1]}\nlimits: {wall_s: 0}",
     "s.yaml:3:18: limits.wall_s must be"},
    {"base: base.yaml\naxes: {seed: {range: [1, 2000], step: 1}, data.split_seed: {range: [1, "
     "2000]}}",
     "more than 1000000 trials"},
};

Test(sweep, refuses_with_the_place_and_the_reason)
{
    for (size_t c = 0; c < sizeof mistakes / sizeof *mistakes; c++) {
        lehr_sweep *s = NULL;
        lehr_trials *trials = NULL;
        lehr_status status = load(mistakes[c].text, &s);
        if (status == LEHR_OK)
            status = lehr_trials_plan(s, &trials);
        cr_expect_neq(status, LEHR_OK, "%s", mistakes[c].text);
        cr_expect_not_null(strstr(lehr_error(), mistakes[c].says), "%s\n%s", mistakes[c].text,
                           lehr_error());
        lehr_sweep_destroy(&s);
    }
}

/* What no stage can judge. */
Test(sweep, prunes_only_what_can_be_judged_half_way)
{
    static const char head[] = "base: base.yaml\nobjective: {metric: validation_loss}\n";
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"axes: {seed: [1], method: [annealing]}\nprune: {kind: sha, min_scans: 10}\n",
         "an annealed chain is hot"},
        {"axes: {seed: [1], output.observe: [11]}\nprune: {kind: sha, min_scans: 10}\n",
         "before the first observation"},
        {"axes: {stop.scans: [300, 200]}\nprune: {kind: sha, min_scans: 200}\n",
         "trial 1 (stop.scans=200)"},
        {"axes: {stop.scans: [0], stop.frozen: [5]}\nprune: {kind: sha, min_scans: 200}\n",
         "a known length"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s", head, cases[c].text);
        expect_refused(text, cases[c].says);
    }
}

Test(sweep, of_a_base_that_ends_by_the_clock_is_refused)
{
    lehr_sweep *s = NULL;
    const char text[] = "base: clock.yaml\naxes: {seed: [1]}\n";
    char clock[400];
    snprintf(clock, sizeof clock, "%.*sstop: {scans: 50, wall_s: 3}\n",
             (int)(strstr(base_text, "stop:") - base_text), base_text);
    scratch_write("clock.yaml", clock, strlen(clock));
    cr_assert_eq(load(text, &s), LEHR_ERR_ARG);
    cr_assert_not_null(strstr(lehr_error(), "s.yaml:1:7: "), "%s", lehr_error());
    cr_assert_not_null(strstr(lehr_error(), "stop.wall_s"), "%s", lehr_error());
}

/* ---- Trials ---------------------------------------------------------------------------------- */

static lehr_trials *plan_good(lehr_sweep *sweep)
{
    lehr_trials *trials = NULL;
    cr_assert_eq(lehr_trials_plan(sweep, &trials), LEHR_OK, "%s", lehr_error());
    return trials;
}

Test(sweep, names_the_trial_whose_config_is_invalid_by_its_values)
{
    expect_refused("base: base.yaml\naxes: {temperatures.min: [1e-2, 1], seed: [1, 2]}\n",
                   "trial 2 (temperatures.min=1, seed=1)");
    expect_refused("base: base.yaml\naxes: {data.validation_fraction: [0.1, 0]}\n"
                   "objective: {metric: validation_loss}\n",
                   "trial 1 (data.validation_fraction=0): best.validation.loss needs");
    expect_refused("base: base.yaml\naxes: {seed: [1]}\nobjective: {metric: validation_r2}\n",
                   "best.validation.r2 has no meaning for classification");
    /* what only the data can tell */
    expect_refused("base: base.yaml\naxes: {data.project.kind: [pca], "
                   "data.project.components: [2, 500]}\n",
                   "trial 1 (data.project.kind=pca, data.project.components=500): ");
}

Test(sweep, counts_its_trials_against_the_limit_after_exclusion)
{
    const char grid[] = "base: base.yaml\naxes: {seed: {range: [1, 10]}}\n";
    char text[300];
    snprintf(text, sizeof text, "%slimits: {trials: 9}\n", grid);
    expect_refused(text, "10 trials, but limits.trials is 9");
    snprintf(text, sizeof text, "%slimits: {trials: 9}\nexclude: [{seed: 3}]\n", grid);
    lehr_sweep *s = load_good(text);
    lehr_trials *t = plan_good(s);
    cr_assert_eq(t->count, 9);
    cr_assert_eq(t->excluded, 1);
    cr_assert_eq(t->trial[2].number, 3);
    lehr_trials_destroy(&t);
    lehr_sweep_destroy(&s);
    snprintf(text, sizeof text, "%sexclude: [{seed: 11}]\n", grid);
    expect_refused(text, "s.yaml:3:11: this excludes no trial");
}

Test(sweep, runs_twins_once_and_keeps_ids_when_values_are_added)
{
    lehr_sweep *s = load_good("base: base.yaml\naxes: {seed: [1, 2, 1, 2]}\n");
    lehr_trials *t = plan_good(s);
    cr_assert_eq(t->count, 2);
    cr_assert_eq(t->repeated, 2);
    char id[LEHR_RUN_ID_BYTES];
    memcpy(id, t->trial[1].id, sizeof id);
    lehr_trials_destroy(&t);
    lehr_sweep_destroy(&s);

    s = load_good("base: base.yaml\naxes: {loss.l2: [1, 0], seed: [3, 2, 1]}\n");
    t = plan_good(s);
    cr_assert_eq(t->count, 6);
    cr_assert_str_eq(t->trial[4].id, id);
    lehr_trials_destroy(&t);
    lehr_sweep_destroy(&s);
}

Test(sweep, packs_what_shares_data_network_loss_and_moves)
{
    static const struct {
        const char *axis;
        int32_t shapes;
    } cases[] = {
        {"seed: [1, 2, 3]", 1},
        {"temperatures.rungs: [2, 3, 4]", 1},
        {"moves.0.scale: [0.1, 0.2, 0.3]", 1},
        {"stop.scans: [10, 20, 30]", 1},
        {"data.split_seed: [1, 2, 3]", 3},
        {"network.hidden: [[2], [3], [4]]", 3},
        {"network.activation: [tanh, relu, sigmoid]", 3},
        {"loss.l2: [0, 1, 2]", 3},
        {"moves.0.kind: [gaussian, laplace, cauchy]", 3},
        {"evaluation.delayed_acceptance: [true, false, false]", 2},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[200];
        snprintf(text, sizeof text, "base: base.yaml\naxes: {%s}\n", cases[c].axis);
        lehr_sweep *s = load_good(text);
        lehr_trials *t = plan_good(s);
        cr_expect_eq(t->shapes, cases[c].shapes, "%s: %d shapes", cases[c].axis, t->shapes);
        lehr_trials_destroy(&t);
        lehr_sweep_destroy(&s);
    }
}

Test(sweep, every_ready_sweep_can_be_planned)
{
    static const char path[] = LEHR_SOURCE_DIR "/configs/sweep_iris.yaml";
    lehr_sweep *s = NULL;
    cr_assert_eq(lehr_sweep_load(path, NULL, 0, &s), LEHR_OK, "%s", lehr_error());
    lehr_trials *t = plan_good(s);
    cr_assert_eq(t->count, 24);
    cr_assert_eq(t->shapes, 1);
    lehr_trials_destroy(&t);
    lehr_sweep_destroy(&s);
}
