/* Runs of a pack that are looked at together see what each of them sees alone, bit for bit, and few calls of the
 * backend weigh them. All EXACT. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lehr/lehr.h"
#include "run/run.h"

enum { POINTS = 70, RUNS = 6, LOOKS = 64 };

/* ---- Cases ---- */

typedef struct look_case {
    const char *name;
    lehr_task task;
    lehr_loss loss;
    int32_t targets;
    double validation;
} look_case;

static const look_case cases[] = {
    {"classes", LEHR_TASK_CLASSIFICATION, LEHR_LOSS_CROSS_ENTROPY, 1, 0.2},
    {"classes, chosen by energy", LEHR_TASK_CLASSIFICATION, LEHR_LOSS_CROSS_ENTROPY, 1, 0},
    {"values", LEHR_TASK_REGRESSION, LEHR_LOSS_MSE, 2, 0.2},
    {"values, chosen by energy", LEHR_TASK_REGRESSION, LEHR_LOSS_MSE, 2, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct world {
    lehr_dataset *data;
    lehr_objective *objective;
} world;

static world make_world(const look_case *c)
{
    static float x[POINTS][2], y[POINTS * 2];
    const lehr_data_spec spec = {.task = c->task,
                                 .split_seed = 3,
                                 .test_fraction = 0.1,
                                 .validation_fraction = c->validation,
                                 .standardize = true};
    const lehr_network_spec network = {
        .hidden_count = 1, .hidden = {4}, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {.kind = c->loss, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = 3};
    world w = {0};
    for (int n = 0; n < POINTS; n++) {
        x[n][0] = (float)(n % 3) + 0.05f * (float)(n % 7);
        x[n][1] = (n % 3 == 1 ? 1.0f : 0.0f) + 0.07f * (float)(n % 11);
        for (int k = 0; k < c->targets; k++)
            y[n * c->targets + k] = c->task == LEHR_TASK_CLASSIFICATION
                                        ? (float)(n % 3)
                                        : x[n][k] * x[n][k] + 0.1f * (float)(n % 5);
    }
    cr_assert_eq(lehr_dataset_from_arrays(&spec, &x[0][0], y, POINTS, 2, c->targets, &w.data),
                 LEHR_OK, "%s: %s", c->name, lehr_error());
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, w.data, &w.objective), LEHR_OK,
                 "%s: %s", c->name, lehr_error());
    return w;
}

static void drop(world *w)
{
    lehr_objective_destroy(&w->objective);
    lehr_dataset_destroy(&w->data);
}

/* Looked at on the same scans and on others; number 2 ends between two looks, number 3 by what is seen. */
static void fill_specs(lehr_run_spec specs[RUNS])
{
    for (int i = 0; i < RUNS; i++) {
        specs[i] = lehr_run_spec_default();
        specs[i].seed = 70 + (uint64_t)i;
        specs[i].ladder.rungs = 3;
        specs[i].exchange.every = 3;
        specs[i].stop.scans = 90;
        specs[i].observe = 10;
        specs[i].threads = 2;
        snprintf(specs[i].backend, sizeof specs[i].backend, "cpu");
    }
    specs[1].observe = 7;
    specs[2].stop.scans = 44;
    specs[3].stop.metric = LEHR_METRIC_ENERGY;
    specs[3].stop.value = 0.45;
    specs[4].method = LEHR_METHOD_ANNEALING;
    specs[4].copies = 5;
    specs[4].cooling.start = 0.5;
}

/* ---- What is seen ---- */

typedef struct story {
    int32_t looks;
    lehr_observation seen[LOOKS];
    uint64_t hash;
} story;

/* Padding and times are not compared. */
static void add(story *s, const lehr_observation *o)
{
    cr_assert_lt(s->looks, LOOKS);
    s->seen[s->looks] = *o;
    s->seen[s->looks++].wall_s = 0;
}

static lehr_status hear(const lehr_observation *o, const lehr_run *run, void *data)
{
    (void)run;
    add(data, o);
    return LEHR_OK;
}

static void end_story(lehr_run *run, story *s)
{
    lehr_run_summary summary;
    cr_assert_eq(lehr_run_summarize(run, &summary), LEHR_OK, "%s", lehr_error());
    s->hash = summary.state_hash;
    cr_expect_eq(
        memcmp(&summary.best[LEHR_PART_TRAIN], &run->observation.best_train, sizeof(lehr_score)), 0,
        "the summary is about other weights than the last look");
}

static void tell_alone(const lehr_run_spec *spec, const world *w, story *s)
{
    lehr_run *run = NULL;
    *s = (story){0};
    cr_assert_eq(lehr_run_create(spec, w->objective, &run), LEHR_OK, "%s", lehr_error());
    add(s, &run->observation);
    cr_assert_eq(lehr_run_go(run, hear, s), LEHR_OK, "%s", lehr_error());
    end_story(run, s);
    lehr_run_destroy(&run);
}

static void tell_together(lehr_pack *pack, story s[RUNS])
{
    int64_t seen[RUNS];
    for (int i = 0; i < RUNS; i++) {
        s[i] = (story){0};
        add(&s[i], &lehr_pack_run(pack, i)->observation);
        seen[i] = 0;
    }
    for (bool moving = true; moving;) {
        cr_assert_eq(lehr_pack_advance(pack, 0, &moving), LEHR_OK, "%s", lehr_error());
        for (int i = 0; i < RUNS; i++) {
            lehr_run *run = lehr_pack_run(pack, i);
            if (run->observed_scan != seen[i])
                add(&s[i], &run->observation);
            seen[i] = run->observed_scan;
        }
    }
    for (int i = 0; i < RUNS; i++)
        end_story(lehr_pack_run(pack, i), &s[i]);
}

static void expect_same(const story *a, const story *b, const char *what, int number)
{
    cr_expect_eq(a->hash, b->hash, "%s, run %d: other weights", what, number);
    cr_assert_eq(a->looks, b->looks, "%s, run %d: %d and %d looks", what, number, a->looks,
                 b->looks);
    for (int i = 0; i < a->looks; i++)
        cr_expect_eq(memcmp(&a->seen[i], &b->seen[i], sizeof a->seen[i]), 0,
                     "%s, run %d: another look at scan %lld", what, number,
                     (long long)b->seen[i].scan);
}

/* Rooms that hold all of a look, one row, and some, of which a run may begin in one block and end in the next. */
Test(observe, together_sees_what_each_sees_alone)
{
    static const int32_t rooms[] = {0, 1, 4};
    static story expected[RUNS], told[RUNS];
    for (int k = 0; k < CASES; k++) {
        world w = make_world(&cases[k]);
        lehr_run_spec specs[RUNS];
        fill_specs(specs);
        for (int i = 0; i < RUNS; i++)
            tell_alone(&specs[i], &w, &expected[i]);
        cr_expect_lt(expected[3].seen[expected[3].looks - 1].scan, 90, "%s: no early end",
                     cases[k].name);
        for (size_t r = 0; r < sizeof rooms / sizeof *rooms; r++) {
            lehr_pack *pack = NULL;
            cr_assert_eq(lehr_pack_create(specs, RUNS, w.objective, &pack), LEHR_OK, "%s",
                         lehr_error());
            cr_assert_gt(pack->block.room, 4);
            if (rooms[r] > 0)
                pack->block.room = rooms[r];
            cr_assert_eq(pack->block.shown > 0, cases[k].task == LEHR_TASK_REGRESSION);
            if (rooms[r] > 0 && pack->block.shown > 0)
                pack->block.shown = (rooms[r] + 2) / 2;
            tell_together(pack, told);
            for (int i = 0; i < RUNS; i++)
                expect_same(&told[i], &expected[i], cases[k].name, i);
            lehr_pack_destroy(&pack);
        }
        drop(&w);
    }
}

/* ---- Calls ---- */

static int32_t calls, weighed;

static lehr_status count_evaluations(void *state, lehr_part part, const float *theta, int32_t rows,
                                     lehr_evaluation *out)
{
    calls++;
    weighed += rows;
    return lehr_backend_cpu.evaluate(state, part, theta, rows, out);
}

/* Candidates, and the best on both parts that are reported: three calls at most for a look at any number of
 * runs, or one for every row of them where a block holds one. */
Test(observe, many_runs_take_as_few_calls_as_one)
{
    lehr_backend counted = lehr_backend_cpu;
    lehr_run_spec specs[RUNS];
    world w = make_world(&cases[0]);
    lehr_pack *pack = NULL;
    fill_specs(specs);
    counted.evaluate = count_evaluations;
    cr_assert_eq(lehr_pack_create(specs, RUNS, w.objective, &pack), LEHR_OK, "%s", lehr_error());
    pack->backend = &counted;
    bool moving = true;
    for (int64_t scan = 0; scan < 40;) {
        calls = weighed = 0;
        cr_assert_eq(lehr_pack_advance(pack, 0, &moving), LEHR_OK, "%s", lehr_error());
        scan = lehr_pack_run(pack, 0)->scan;
        if (scan % 10 == 0) {
            cr_expect_gt(calls, 0, "scan %lld: nothing was weighed", (long long)scan);
            cr_expect_leq(calls, 3, "scan %lld: %d calls", (long long)scan, calls);
            cr_expect_geq(weighed, RUNS, "scan %lld: %d rows", (long long)scan, weighed);
        }
    }
    pack->block.room = 1;
    while (lehr_pack_run(pack, 0)->scan < 50) {
        calls = weighed = 0;
        cr_assert_eq(lehr_pack_advance(pack, 0, &moving), LEHR_OK, "%s", lehr_error());
    }
    cr_expect_gt(calls, 3);
    cr_expect_eq(calls, weighed);
    lehr_pack_destroy(&pack);
    drop(&w);
}

/* ---- Room ---- */

/* Its bytes are bounded, however many rows there are. */
Test(observe, wide_networks_are_weighed_in_blocks)
{
    const lehr_network_spec network = {
        .hidden_count = 1, .hidden = {60000}, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {.kind = LEHR_LOSS_CROSS_ENTROPY, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = 3};
    world w = make_world(&cases[0]);
    lehr_objective *wide = NULL;
    lehr_run *run = NULL;
    lehr_run_spec specs[RUNS];
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, w.data, &wide), LEHR_OK, "%s",
                 lehr_error());
    fill_specs(specs);
    specs[0].copies = 6;
    cr_assert_eq(lehr_run_create(&specs[0], wide, &run), LEHR_OK, "%s", lehr_error());
    const lehr_pack *pack = run->pack;
    const int64_t row_bytes = (int64_t)pack->table->parameters * (int64_t)sizeof(float);
    cr_expect_geq(pack->block.room, 1);
    cr_expect_lt(pack->block.room, pack->table->rows);
    cr_expect_leq(pack->block.room * row_bytes, 16 << 20);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&wide);
    drop(&w);
}
