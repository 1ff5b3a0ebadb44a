/* Successive halving: who goes on follows from the files of the stages alone. */
#include <criterion/criterion.h>
#include <math.h>

#include "study/collect.h"
#include "study/prune.h"
#include "study/worker_world.h"

TestSuite(prune, .init = scratch_make, .fini = scratch_remove);

/* Six points of two seeds; stages at 25 and 50 of 60 scans, between observations, keep three and two of them. */
static const char halving[] = "base: base.yaml\n"
                              "axes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: [1, 2]}\n"
                              "objective: {metric: train_loss, over: seed}\n"
                              "prune: {kind: sha, min_scans: 25, eta: 2}\n";

static lehr_prune *create(const world *w)
{
    lehr_prune *prune = NULL;
    cr_assert_eq(lehr_prune_create(w->trials, &w->yard, &prune), LEHR_OK, "%s", lehr_error());
    cr_assert_not_null(prune);
    return prune;
}

/* What one trial has reached at a stage. */
static void reach(lehr_prune *prune, int32_t trial, int32_t stage, double value)
{
    cr_assert_eq(lehr_prune_reach(prune, trial, stage, value), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_prune_refresh(prune), LEHR_OK);
}

Test(prune, keeps_the_best_means_when_all_have_come)
{
    static const double first[12] = {5, 1, 2, 2,   9, 9,
                                     1, 4, 3, NAN, 2, 2}; /* means 3 2 9 2.5 inf 2 */
    world w = {0};
    open_world(&w, halving);
    lehr_prune *mine = create(&w), *other = create(&w);
    cr_assert_eq(mine->stages, 2);
    cr_assert_eq(mine->scan[1], 50);
    for (int32_t i = 0; i < 12; i++) {
        cr_assert_eq(lehr_prune_fate(mine, i), LEHR_FATE_RUNS);
        reach(i % 2 ? mine : other, i, 0, first[i]);
        cr_assert_eq(lehr_prune_refresh(mine), LEHR_OK);
        cr_assert(i == 11 || lehr_prune_fate(mine, i) == LEHR_FATE_WAITS, "trial %d", i);
    }
    static const double second[12] = {[2] = 6, 6, [6] = 4, 4, [10] = 2, 2};
    static const bool alive[6] = {false, true, false, true, false, true};
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(mine, i), alive[i / 2] ? LEHR_FATE_RUNS : LEHR_FATE_PRUNED,
                     "trial %d", i);
    for (int32_t i = 0; i < 12; i++)
        if (alive[i / 2])
            reach(mine, i, 1, second[i]); /* the last two go on */
    cr_expect_eq(lehr_prune_fate(mine, 2), LEHR_FATE_PRUNED);
    cr_expect_eq(lehr_prune_fate(mine, 7), LEHR_FATE_RUNS);
    cr_expect_eq(lehr_prune_fate(mine, 11), LEHR_FATE_RUNS);

    mine->ledger.maximize = true; /* of 3 2 9 2.5 a failed one and 2, the most are best */
    cr_assert_eq(lehr_prune_refresh(mine), LEHR_OK);
    static const bool most[6] = {true, false, true, true, false, false};
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(mine, i) == LEHR_FATE_PRUNED, !most[i / 2], "trial %d", i);
    mine->ledger.maximize = false;
    cr_assert_eq(lehr_prune_refresh(mine), LEHR_OK);

    reach(mine, 0, 0, 0); /* what is written stays */
    lehr_prune *fresh = create(&w);
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(mine, i), lehr_prune_fate(fresh, i));
    lehr_prune_destroy(&fresh);
    lehr_prune_destroy(&mine);
    lehr_prune_destroy(&other);
    close_world(&w);
}

Test(prune, of_points_with_equal_means_keeps_the_first)
{
    world w = {0};
    open_world(&w, halving);
    lehr_prune *prune = create(&w);
    for (int32_t i = 0; i < 12; i++)
        reach(prune, i, 0, 1);
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(prune, i), i < 6 ? LEHR_FATE_RUNS : LEHR_FATE_PRUNED);
    lehr_prune_destroy(&prune);
    close_world(&w);
}

static const char *collected(const world *w)
{
    int32_t rows = 0;
    cr_assert_eq(lehr_collect(&w->yard, &rows), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(rows, 12);
    return scratch_read("sweep/results.csv");
}

static void start_over(world *w)
{
    close_world(w);
    forget_work();
    *w = (world){0};
    open_world(w, halving);
}

/* EXACT: in one launch, in launches of two trials, and in shards that come by turns. */
Test(prune, comes_to_the_same_in_any_order_of_work)
{
    static char expected[1 << 16];
    world w = {0};
    open_world(&w, halving);
    const lehr_tally tally = go(&w, LEHR_WORKER_DONE);
    cr_assert_eq(tally.state[LEHR_TRIAL_PRUNED], 8);
    cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 4);
    snprintf(expected, sizeof expected, "%s", collected(&w));
    for (int32_t i = 0; i < 12; i++) {
        char path[300], hash[17];
        lehr_trial_look look;
        const char *id = w.trials->trial[i].id;
        lehr_trial_look_at(&w.yard, id, &look);
        if (look.state != LEHR_TRIAL_DONE)
            continue;
        json_t *result = read_result(id);
        snprintf(path, sizeof path, "%s/%s/config.yaml", scratch("sweep/trials"), id);
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run_alone(path));
        cr_expect_str_eq(json_string_value(json_object_get(result, "state_hash")), hash);
        json_decref(result);
    }

    start_over(&w);
    w.trials->rows_most = 12; /* two trials of six rows */
    go(&w, LEHR_WORKER_DONE);
    cr_assert_str_eq(collected(&w), expected);

    start_over(&w);
    w.spec.shards = 3;
    int waits = 0;
    for (int turn = 0; turn < 20; turn++) {
        lehr_worker_end end;
        w.spec.shard = turn % 3;
        cr_assert_eq(lehr_worker_go(&w.spec, &end), LEHR_OK, "%s", lehr_error());
        waits += end == LEHR_WORKER_WAITS;
        cr_assert(turn < 9 || end == LEHR_WORKER_DONE, "turn %d", turn);
    }
    cr_assert_geq(waits, 2, "a shard cannot judge alone");
    cr_assert_str_eq(collected(&w), expected);
    close_world(&w);
}
