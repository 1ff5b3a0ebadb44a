/* Mini-batches and schedules of step sizes, through a run: which points are weighed, when, and how far moves go.
 * EXACT but where a p-value is named. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/loss.h"
#include "core/network.h"
#include "core/proposal.h"
#include "core/sum.h"
#include "core/target.h"
#include "lehr/lehr.h"
#include "run/run.h"
#include "support/stats.h"

enum { POINTS = 2000, D = 3, HIDDEN = 6 };

typedef struct world {
    lehr_dataset *data;
    lehr_objective *objective;
} world;

static world make_world(double validation)
{
    static float x[POINTS * D], y[POINTS];
    stats_rng rng = {3};
    for (int n = 0; n < POINTS; n++) {
        for (int i = 0; i < D; i++)
            x[n * D + i] = (float)stats_normal(&rng);
        y[n] = x[n * D] * x[n * D + 1] > 0;
    }
    const lehr_data_spec spec = {
        .task = LEHR_TASK_CLASSIFICATION, .split_seed = 1, .validation_fraction = validation};
    const lehr_network_spec network = {
        .hidden_count = 1, .hidden = {HIDDEN}, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {.kind = LEHR_LOSS_BINARY_CROSS_ENTROPY, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = 3};
    world w = {0};
    cr_assert_eq(lehr_dataset_from_arrays(&spec, x, y, POINTS, D, 1, &w.data), LEHR_OK);
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, w.data, &w.objective), LEHR_OK);
    return w;
}

static void drop(world *w)
{
    lehr_objective_destroy(&w->objective);
    lehr_dataset_destroy(&w->data);
}

/* 3 rungs, 2 copies, batches of 50 growing to 1,300 over 84 scans: 12 batches of 7 scans. */
static lehr_run_spec batch_spec(void)
{
    lehr_run_spec spec = lehr_run_spec_default();
    spec.ladder.rungs = 3;
    spec.ladder.min = 1e-3;
    spec.copies = 2;
    spec.exchange.every = 3;
    spec.move_count = 2;
    spec.moves[0] = (lehr_move_spec){
        .kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON, .scale = 0.2, .weight = 1};
    spec.moves[1] = (lehr_move_spec){.kind = LEHR_MOVE_GAUSSIAN, .scale = 0.05, .weight = 1};
    spec.batch = (lehr_batch_spec){.points = 50, .refresh = 7, .grow = 1300};
    spec.stop = (lehr_stop_spec){.scans = 84};
    spec.observe = 20;
    spec.threads = 1;
    snprintf(spec.backend, sizeof spec.backend, "cpu");
    return spec;
}

static lehr_run *make_run(const lehr_run_spec *spec, const world *w)
{
    lehr_run *run = NULL;
    cr_assert_eq(lehr_run_create(spec, w->objective, &run), LEHR_OK, "%s", lehr_error());
    return run;
}

static void advance(lehr_run *run, int64_t scans)
{
    lehr_stop stop = LEHR_STOP_NONE;
    for (const int64_t end = run->scan + scans; run->scan < end && stop == LEHR_STOP_NONE;)
        cr_assert_eq(lehr_run_advance(run, end - run->scan, &stop), LEHR_OK, "%s", lehr_error());
}

/* Points of batch number b, of 12 in all: in words, 50 (1300/50)^(b/11). */
static int64_t points_of(int b)
{
    return lround(50 * pow(1300.0 / 50, b / 11.0));
}

/* ---- Which points ------------------------------------------------------------------------------ */

/* E of weights on a batch as the definitions say, point by point. */
static double energy_on(const lehr_run *run, const float *theta, int64_t points)
{
    const lehr_energy_args *e = &run->pack->problem->args;
    static float loss[POINTS];
    for (int64_t n = 0; n < points; n++) {
        float a[HIDDEN], b[HIDDEN];
        const float *z = lehr_network_point(&e->network, theta, run->pack->batch_inputs + n * D, a,
                                            b);
        loss[n] = lehr_loss_point(e->loss, lehr_loss_prepare(e), 1, z, run->pack->batch_targets + n,
                                  1);
    }
    return lehr_energy_end(e, lehr_reduce(e, lehr_sum(loss, points), points), 0, 0);
}

