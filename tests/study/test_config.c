/* Configs that are right: what is read, what follows from it, overrides, and writing it down again.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "study/config_world.h"

#define DATA "data: {source: d.csv}\n"

static const char everything[] =
    "name: 'all keys: \"é\"'\n"
    "seed: 18446744073709551615\n"
    "data:\n"
    "  source: \"x y.npy\"   # a comment\n"
    "  labels: /abs/l.npy\n"
    "  target: 3\n"
    "  test_source: t.npy\n"
    "  test_labels: tl.npy\n"
    "  task: regression\n"
    "  split_seed: 7\n"
    "  test_fraction: 1e-3\n"
    "  validation_fraction: .25\n"
    "  standardize: no\n"
    "  batch: {points: 12, refresh: 3, grow: 14}\n"
    "network: {hidden: [3, 1000000], activation: relu, output: tanh, bias: false,\n"
    "          init: {kind: zero, scale: 0.1, from: w.safetensors}}\n"
    "loss: {kind: gaussian, reduction: sum, l2: 1e-4, l1: 2.5E-5, noise: 3, delta: 2}\n"
    "prior: {kind: laplace, scale: 2}\n"
    "method: tempering\n"
    "chains: 9\n"
    "temperatures: {ladder: list, list: [1e-3, 0.1, inf], copies: 3, adapt: 0.25, min: 1, max: 2}\n"
    "cooling: {kind: linear, start: 3, end: 2, scans: 44}\n"
    "moves:\n"
    "  - {kind: student_t, scope: sparse, k: 64, nu: 2.5, scale: 0.3, target: 0.4, weight: 3}\n"
    "  - {kind: log_scale, scale: 0.2}\n"
    "  - {scope: neuron_in, k: 0, scale: {from: 0.5, to: 1e-3}}\n"
    "evaluation: {keep_activations: no, early_rejection: no, delayed_acceptance: yes}\n"
    "exchange: {scheme: seo, every: 7}\n"
    "stop: {scans: 12, proposals: 13, frozen: 14, wall_s: 1.5, target: {metric: energy, value: "
    "-2}}\n"
    "output: {dir: /tmp/out, observe: 5, checkpoint_s: 0.5, trace: {energy: 10}}\n"
    "backend: cuda:3\n"
    "threads: 2\n"
    "numerics: fast\n";

Test(config, every_key_arrives)
{
    const lehr_config c = parse_good(everything, NULL);
    const lehr_run_spec *r = &c.run;
    cr_expect_str_eq(c.name, "all keys: \"é\"");
    cr_expect_eq(r->seed, UINT64_MAX);
    cr_expect_str_eq(c.data.source, "x y.npy");
    cr_expect_str_eq(c.data.labels, "/abs/l.npy");
    cr_expect_str_eq(c.data.target, "3");
    cr_expect_str_eq(c.data.test_source, "t.npy");
    cr_expect_str_eq(c.data.test_labels, "tl.npy");
    cr_expect(c.data.task == LEHR_TASK_REGRESSION && c.data.split_seed == 7 && !c.data.standardize);
    cr_expect(c.data.test_fraction == 1e-3 && c.data.validation_fraction == 0.25);
    cr_expect(c.network.hidden_count == 2 && c.network.hidden[0] == 3 &&
              c.network.hidden[1] == 1000000);
    cr_expect(c.network.activation == LEHR_ACTIVATION_RELU &&
              c.network.output == LEHR_ACTIVATION_TANH);
    cr_expect(!c.network.bias && c.network.init == LEHR_INIT_ZERO && c.network.init_scale == 0.1);
    cr_expect_str_eq(c.init_from, "w.safetensors");
    cr_expect(c.loss.kind == LEHR_LOSS_GAUSSIAN && c.loss.reduction == LEHR_REDUCTION_SUM);
    cr_expect(c.loss.l2 == 1e-4 && c.loss.l1 == 2.5e-5 && c.loss.noise == 3 && c.loss.delta == 2);
    cr_expect(c.prior.kind == LEHR_PRIOR_LAPLACE && c.prior.scale == 2);
    cr_expect(r->method == LEHR_METHOD_TEMPERING && r->copies == 3 && r->adapt == 0.25);
    cr_expect(r->ladder.kind == LEHR_LADDER_LIST && r->ladder.rungs == 3, "rungs follow the list");
    cr_expect(r->ladder.list[0] == 1e-3 && r->ladder.list[1] == 0.1 && r->ladder.list[2] == 1e300);
    cr_expect(r->cooling.kind == LEHR_COOLING_LINEAR && r->cooling.start == 3 &&
              r->cooling.end == 2);
    cr_expect(r->cooling.scans == 44 && r->move_count == 3);
    const lehr_move_spec *m = r->moves;
    cr_expect(m[0].kind == LEHR_MOVE_STUDENT_T && m[0].scope == LEHR_SCOPE_SPARSE && m[0].k == 64);
    cr_expect(m[0].nu == 2.5 && m[0].scale == 0.3 && m[0].target == 0.4 && m[0].weight == 3);
    cr_expect(m[1].kind == LEHR_MOVE_LOG_SCALE && m[1].scope == LEHR_SCOPE_ALL && m[1].k == 1);
    cr_expect(m[1].nu == 4 && m[1].scale == 0.2 && m[1].scale_to == 0 && m[1].target == 0 &&
                  m[1].weight == 1,
              "a blank move");
    cr_expect(m[2].scope == LEHR_SCOPE_NEURON_IN && m[2].k == 0 && m[2].scale == 0.5 &&
              m[2].scale_to == 1e-3);
    cr_expect(r->batch.points == 12 && r->batch.refresh == 3 && r->batch.grow == 14);
    cr_expect(!r->keep_activations && !r->early_rejection && r->delayed_acceptance);
    cr_expect(r->exchange.scheme == LEHR_EXCHANGE_SEO && r->exchange.every == 7);
    cr_expect(r->stop.scans == 12 && r->stop.proposals == 13 && r->stop.frozen == 14);
    cr_expect(r->stop.wall_s == 1.5 && r->stop.metric == LEHR_METRIC_ENERGY && r->stop.value == -2);
    cr_expect_str_eq(c.output_dir, "/tmp/out");
    cr_expect(r->observe == 5 && c.checkpoint_s == 0.5 && c.trace_energy == 10);
    cr_expect_str_eq(r->backend, "cuda:3");
    cr_expect(r->threads == 2 && r->numerics == LEHR_NUMERICS_FAST);
}

Test(config, types_come_from_the_key)
{
    static const struct {
        const char *text;
        int standardize;
        const char *target;
    } rows[] = {
        {"data: {source: d, standardize: yes, target: yes}\n", 1, "yes"},
        {"data: {source: d, standardize: no, target: no}\n", 0, "no"},
        {"data: {source: d, standardize: 'true', target: 1e-3}\n", 1, "1e-3"},
        {"data: {source: d, standardize: \"false\", target: ~}\n", 0, "~"},
        {"\xef\xbb\xbf"
         "data: {source: d, standardize: true, target: null}\r\n",
         1, "null"},
        {"%YAML 1.1\n---\ndata:\n  source: d\n  standardize: true\n  target: |-\n    two "
         "words\n...\n",
         1, "two words"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lehr_config c = parse_good(rows[i].text, NULL);
        cr_expect_eq(c.data.standardize, rows[i].standardize, "row %zu", i);
        cr_expect_str_eq(c.data.target, rows[i].target);
    }
    cr_expect_eq(parse_good(DATA "seed: '5'\n", NULL).run.seed, 5,
                 "a quoted number is still that number");
    cr_expect_eq(parse_good(DATA "loss: {l2: -0.0}\n", NULL).loss.l2, 0);
}

Test(config, rows_follow_from_rungs_copies_and_chains)
{
    static const struct {
        const char *text;
        int rungs, copies;
    } rows[] = {
        {DATA, 16, 2},
        {DATA "chains: 64\n", 16, 4},
        {DATA "chains: 64\ntemperatures: {rungs: 8}\n", 8, 8},
        {DATA "chains: auto\ntemperatures: {rungs: 8}\n", 8, 2},
        {DATA "chains: 24\ntemperatures: {rungs: 8, copies: 3}\n", 8, 3},
        {DATA "chains: 6\ntemperatures: {ladder: list, list: [1, 2, 3]}\n", 3, 2},
        {DATA "method: annealing\n", 16, 32},
        {DATA "method: annealing\nchains: 7\n", 16, 7},
        {DATA "method: annealing\nchains: 7\ntemperatures: {copies: 3}\n", 16, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lehr_config c = parse_good(rows[i].text, NULL);
        cr_expect_eq(c.run.ladder.rungs, rows[i].rungs, "row %zu", i);
        cr_expect_eq(c.run.copies, rows[i].copies, "row %zu", i);
    }
}

Test(config, default_scans_give_way_to_another_length)
{
    static const struct {
        const char *text;
        int64_t scans;
    } rows[] = {
        {DATA, 20000},
        {DATA "stop: {proposals: 100}\n", 0},
        {DATA "stop: {proposals: 100, scans: 50}\n", 50},
        {DATA "stop: {proposals: 0}\n", 20000},
        {DATA "stop: {wall_s: 3}\n", 20000},
        {DATA "stop: {frozen: 3}\n", 20000},
        {DATA "cooling: {scans: 30}\n", 20000},
        {DATA "method: annealing\ncooling: {scans: 30}\n", 0},
        {DATA "method: annealing\ncooling: {scans: 30}\nstop: {scans: 20}\n", 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(parse_good(rows[i].text, NULL).run.stop.scans, rows[i].scans, "row %zu", i);
}

Test(config, paths_stand_in_the_folder_of_the_config)
{
    static const struct {
        const char *file, *source, *stored;
    } rows[] = {
        {"a.yaml", "d.csv", "d.csv"},
        {"c/a.yaml", "d.csv", "c/d.csv"},
        {"/c/d/a.yaml", "../d.csv", "/c/d/../d.csv"},
        {"c/a.yaml", "/x/d.csv", "/x/d.csv"},
        {"/a.yaml", "e/d.csv", "/e/d.csv"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "data: {source: %s}\nnetwork: {init: {from: %s}}\noutput: {dir: out}\n",
                 rows[i].source, rows[i].source);
        lehr_config c;
        cr_assert_eq(lehr_config_parse(text, strlen(text), rows[i].file, NULL, 0, &c), LEHR_OK,
                     "%s", lehr_error());
        cr_expect_str_eq(c.data.source, rows[i].stored);
        cr_expect_str_eq(c.init_from, rows[i].stored);
        cr_expect_str_eq(c.data.labels, "");
        cr_expect_str_eq(c.output_dir, "out", "results do not stand beside the config");
    }
    char file[LEHR_PATH_MAX + 8];
    memset(file, 'c', sizeof file);
    memcpy(file + LEHR_PATH_MAX - 5, "/a.yaml", 8);
    lehr_config c;
    cr_expect_eq(lehr_config_parse(DATA, strlen(DATA), file, NULL, 0, &c), LEHR_ERR_ARG,
                 "path too long");
}

Test(config, overrides_are_applied_in_order)
{
    static const char *const overrides[] = {
        "seed=2",
        "seed=3",
        "moves.0.scale=0.5",
        "moves.1={kind: cauchy, weight: 2}",
        "network.hidden=[4, 5]",
        "data.source=",
        "data.generator={kind: moons, noise: 1e-2}",
        "temperatures.rungs=4",
        "name=a=b # c",
        "stop={scans: 5}",
        "stop.target.metric=none",
    };
    static const char text[] = "data: {source: d.csv}\nseed: 9\n"
                               "stop: {target: {metric: train_loss, value: 0.5}}\n";
    lehr_config c;
    cr_assert_eq(lehr_config_parse(text, strlen(text), "a.yaml", overrides, 11, &c), LEHR_OK, "%s",
                 lehr_error());
    cr_expect_eq(c.run.seed, 3);
    cr_expect_eq(c.run.moves[0].scale, 0.5);
    cr_expect(c.run.moves[1].kind == LEHR_MOVE_CAUCHY && c.run.moves[1].weight == 2);
    cr_expect(c.run.moves[1].scope == LEHR_SCOPE_LAYER, "an override keeps what it does not name");
    cr_expect(c.network.hidden_count == 2 && c.network.hidden[1] == 5);
    cr_expect(c.data.generator.kind == LEHR_GENERATOR_MOONS && c.data.generator.noise == 1e-2);
    cr_expect(c.run.ladder.rungs == 4 && c.run.stop.scans == 5 &&
              c.run.stop.metric == LEHR_METRIC_NONE);
    cr_expect_str_eq(c.name, "a=b");

    c = parse_good(DATA "moves: [{scale: {to: 2, from: 1}}]\n", NULL);
    cr_expect(c.run.moves[0].scale == 1 && c.run.moves[0].scale_to == 2, "in any order");
    c = parse_good(DATA "moves: [{scale: {to: 2, from: 1}}]\n", "moves.0.scale=3");
    cr_expect(c.run.moves[0].scale == 3 && c.run.moves[0].scale_to == 0, "no longer a schedule");
    c = parse_good(DATA "moves: [{scale: 3}]\n", "moves.0.scale={from: 4, to: 5}");
    cr_expect(c.run.moves[0].scale == 4 && c.run.moves[0].scale_to == 5);
    c = parse_good(DATA "moves: [{scale: {to: 2, from: 1}}]\n", "moves.0.scale=auto");
    cr_expect(c.run.moves[0].scale == 0 && c.run.moves[0].scale_to == 0);
    c = parse_good(DATA "moves: [{}, {}, {}]\n", "moves=[{kind: laplace}]");
    cr_expect(c.run.move_count == 1 && c.run.moves[0].kind == LEHR_MOVE_LAPLACE,
              "a list replaces a list");
    c = parse_good(DATA "network: {weights: binary}\n", "moves=[{kind: flip, k: 3}]");
    cr_expect(c.run.moves[0].kind == LEHR_MOVE_FLIP && c.run.moves[0].k == 3);
}

/* Written and read again: the same config. */
static void assert_round_trip(const lehr_config *config)
{
    char *text = NULL;
    cr_assert_eq(lehr_config_write(config, &text), LEHR_OK, "%s", lehr_error());
    lehr_config again;
    cr_assert_eq(lehr_config_parse(text, strlen(text), "/elsewhere/b.yaml", NULL, 0, &again),
                 LEHR_OK, "%s\n%s", lehr_error(), text);
    free(text);
    assert_same_config(config, &again);
}

