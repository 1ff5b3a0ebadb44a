/* The data of `lehr report` about several runs: axes, metrics, and what each axis does on average. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "cli/command.h"
#include "study/report.h"
#include "study/report_effect.h"
#include "study/worker_world.h"

TestSuite(report_runs, .init = scratch_make, .fini = scratch_remove);

static const char tiny[] = "name: tiny\n"
                           "data: {generator: {kind: moons, points: 60, noise: 0.1}, "
                           "test_fraction: 0.2, validation_fraction: 0.2}\n"
                           "network: {hidden: [4]}\n"
                           "temperatures: {rungs: 4, min: 1e-3, max: 1e-1, copies: 1}\n"
                           "stop: {scans: 40}\n"
                           "output: {observe: 20}\n"
                           "threads: 1\n";

/* A run with two more settings, in the folder `name` of "all". */
static void make_run(const char *name, const char *set, const char *other)
{
    char dir[256], config[256], below[64];
    snprintf(below, sizeof below, "all/%s", name);
    snprintf(dir, sizeof dir, "%s", scratch(below));
    snprintf(config, sizeof config, "%s", scratch("tiny.yaml"));
    scratch_write("tiny.yaml", tiny, sizeof tiny - 1);
    char *const words[] = {"lehr", "run", config,      "-q", "-o",
                           dir,    "-s",  (char *)set, "-s", (char *)other};
    cr_assert_eq(lehr_cli(10, words), 0);
}

static json_t *compare_all(void)
{
    lehr_run_list list = {0};
    json_t *data = NULL;
    cr_assert_eq(lehr_run_list_add(&list, scratch("all")), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_report_many(&list, &data), LEHR_OK, "%s", lehr_error());
    lehr_run_list_free(&list);
    return data;
}

static const json_t *at(const json_t *list, size_t i)
{
    cr_assert_not_null(json_array_get(list, i), "item %zu", i);
    return json_array_get(list, i);
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "%s", key);
    return text;
}

/* The axis of seeds comes last; name, place and chains are none. */
Test(report_runs, axes_are_the_keys_that_differ)
{
    cr_assert_eq(mkdir(scratch("all"), 0755), 0);
    make_run("a", "output.observe=10", "name=one");
    make_run("b", "seed=2", "network.hidden=[5, 3]");
    make_run("c", "temperatures.rungs=6", "moves=[{kind: laplace}]");
    json_t *data = compare_all();
    const json_t *axes = json_object_get(data, "axes"), *runs = json_object_get(data, "runs");
    static const char *const expected[] = {"network.hidden", "temperatures.rungs", "moves.0.kind",
                                           "moves.1.kind"};
    for (size_t i = 0; i < 4; i++)
        cr_assert_str_eq(word(at(axes, i), "key"), expected[i]);
    const size_t count = json_array_size(axes);
    cr_assert_str_eq(word(at(axes, count - 1), "key"), "seed");
    cr_assert(json_is_true(json_object_get(at(axes, count - 1), "repeat")));
    for (size_t i = 0; i < count; i++) {
        const char *key = word(at(axes, i), "key");
        cr_assert(strcmp(key, "name") != 0 && strcmp(key, "chains") != 0 &&
                      strncmp(key, "output", 6) != 0,
                  "%s", key);
    }
    cr_assert_str_eq(json_string_value(at(json_object_get(at(runs, 1), "values"), 0)), "[5,3]");
    cr_assert_eq(json_integer_value(at(json_object_get(at(runs, 2), "values"), 1)), 6);
    cr_assert(json_is_null(at(json_object_get(at(runs, 2), "values"), 3)), "it has one move");
    cr_assert_eq(json_array_size(json_object_get(at(runs, 0), "values")), count);
    json_decref(data);
}