/* The batch is of points of the training part, none of them twice. */
static void check_batch(const lehr_run *run, int64_t points)
{
    const lehr_part_data *all = &run->pack->problem->part[LEHR_PART_TRAIN];
    static char seen[POINTS];
    memset(seen, 0, sizeof seen);
    for (int64_t n = 0; n < points; n++) {
        const int32_t from = run->pack->batch_order[n];
        cr_assert(from >= 0 && from < all->points && !seen[from]);
        seen[from] = 1;
        cr_assert_arr_eq(run->pack->batch_inputs + n * D, all->inputs + (int64_t)from * D,
                         D * sizeof(float));
        cr_assert_eq(run->pack->batch_targets[n], all->targets[from]);
    }
}

/* At any scan the energies of all rows are those of the batch that it sees, of as many points as it should have:
 * first weights, weights that have not moved since a refresh, weights that were accepted. */
Test(batch, all_rows_are_weighed_on_the_batch_of_their_scan)
{
    world w = make_world(0.2);
    const lehr_run_spec spec = batch_spec();
    lehr_run *run = make_run(&spec, &w);
    const lehr_table *t = run->pack->table;
    for (int64_t scan = 0; scan <= 84; scan++) {
        const int64_t points = points_of(scan > 0 ? (int)((scan - 1) / 7) : 0);
        check_batch(run, points);
        for (int32_t r = 0; r < t->rows; r++) {
            const float *theta = t->theta + (int64_t)r * t->parameters;
            const float *best = t->best + (int64_t)r * t->parameters;
            cr_assert_eq(t->energy[r], energy_on(run, theta, points), "row %d after %d scans", r,
                         (int)scan);
            cr_assert_eq(t->best_energy[r], energy_on(run, best, points), "row %d", r);
        }
        if (scan < 84)
            advance(run, 1);
    }
    cr_assert_eq(points_of(11), spec.batch.grow, "the last batch is the largest");
    lehr_run_destroy(&run);
    drop(&w);
}

/* p > 1e-6, 1 check: over 600 batches of 50 every one of the training points comes as often. */
Test(batch, points_are_drawn_evenly_and_anew)
{
    world w = make_world(0.2);
    lehr_run_spec spec = batch_spec();
    spec.batch = (lehr_batch_spec){.points = 50, .refresh = 1};
    spec.stop.scans = 600;
    lehr_run *run = make_run(&spec, &w);
    const int64_t all = run->pack->problem->part[LEHR_PART_TRAIN].points;
    static int64_t count[POINTS];
    static int32_t last[50];
    int again = 0;
    for (int scan = 0; scan < 600; scan++) {
        advance(run, 1);
        for (int n = 0; n < 50; n++) {
            count[run->pack->batch_order[n]]++;
            again += scan > 0 && last[n] == run->pack->batch_order[n];
        }
        memcpy(last, run->pack->batch_order, sizeof last);
    }
    cr_assert_lt(again, 100, "%d of 30,000 points stood in the batch before: it is 1 in %d", again,
                 (int)all);
    /* Without replacement: variances are smaller by 1 - 50/N. */
    const double expected = 600.0 * 50 / (double)all, share = 1 - 50.0 / (double)all;
    double chi2 = 0;
    for (int64_t n = 0; n < all; n++)
        chi2 += pow((double)count[n] - expected, 2) / expected / share;
    const double p = stats_chi2_tail(chi2, (double)all - 1);
    cr_assert(p > LEAST_P && p < 1 - LEAST_P, "p %g", p);
    lehr_run_destroy(&run);
    drop(&w);
}

/* ---- The same bits ----------------------------------------------------------------------------- */

static uint64_t hash_of(const lehr_run_spec *spec, const world *w, int64_t cut)
{
    lehr_run *run = make_run(spec, w);
    lehr_run_summary summary;
    while (run->scan < spec->stop.scans)
        advance(run, cut < spec->stop.scans - run->scan ? cut : spec->stop.scans - run->scan);
    cr_assert_eq(lehr_run_summarize(run, &summary), LEHR_OK);
    lehr_run_destroy(&run);
    return summary.state_hash;
}

