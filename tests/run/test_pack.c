/* Runs that move together, and runs that are written down and go on in another: the same bits as alone and as
 * undisturbed. All EXACT. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lehr/lehr.h"
#include "run/run.h"
#include "run/state.h"

enum { POINTS = 60, RUNS = 5 };

static lehr_dataset *three_clouds(void)
{
    static float x[POINTS][2], y[POINTS];
    for (int n = 0; n < POINTS; n++) {
        y[n] = (float)(n % 3);
        x[n][0] = (float)(n % 3) + 0.05f * (float)(n % 7);
        x[n][1] = (n % 3 == 1 ? 1.0f : 0.0f) + 0.07f * (float)(n % 11);
    }
    const lehr_data_spec spec = {.task = LEHR_TASK_CLASSIFICATION,
                                 .split_seed = 1,
                                 .test_fraction = 0.2,
                                 .validation_fraction = 0.2,
                                 .standardize = true};
    lehr_dataset *data = NULL;
    cr_assert_eq(lehr_dataset_from_arrays(&spec, &x[0][0], y, POINTS, 2, 1, &data), LEHR_OK, "%s",
                 lehr_error());
    return data;
}

static lehr_objective *objective_on(const lehr_dataset *data)
{
    const lehr_network_spec network = {
        .hidden_count = 1, .hidden = {5}, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {.kind = LEHR_LOSS_CROSS_ENTROPY, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = 3};
    lehr_objective *objective = NULL;
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, data, &objective), LEHR_OK, "%s",
                 lehr_error());
    return objective;
}

static lehr_run_spec first_spec(void)
{
    lehr_run_spec spec = lehr_run_spec_default();
    spec.ladder.rungs = 4;
    spec.ladder.min = 1e-3;
    spec.exchange.every = 3;
    spec.stop.scans = 120;
    spec.observe = 10;
    spec.threads = 1;
    snprintf(spec.backend, sizeof spec.backend, "cpu");
    return spec;
}

/* Runs that differ in all that may differ; number 3 meets its target early, number 4 is annealed. */
static void fill_specs(lehr_run_spec specs[RUNS])
{
    for (int i = 0; i < RUNS; i++) {
        specs[i] = first_spec();
        specs[i].seed = 40 + (uint64_t)i;
    }
    specs[1].ladder.rungs = 3;
    specs[1].copies = 1;
    specs[1].exchange.every = 7;
    specs[1].observe = 13;
    specs[1].exchange.scheme = LEHR_EXCHANGE_SEO;
    specs[2].stop.scans = 61;
    specs[2].moves[0].scale = 0.2;
    specs[2].moves[0].weight = 3;
    specs[3].stop.metric = LEHR_METRIC_TRAIN_ACCURACY;
    specs[3].stop.value = 0.5;
    specs[4].method = LEHR_METHOD_ANNEALING;
    specs[4].copies = 3;
    specs[4].cooling.start = 0.5;
}

/* What must be the same in the end. */
typedef struct ending {
    lehr_run_summary summary;
    lehr_observation seen;
    float best[64];
    double flow[16];
} ending;

static ending ending_of(lehr_run *run)
{
    ending e = {0};
    cr_assert_eq(lehr_run_summarize(run, &e.summary), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_best(run, e.best), LEHR_OK);
    cr_assert_leq(e.summary.rungs, 16);
    for (int32_t t = 0; t < e.summary.rungs; t++)
        e.flow[t] = lehr_run_flow(run, t);
    e.summary.wall_s = 0;
    e.seen = run->observation;
    e.seen.wall_s = 0;
    return e;
}

static void expect_same(const ending *a, const ending *b, const char *what, int number)
{
    cr_expect_eq(a->summary.state_hash, b->summary.state_hash, "%s %d: other weights", what,
                 number);
    cr_expect_eq(a->summary.stop, b->summary.stop, "%s %d: stop", what, number);
    cr_expect_eq(a->summary.scans, b->summary.scans, "%s %d: %lld and %lld scans", what, number,
                 (long long)a->summary.scans, (long long)b->summary.scans);
    cr_expect_eq(a->summary.best_scan, b->summary.best_scan, "%s %d: best", what, number);
    cr_expect_eq(memcmp(a->best, b->best, sizeof a->best), 0, "%s %d: best weights", what, number);
    cr_expect_eq(memcmp(&a->summary.best, &b->summary.best, sizeof a->summary.best), 0,
                 "%s %d: scores", what, number);
    cr_expect_eq(memcmp(a->flow, b->flow, sizeof a->flow), 0, "%s %d: flow", what, number);
    cr_expect_eq(memcmp(&a->seen, &b->seen, sizeof a->seen), 0, "%s %d: last look", what, number);
    cr_expect_eq(a->summary.barrier == b->summary.barrier || isnan(a->summary.barrier), true,
                 "%s %d: barrier", what, number);
}