/* EXACT: the numbers of result.json. A metric that nobody has is no column. */
Test(report_runs, metrics_are_those_of_the_results)
{
    cr_assert_eq(mkdir(scratch("all"), 0755), 0);
    make_run("a", "seed=1", "seed=1");
    make_run("b", "seed=2", "seed=2");
    cr_assert_eq(remove(scratch("all/b/result.json")), 0);
    json_t *data = compare_all(), *result = json_loads(scratch_read("all/a/result.json"), 0, NULL);
    const json_t *metrics = json_object_get(data, "metrics"), *runs = json_object_get(data, "runs");
    cr_assert_str_eq(word(at(metrics, 0), "name"), "validation loss");
    const json_t *loss = json_object_get(
        json_object_get(json_object_get(result, "best"), "validation"), "loss");
    cr_assert(json_equal(at(json_object_get(at(runs, 0), "metrics"), 0), loss));
    cr_assert(json_is_null(at(json_object_get(at(runs, 1), "metrics"), 0)), "it has no result");
    for (size_t m = 0; m < json_array_size(metrics); m++)
        cr_assert_null(strstr(word(at(metrics, m), "name"), "R2"));
    cr_assert_eq(json_array_size(json_object_get(at(runs, 0), "metrics")),
                 json_array_size(metrics));
    json_decref(result);
    json_decref(data);
}

/* ---- Sweeps at work -------------------------------------------------------------------------- */

/* A worker takes a trial over between the walk through the sweep and the look at the trial: it has an owner only. */
static void remove_files(const char *trial, int files)
{
    static const char *const names[] = {"status.json", "config.yaml", "result.json",
                                        "events.jsonl"};
    for (int i = 0; i < files; i++) {
        char name[100];
        snprintf(name, sizeof name, "sweep/trials/%.20s/%s", trial, names[i]);
        cr_assert_eq(remove(scratch(name)), 0, "%s", name);
    }
}

/* The same between two files: one is there, and cannot be read. */
static void spoil_result(const char *trial)
{
    char name[100];
    snprintf(name, sizeof name, "sweep/trials/%.20s/result.json", trial);
    cr_assert_eq(remove(scratch(name)), 0);
    cr_assert_eq(mkdir(scratch(name), 0755), 0);
}

Test(report_runs, a_trial_that_is_taken_over_meanwhile_is_left_out_and_counts_in_its_sweep)
{
    for (int files = 1; files <= 4; files += 3) {
        world w = {0};
        lehr_run_list list = {0};
        json_t *data = NULL;
        open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 3]}}\n");
        go(&w, LEHR_WORKER_DONE);
        cr_assert_eq(lehr_run_list_add(&list, scratch("sweep")), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(list.runs.count, 3);
        remove_files(w.trials->trial[1].id, files);
        spoil_result(w.trials->trial[2].id);
        cr_assert_eq(lehr_report_many(&list, &data), LEHR_OK, "%s", lehr_error());
        cr_expect_eq(json_array_size(json_object_get(data, "runs")), 1);
        const json_t *sweep = at(json_object_get(data, "sweeps"), 0);
        cr_expect_eq(json_integer_value(json_object_get(sweep, "trials")), 3);
        json_decref(data);
        lehr_run_list_free(&list);
        close_world(&w);
        forget_work();
    }
}

/* Nobody is told that a directory which is not there was shown. */
Test(report_runs, a_trial_that_was_named_and_is_gone_is_an_error)
{
    world w = {0};
    lehr_run_list list = {0};
    json_t *data = NULL;
    char name[100];
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 3]}}\n");
    go(&w, LEHR_WORKER_DONE);
    for (int32_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "sweep/trials/%.20s", w.trials->trial[i].id);
        cr_assert_eq(lehr_run_list_add(&list, scratch(name)), LEHR_OK, "%s", lehr_error());
    }
    remove_files(w.trials->trial[1].id, 1);
    cr_assert_eq(lehr_report_many(&list, &data), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "is not the directory of a run"), "%s", lehr_error());
    lehr_run_list_free(&list);
    close_world(&w);
}

/* ---- Effects --------------------------------------------------------------------------------- */