Test(batch, bits_do_not_depend_on_slices_threads_and_what_is_kept)
{
    world w = make_world(0.2);
    for (int delayed = 0; delayed < 2; delayed++) {
        lehr_run_spec spec = batch_spec();
        spec.delayed_acceptance = delayed;
        const uint64_t right = hash_of(&spec, &w, 84);
        static const int64_t cuts[] = {1, 2, 5, 7, 20, 33};
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
            cr_expect_eq(hash_of(&spec, &w, cuts[i]), right, "slices of %d", (int)cuts[i]);
        for (int threads = 2; threads <= 8; threads += 3) {
            spec.threads = threads;
            cr_expect_eq(hash_of(&spec, &w, 84), right, "%d threads", threads);
        }
        for (int keep = 0; keep < 2; keep++)
            for (int early = 0; early < 2; early++) {
                spec.keep_activations = keep, spec.early_rejection = early;
                cr_expect_eq(hash_of(&spec, &w, 84), right, "kept %d, early %d", keep, early);
            }
        spec.seed++;
        cr_expect_neq(hash_of(&spec, &w, 84), right, "the comparison sees another seed");
    }
    drop(&w);
}

/* A batch that is never changed and holds every point is the training part in another order: other bits, the same
 * run but for rounding; here only that it runs, with one refresh after the end. */
Test(batch, may_be_of_all_points_and_last_for_ever)
{
    world w = make_world(0.2);
    lehr_run_spec spec = batch_spec();
    spec.batch = (lehr_batch_spec){.points = 1600, .refresh = 1000};
    lehr_run *run = make_run(&spec, &w);
    advance(run, 84);
    check_batch(run, 1600);
    lehr_run_destroy(&run);
    drop(&w);
}

/* ---- What is reported -------------------------------------------------------------------------- */

/* `best` is chosen by the whole validation part, whatever the batches say. */
Test(batch, best_has_the_lowest_validation_loss_of_any_cold_row)
{
    world w = make_world(0.2);
    lehr_run_spec spec = batch_spec();
    spec.observe = 1;
    lehr_run *run = make_run(&spec, &w);
    double lowest = INFINITY;
    for (int scan = 1; scan <= 84; scan++) {
        advance(run, 1);
        run->due = true;
        cr_assert_eq(lehr_pack_observe(run->pack), LEHR_OK);
        for (int32_t copy = 0; copy < 2; copy++) {
            lehr_score score;
            const int64_t row = run->pack->table->slot_row[3 * copy];
            const float *theta = run->pack->table->theta + row * run->pack->table->parameters;
            cr_assert_eq(lehr_run_score(run, LEHR_PART_VALIDATION, theta, &score), LEHR_OK);
            lowest = fmin(lowest, score.loss);
        }
        cr_assert_leq(run->best_loss, lowest);
        lehr_score best;
        cr_assert_eq(lehr_run_score(run, LEHR_PART_VALIDATION, run->best, &best), LEHR_OK);
        cr_assert_eq(best.loss, run->best_loss);
    }
    lehr_run_destroy(&run);
    drop(&w);
}

/* ---- Refusals ---------------------------------------------------------------------------------- */

static void refuse(const lehr_run_spec *spec, const lehr_objective *objective, const char *says)
{
    lehr_run *run = NULL;
    cr_expect_eq(lehr_run_create(spec, objective, &run), LEHR_ERR_ARG, "accepted: %s", says);
    cr_expect_null(run);
    cr_expect_not_null(strstr(lehr_error(), says), "%s\n  lacks %s", lehr_error(), says);
}

Test(batch, refuses_what_cannot_be)
{
    world w = make_world(0.2), bare = make_world(0);
    lehr_run_spec spec = batch_spec();
    refuse(&spec, bare.objective, "batches need a validation part");
    spec.batch.points = 1601;
    refuse(&spec, w.objective, "a batch of 1601 points is more than the 1600 of the training part");
    spec.batch.points = 5, spec.batch.grow = 1700;
    refuse(&spec, w.objective, "a batch of 1700 points is more than");
    spec = batch_spec(), spec.batch.refresh = 0;
    refuse(&spec, w.objective, "data.batch.refresh must be at least 1, got 0");
    spec = batch_spec(), spec.moves[1].scale = 0;
    refuse(&spec, w.objective, "moves.1: step sizes that adapt on refreshed batches diverge");
    lehr_objective *spins = NULL;
    const lehr_target_spec target = {.kind = LEHR_TARGET_QUADRATIC, .parameters = 4};
    cr_assert_eq(lehr_objective_create_target(&target, &spins), LEHR_OK);
    spec = batch_spec(), spec.moves[0].scope = LEHR_SCOPE_ALL;
    refuse(&spec, spins, "batches need a network on data");
    spec.batch.points = 0, spec.delayed_acceptance = true;
    refuse(&spec, spins, "delayed acceptance needs a network on data");
    lehr_objective_destroy(&spins);
    drop(&w), drop(&bare);
}