static ending alone(const lehr_run_spec *spec, const lehr_objective *objective)
{
    lehr_run *run = NULL;
    cr_assert_eq(lehr_run_create(spec, objective, &run), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_go(run, NULL, NULL), LEHR_OK, "%s", lehr_error());
    const ending e = ending_of(run);
    lehr_run_destroy(&run);
    return e;
}

/* ---- Packs ---- */

static void run_pack(lehr_pack *pack, int64_t slice)
{
    for (bool moving = true; moving;)
        cr_assert_eq(lehr_pack_advance(pack, slice, &moving), LEHR_OK, "%s", lehr_error());
}

Test(pack, every_run_of_a_pack_ends_as_it_does_alone)
{
    static const int slices[] = {0, 1, 5}, threads[] = {1, 2, 3};
    lehr_dataset *data = three_clouds();
    lehr_objective *objective = objective_on(data);
    lehr_run_spec specs[RUNS];
    ending expected[RUNS];
    fill_specs(specs);
    for (int i = 0; i < RUNS; i++)
        expected[i] = alone(&specs[i], objective);
    cr_expect_eq(expected[3].summary.stop, LEHR_STOP_TARGET);
    cr_expect_lt(expected[3].summary.scans, 120, "the target was not met early");
    for (size_t k = 0; k < sizeof slices / sizeof *slices; k++) {
        lehr_pack *pack = NULL;
        for (int i = 0; i < RUNS; i++)
            specs[i].threads = threads[k];
        cr_assert_eq(lehr_pack_create(specs, RUNS, objective, &pack), LEHR_OK, "%s", lehr_error());
        run_pack(pack, slices[k]);
        for (int i = 0; i < RUNS; i++) {
            ending e = ending_of(lehr_pack_run(pack, i));
            e.summary.threads = expected[i].summary.threads;
            expect_same(&e, &expected[i], "run", i);
        }
        lehr_pack_destroy(&pack);
    }
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(pack, a_run_that_is_halted_rests_and_the_others_go_on)
{
    lehr_dataset *data = three_clouds();
    lehr_objective *objective = objective_on(data);
    lehr_run_spec specs[2] = {first_spec(), first_spec()};
    specs[1].seed = 2;
    const ending other = alone(&specs[1], objective);
    lehr_pack *pack = NULL;
    cr_assert_eq(lehr_pack_create(specs, 2, objective, &pack), LEHR_OK, "%s", lehr_error());
    bool moving;
    while (lehr_pack_run(pack, 0)->scan < 30)
        cr_assert_eq(lehr_pack_advance(pack, 30, &moving), LEHR_OK);
    const ending before = ending_of(lehr_pack_run(pack, 0));
    cr_assert_eq(lehr_run_halt(lehr_pack_run(pack, 0), LEHR_STOP_SIGNAL), LEHR_OK);
    run_pack(pack, 0);
    const ending after = ending_of(lehr_pack_run(pack, 0)),
                 last = ending_of(lehr_pack_run(pack, 1));
    cr_expect_eq(after.summary.state_hash, before.summary.state_hash, "its rows moved");
    cr_expect_eq(after.summary.scans, 30);
    cr_expect_eq(after.summary.stop, LEHR_STOP_SIGNAL);
    expect_same(&last, &other, "run", 1);
    lehr_pack_destroy(&pack);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(pack, refuses_what_cannot_stand_together)
{
    lehr_dataset *data = three_clouds();
    lehr_objective *objective = objective_on(data);
    lehr_run_spec specs[2] = {first_spec(), first_spec()};
    lehr_pack *pack = NULL;
    specs[1].moves[1].scope = LEHR_SCOPE_NEURON;
    cr_expect_eq(lehr_pack_create(specs, 2, objective, &pack), LEHR_ERR_ARG);
    specs[1] = specs[0];
    specs[1].delayed_acceptance = true;
    cr_expect_eq(lehr_pack_create(specs, 2, objective, &pack), LEHR_ERR_ARG);
    cr_expect_eq(lehr_pack_create(specs, 0, objective, &pack), LEHR_ERR_ARG);
    cr_expect_null(pack);
    specs[1] = specs[0];
    cr_assert_eq(lehr_pack_create(specs, 2, objective, &pack), LEHR_OK, "%s", lehr_error());
    lehr_stop stop;
    cr_expect_eq(lehr_run_advance(lehr_pack_run(pack, 0), 0, &stop), LEHR_ERR_ARG,
                 "a run of a pack moved alone");
    lehr_pack_destroy(&pack);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

/* ---- Fields ---- */

static void copy_fields(lehr_run *from, lehr_run *to)
{
    lehr_field a[LEHR_FIELDS_MAX], b[LEHR_FIELDS_MAX];
    int32_t count, other;
    cr_assert_eq(lehr_run_fields(from, a, &count), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_fields(to, b, &other), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(count, other);
    for (int32_t i = 0; i < count; i++) {
        cr_assert_str_eq(a[i].name, b[i].name);
        cr_assert(a[i].rows == b[i].rows && a[i].columns == b[i].columns, "%s", a[i].name);
        memcpy(b[i].data, a[i].data,
               (size_t)(a[i].rows * a[i].columns) * lehr_field_bytes(a[i].type));
    }
}

static void advance_to(lehr_run *run, int64_t scan)
{
    lehr_stop stop = LEHR_STOP_NONE;
    while (run->scan < scan && stop == LEHR_STOP_NONE)
        cr_assert_eq(lehr_run_advance(run, scan - run->scan, &stop), LEHR_OK, "%s", lehr_error());
}

/* The run until `scan`, the rest in another one on another number of threads. */
static ending split(const lehr_run_spec *spec, const lehr_objective *objective, int64_t scan)
{
    lehr_run_spec more = *spec;
    lehr_run *first = NULL, *second = NULL;
    more.threads = 3;
    cr_assert_eq(lehr_run_create(spec, objective, &first), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_create(&more, objective, &second), LEHR_OK, "%s", lehr_error());
    advance_to(first, scan);
    copy_fields(first, second);
    lehr_run_destroy(&first);
    cr_assert_eq(lehr_run_restore(second), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_go(second, NULL, NULL), LEHR_OK, "%s", lehr_error());
    ending e = ending_of(second);
    e.summary.threads = spec->threads;
    lehr_run_destroy(&second);
    return e;
}

static void expect_splits(const lehr_run_spec *spec, const lehr_objective *objective, int number)
{
    const ending whole = alone(spec, objective);
    for (int64_t scan = 0; scan <= whole.summary.scans; scan++) {
        const ending e = split(spec, objective, scan);
        expect_same(&e, &whole, "spec", number);
    }
}

Test(state, a_run_split_at_any_scan_ends_as_the_whole_one)
{
    lehr_dataset *data = three_clouds();
    lehr_objective *objective = objective_on(data);
    lehr_run_spec specs[RUNS];
    fill_specs(specs);
    for (int i = 0; i < RUNS; i++)
        expect_splits(&specs[i], objective, i);
    lehr_run_spec delayed = first_spec();
    delayed.delayed_acceptance = true;
    delayed.moves[1].scope = LEHR_SCOPE_NEURON;
    expect_splits(&delayed, objective, RUNS);
    lehr_run_spec frozen = first_spec();
    frozen.stop.frozen = 25;
    frozen.ladder.min = 1e-9;
    frozen.ladder.max = 2e-9;
    frozen.moves[0].scale = frozen.moves[1].scale = 3;
    frozen.copies = 1;
    frozen.stop.scans = 1000;
    cr_expect_eq(alone(&frozen, objective).summary.stop, LEHR_STOP_FROZEN);
    expect_splits(&frozen, objective, RUNS + 1);
    lehr_run_spec batched = first_spec();
    batched.batch = (lehr_batch_spec){.points = 10, .refresh = 7, .grow = 30};
    batched.moves[0].scale = batched.moves[1].scale = 0.1;
    expect_splits(&batched, objective, RUNS + 2);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(state, fields_that_are_no_state_of_the_run_are_refused)
{
    lehr_dataset *data = three_clouds();
    lehr_objective *objective = objective_on(data);
    const lehr_run_spec spec = first_spec();
    lehr_run *run = NULL;
    cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK, "%s", lehr_error());
    advance_to(run, 40);
    lehr_table *t = run->pack->table;
    const int64_t scan = run->scan;
    run->scan = 121;
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "a scan behind the end");
    run->scan = -1;
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "a scan before the start");
    run->scan = scan;
    run->stop = (lehr_stop)77;
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "an unknown stop");
    run->stop = LEHR_STOP_NONE;
    const lehr_i32 rung = t->rung[2];
    t->rung[2] = rung + 1;
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "two rows on one rung");
    t->rung[2] = rung;
    t->slot_row[0] = 1 << 30;
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "a row that is not there");
    t->slot_row[0] = t->slot_row[1];
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "one row on two rungs");
    lehr_run_destroy(&run);
    cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK, "%s", lehr_error());
    run->pack->table->energy[1] = NAN;
    cr_expect_eq(lehr_run_restore(run), LEHR_ERR_DATA, "an energy that is not finite");
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}