Test(config, every_ready_config_is_read_written_and_read_again)
{
    glob_t found = find_configs("*.yaml");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        lehr_config config;
        if (strstr(found.gl_pathv[i], "/sweep_") != NULL) /* test_sweep.c reads those */
            continue;
        cr_assert_eq(lehr_config_load(found.gl_pathv[i], NULL, 0, &config), LEHR_OK, "%s",
                     lehr_error());
        assert_round_trip(&config);
    }
    cr_assert_geq(found.gl_pathc, 2);
    globfree(&found);
}

Test(config, what_is_hard_to_write_is_read_again)
{
    static const char *const texts[] = {
        DATA "name: \"q\\\" b\\\\ \\u2028 \\uFEFF \\x85 \\U0001F525 #: - &*!|>'%@`\"\n",
        "data: {source: \"/tab\\there\\nline.csv\"}\n",
        "data: {source: /d, target: ' spaces '}\n",
        DATA "loss: {l2: 0.1, l1: 0.30000000000000004}\nprior: {scale: 1e-30}\n",
        DATA "temperatures: {min: 5e-324, max: 1e300}\n",
        DATA "temperatures: {ladder: list, list: [0.1, 0.2, inf]}\n",
        DATA "method: annealing\nchains: 3\ntemperatures: {rungs: 5}\n",
        DATA "network: {hidden: []}\n",
        DATA "network: {weights: ternary}\nmoves: [{kind: flip, scope: layer}]\n",
        DATA "stop: {scans: 1000000000000000}\nthreads: 4096\n",
        DATA "stop: {target: {metric: none, value: 3}}\n",
        DATA "moves: [{scale: {from: 0.1, to: 1e-30}}, {scope: neuron_out, scale: 0.3}]\n",
        "data: {source: d, batch: {points: 7, grow: 2147483647}}\nmoves: [{scale: 1}]\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lehr_config config;
        cr_assert_eq(lehr_config_parse(texts[i], strlen(texts[i]), "/a.yaml", NULL, 0, &config),
                     LEHR_OK, "%s", lehr_error());
        assert_round_trip(&config);
    }
    const lehr_config all = parse_good(everything, NULL);
    char *text = NULL;
    cr_assert_eq(lehr_config_write(&all, &text), LEHR_OK);
    char folder[512], line[1024];
    cr_assert_not_null(getcwd(folder, sizeof folder));
    snprintf(line, sizeof line, "\n  source: \"%s/x y.npy\"\n", folder);
    cr_expect(strstr(text, line) != NULL, "relative paths are written absolute:\n%s", text);
    free(text);
}