/* ---- Schedules of step sizes ------------------------------------------------------------------- */

/* Everything is accepted at beta 0, so how far a weight moves is its step times the noise of its draw. The first and
 * the last step are the numbers of the spec; between them they fall in equal ratios. */
Test(schedule, steps_go_from_the_first_to_the_last)
{
    static const double ends[][2] = {{0.015, 0.001}, {1, 1e-4}, {0.3, 0.7}, {2, 2}};
    enum { SCANS = 50 };
    lehr_objective *objective = NULL;
    const lehr_target_spec target = {.kind = LEHR_TARGET_QUADRATIC, .parameters = 1};
    cr_assert_eq(lehr_objective_create_target(&target, &objective), LEHR_OK);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        lehr_run_spec spec = batch_spec();
        spec.batch.points = 0;
        spec.ladder = (lehr_ladder_spec){
            .kind = LEHR_LADDER_LIST, .rungs = 2, .list = {1e299, 1e300}};
        spec.exchange.scheme = LEHR_EXCHANGE_NONE;
        spec.move_count = 1;
        spec.moves[0] = (lehr_move_spec){
            .kind = LEHR_MOVE_GAUSSIAN, .scale = ends[i][0], .scale_to = ends[i][1], .weight = 1};
        spec.stop.scans = SCANS;
        lehr_run *run = NULL;
        cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK, "%s", lehr_error());
        float theta = run->pack->table->theta[0];
        for (uint64_t scan = 0; scan < SCANS; scan++) {
            float z[4];
            const double share = (double)scan / (SCANS - 1);
            const float sigma = scan == 0 ? (float)ends[i][0]
                                : scan + 1 == SCANS
                                    ? (float)ends[i][1]
                                    : lehr_scheduled_step(run->pack->table->group, 0, scan);
            cr_assert_float_eq(sigma, ends[i][0] * pow(ends[i][1] / ends[i][0], share),
                               1e-6 * (double)sigma);
            lehr_noise4(LEHR_MOVE_GAUSSIAN, 0,
                        lehr_row_stream(run->pack->table->group->key, scan, 0), 0, z);
            theta = lehr_perturb(theta, sigma, z[0]);
            advance(run, 1);
            cr_assert_eq(run->pack->table->theta[0], theta,
                         "ends %zu, scan %d: %.9g instead of %.9g", i, (int)scan,
                         (double)run->pack->table->theta[0], (double)theta);
        }
        lehr_run_destroy(&run);
    }
    lehr_objective_destroy(&objective);
}

/* Annealing cools and its steps shrink over the same scans; then both stay. A schedule without a length cannot be. */
Test(schedule, has_the_length_of_the_cooling)
{
    world w = make_world(0.2);
    lehr_run_spec spec = batch_spec();
    spec.batch.points = 0;
    spec.method = LEHR_METHOD_ANNEALING;
    spec.cooling.scans = 40;
    spec.moves[0].scale_to = 0.002;
    lehr_run *run = make_run(&spec, &w);
    cr_assert_eq(lehr_scheduled_step(run->pack->table->group, 0, 0), 0.2f);
    cr_assert_eq(lehr_scheduled_step(run->pack->table->group, 0, 39), 0.002f);
    cr_assert_eq(lehr_scheduled_step(run->pack->table->group, 0, 1000), 0.002f);
    lehr_run_destroy(&run);
    spec.method = LEHR_METHOD_TEMPERING;
    spec.cooling.scans = 0;
    spec.stop = (lehr_stop_spec){.wall_s = 1};
    refuse(&spec, w.objective, "moves.0: a schedule of step sizes needs the run's length in scans");
    drop(&w);
}