/* Runs whose axis is value(i) and whose metric is metric(i). */
static json_t *effects_of(size_t count, double (*value)(size_t), double (*metric)(size_t))
{
    json_t *runs = json_array(), *axes = json_pack("[{s:s, s:b}]", "key", "x", "repeat", 0);
    json_t *metrics = json_pack("[{s:s}]", "name", "y"), *out = NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            runs, json_pack("{s:[f], s:[f]}", "values", value(i), "metrics", metric(i)));
    cr_assert_eq(lehr_report_effects(runs, axes, metrics, &out), LEHR_OK);
    json_t *levels = json_incref((json_t *)at(at(out, 0), 0));
    json_decref(runs);
    json_decref(axes);
    json_decref(metrics);
    json_decref(out);
    return levels;
}

static double third(size_t i)
{
    return (double)(i % 3);
}

static double plain(size_t i)
{
    return (double)i;
}

static double stair(size_t i)
{
    return 10 * third(i) + (double)((i / 3) % 2); /* mean 10 x + 1/2 */
}

/* EXACT means of whole numbers; an interval of the mean of 20 values 0 and 1 is about +-0.22. */
Test(report_runs, a_level_is_the_mean_of_its_runs)
{
    json_t *levels = effects_of(60, third, stair);
    cr_assert_eq(json_array_size(levels), 3);
    static const char *const labels[] = {"0", "1", "2"};
    for (size_t k = 0; k < 3; k++) {
        const json_t *level = at(levels, k), *mean = json_object_get(level, "mean");
        cr_assert_str_eq(word(level, "label"), labels[k]);
        cr_assert_eq(json_integer_value(json_object_get(level, "runs")), 20);
        cr_assert_eq(json_number_value(at(mean, 0)), 10.0 * (double)k + 0.5);
        cr_assert_float_eq(json_number_value(at(mean, 1)), 10.0 * (double)k + 0.28, 0.08);
        cr_assert_float_eq(json_number_value(at(mean, 2)), 10.0 * (double)k + 0.72, 0.08);
    }
    json_decref(levels);
}

/* Six levels of ten runs each; their means follow. */
Test(report_runs, many_values_are_cut_into_levels_of_equally_many_runs)
{
    json_t *levels = effects_of(60, plain, plain);
    cr_assert_eq(json_array_size(levels), 6);
    for (size_t k = 0; k < 6; k++) {
        cr_assert_eq(json_integer_value(json_object_get(at(levels, k), "runs")), 10);
        cr_assert_eq(json_number_value(at(json_object_get(at(levels, k), "mean"), 0)),
                     10.0 * (double)k + 4.5);
    }
    cr_assert_str_eq(word(at(levels, 1), "label"), "10 to 19");
    json_decref(levels);
}

/* Seeds repeat: they have no effect of their own beside another axis, and one when they are alone. */
Test(report_runs, seeds_have_an_effect_only_where_nothing_else_differs)
{
    json_t *runs = json_pack("[{s:[i, i], s:[f]}, {s:[i, i], s:[f]}]", "values", 1, 1, "metrics",
                             1.0, "values", 2, 2, "metrics", 2.0);
    json_t *both = json_pack("[{s:s, s:b}, {s:s, s:b}]", "key", "x", "repeat", 0, "key", "seed",
                             "repeat", 1);
    json_t *one = json_pack("[{s:s, s:b}]", "key", "seed", "repeat", 1);
    json_t *metrics = json_pack("[{s:s}]", "name", "y"), *out = NULL;
    cr_assert_eq(lehr_report_effects(runs, both, metrics, &out), LEHR_OK);
    cr_assert_eq(json_array_size(at(out, 0)), 1);
    cr_assert_eq(json_array_size(at(out, 1)), 0);
    json_decref(out);
    cr_assert_eq(lehr_report_effects(runs, one, metrics, &out), LEHR_OK);
    cr_assert_eq(json_array_size(at(at(out, 0), 0)), 2);
    json_decref(out);
    json_decref(runs);
    json_decref(both);
    json_decref(one);
    json_decref(metrics);
}