Test(config, what_no_config_can_hold_is_not_written)
{
    const lehr_config good = parse_good(DATA, NULL);
    lehr_config bad[6] = {good, good, good, good, good, good};
    bad[0].name[0] = '\xff';
    bad[1].loss.l2 = 0.0 / 0.0;
    bad[2].loss.kind = LEHR_LOSS_COUNT;
    bad[3].run.move_count = LEHR_MOVES_MAX + 1;
    bad[4].network.hidden_count = -1;
    bad[5].run.ladder.kind = LEHR_LADDER_LIST;
    bad[5].run.ladder.rungs = LEHR_LADDER_LIST_MAX + 1;
    for (int i = 0; i < 6; i++) {
        char *text = NULL, id[13] = "untouched";
        cr_expect_eq(lehr_config_write(&bad[i], &text), LEHR_ERR_ARG, "row %d", i);
        cr_expect_null(text);
        if (i > 0) { /* a name is no part of the id */
            cr_expect_eq(lehr_config_id(&bad[i], 1, id), LEHR_ERR_ARG, "row %d", i);
            cr_expect_str_eq(id, "untouched");
        }
    }
}

/* Load, write and name with the n-th allocation failing. */
static lehr_status do_all(int64_t n)
{
    static const char *const overrides[] = {"seed=2", "network.hidden=[3, 4]"};
    lehr_config config;
    char *text = NULL, id[13];
    lehr_memory_fail_at(n);
    lehr_status status = lehr_config_parse(everything, strlen(everything), "a.yaml", overrides, 2,
                                           &config);
    if (status == LEHR_OK)
        status = lehr_config_write(&config, &text);
    config.init_from[0] = '\0';
    if (status == LEHR_OK)
        status = lehr_config_id(&config, 1, id);
    lehr_memory_fail_at(0);
    free(text);
    return status;
}

/* Leaks are seen by the address sanitizer. */
Test(config, a_failed_allocation_is_an_error_like_any_other)
{
    int64_t n = 1;
    for (; n < 1000; n++) {
        const lehr_status status = do_all(n);
        if (status == LEHR_OK)
            break;
        cr_assert_eq(status, LEHR_ERR_MEMORY, "allocation %d: %s", (int)n, lehr_error());
        cr_assert(strstr(lehr_error(), "out of memory") != NULL, "%s", lehr_error());
    }
    cr_assert(n > 10 && n < 1000, "%d allocations", (int)n);
}
