/* Successive halving: who goes on follows from the files of the stages alone. */
#include <criterion/criterion.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
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
        cr_assert_eq(lehr_prune_fate(mine, i, INT64_MAX), LEHR_FATE_RUNS);
        reach(i % 2 ? mine : other, i, 0, first[i]);
        cr_assert_eq(lehr_prune_refresh(mine), LEHR_OK);
        cr_assert(i == 11 || lehr_prune_fate(mine, i, INT64_MAX) == LEHR_FATE_WAITS, "trial %d", i);
    }
    static const double second[12] = {[2] = 6, 6, [6] = 4, 4, [10] = 2, 2};
    static const bool alive[6] = {false, true, false, true, false, true};
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(mine, i, INT64_MAX),
                     alive[i / 2] ? LEHR_FATE_RUNS : LEHR_FATE_PRUNED, "trial %d", i);
    for (int32_t i = 0; i < 12; i++)
        if (alive[i / 2])
            reach(mine, i, 1, second[i]); /* the last two go on */
    cr_expect_eq(lehr_prune_fate(mine, 2, INT64_MAX), LEHR_FATE_PRUNED);
    cr_expect_eq(lehr_prune_fate(mine, 7, INT64_MAX), LEHR_FATE_RUNS);
    cr_expect_eq(lehr_prune_fate(mine, 11, INT64_MAX), LEHR_FATE_RUNS);

    mine->ledger.maximize = true; /* of 3 2 9 2.5 a failed one and 2, the most are best */
    cr_assert_eq(lehr_prune_refresh(mine), LEHR_OK);
    static const bool most[6] = {true, false, true, true, false, false};
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(mine, i, INT64_MAX) == LEHR_FATE_PRUNED, !most[i / 2],
                     "trial %d", i);
    mine->ledger.maximize = false;
    cr_assert_eq(lehr_prune_refresh(mine), LEHR_OK);

    reach(mine, 0, 0, 0); /* what is written stays */
    lehr_prune *fresh = create(&w);
    for (int32_t i = 0; i < 12; i++)
        cr_expect_eq(lehr_prune_fate(mine, i, INT64_MAX), lehr_prune_fate(fresh, i, INT64_MAX));
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
        cr_expect_eq(lehr_prune_fate(prune, i, INT64_MAX),
                     i < 6 ? LEHR_FATE_RUNS : LEHR_FATE_PRUNED);
    lehr_prune_destroy(&prune);
    close_world(&w);
}

/* Two that are started at once: the list in the directory is the other one's. */
Test(prune, by_the_list_of_another_sweep_is_refused)
{
    static const char *const others[] = {
        "base: base.yaml\n"
        "axes: {moves.0.scale: {log: [1e-3, 2], n: 6}, seed: [1, 2]}\n"
        "objective: {metric: train_loss, over: seed}\n",
        "base: base.yaml\n"
        "axes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: [2, 1]}\n"
        "objective: {metric: train_loss, over: seed}\n",
        "base: base.yaml\n"
        "axes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: [1]}\n"
        "objective: {metric: train_loss, over: seed}\n",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        world mine = {0}, other = {0};
        lehr_worker_end end;
        open_world(&mine, halving);
        open_world(&other, others[i]);
        cr_assert_eq(lehr_worker_go(&mine.spec, &end), LEHR_ERR_EXISTS, "list %zu", i);
        cr_assert_not_null(strstr(lehr_error(), "sweep.json: another process has put another list"),
                           "%s", lehr_error());
        cr_assert_not(scratch_has("sweep/rungs"), "nothing was done by it");
        close_world(&other);
        close_world(&mine);
        forget_work();
    }
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

/* ---- Lists that change ------------------------------------------------------------------------- */

/* What is known of a sweep that has ended, by the id of each trial: did it end well? */
static json_t *ends_of(const world *w)
{
    json_t *ends = json_object();
    for (int32_t i = 0; i < w->trials->count; i++) {
        lehr_trial_look look;
        const char *id = w->trials->trial[i].id;
        lehr_trial_look_at(&w->yard, id, &look);
        cr_assert(look.state == LEHR_TRIAL_DONE || look.state == LEHR_TRIAL_PRUNED, "trial %d: %s",
                  i, lehr_trial_state_name(look.state));
        json_object_set_new(ends, id, json_boolean(look.state == LEHR_TRIAL_DONE));
    }
    return ends;
}

static int64_t result_inode(const char *id)
{
    char name[100];
    struct stat about;
    snprintf(name, sizeof name, "sweep/trials/%.20s/result.json", id);
    return stat(scratch(name), &about) == 0 ? (int64_t)about.st_ino : -1;
}

static void open_again(world *w, const char *text)
{
    close_world(w);
    *w = (world){0};
    open_world(w, text);
}

/* Run one list to its end, then another in the same directory, with so many shards by turns: whatever a fresh directory
 * would finish is finished with the same bits, and what was finished stands. */
static void change(const char *before, const char *after, int32_t shards)
{
    world w = {0};
    open_world(&w, after);
    go(&w, LEHR_WORKER_DONE);
    json_t *fresh = ends_of(&w);
    open_again(&w, before);
    forget_work();
    open_again(&w, before);
    go(&w, LEHR_WORKER_DONE);
    json_t *first = ends_of(&w), *inodes = json_object();
    const char *id;
    json_t *done;
    json_object_foreach(first, id, done)
        json_object_set_new(inodes, id, json_integer(result_inode(id)));
    open_again(&w, after);
    w.spec.shards = shards;
    for (int turn = 0; turn < 8 * shards; turn++) {
        lehr_worker_end end;
        w.spec.shard = turn % shards;
        cr_assert_eq(lehr_worker_go(&w.spec, &end), LEHR_OK, "%s", lehr_error());
        cr_assert(turn < 7 * shards || end == LEHR_WORKER_DONE, "turn %d waits", turn);
    }
    json_t *grown = ends_of(&w);
    json_object_foreach(grown, id, done) cr_expect_eq(json_is_true(done),
                                                      json_is_true(json_object_get(fresh, id)) ||
                                                          json_is_true(json_object_get(first, id)),
                                                      "trial %s", id);
    json_object_foreach(first, id, done) cr_expect(
        !json_is_true(done) || result_inode(id) == json_integer_value(json_object_get(inodes, id)),
        "trial %s was written again", id);
    json_decref(fresh);
    json_decref(first);
    json_decref(inodes);
    json_decref(grown);
    close_world(&w);
    forget_work();
}

#define HALVING(scales, seeds, rest)                                                               \
    "base: base.yaml\n"                                                                            \
    "axes: {moves.0.scale: [" scales "], seed: [" seeds "]" rest "}\n"                             \
    "objective: {metric: train_loss, over: seed}\n"                                                \
    "prune: {kind: sha, min_scans: 25, eta: 2}\n"
#define SIX "1e-3, 5e-3, 2.5e-2, 0.12, 0.6, 3"

/* EXACT: with more replicates, more points, fewer of both, and a longest trial that is longer. */
Test(prune, lists_that_change_end_as_they_would_in_a_fresh_directory)
{
    static const char *const lists[][2] = {
        {HALVING(SIX, "1, 2", ""), HALVING(SIX, "1, 2, 3, 4", "")},
        {HALVING(SIX, "1, 2", ""), HALVING(SIX ", 0.3, 0.05", "1, 2", "")},
        {HALVING(SIX, "3", ""), HALVING(SIX ", 0.3", "1, 2, 4, 3", "")},
        {HALVING(SIX ", 0.3, 0.05", "1, 2, 3", ""), HALVING(SIX, "2", "")},
        {HALVING(SIX ", 0.3, 0.05", "1, 2", ""), HALVING("1e-3, 5e-3, 3", "1, 2", "")},
        {HALVING(SIX, "1", ", stop.scans: [60]"), HALVING(SIX, "1", ", stop.scans: [60, 150]")},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (int32_t shards = 1; shards <= 3; shards += 2)
            change(lists[i][0], lists[i][1], shards);
}

/* EXACT: a rule that comes later, with other numbers, by another score, or goes. What was finished before has no stages;
 * what it had reached at them stands in its events. */
Test(prune, rules_that_change_end_as_they_would_in_a_fresh_directory)
{
    static const char plain[] = "base: base.yaml\naxes: {moves.0.scale: [" SIX "], seed: [1, 2]}\n",
                      other[] = "base: base.yaml\naxes: {moves.0.scale: [" SIX "], seed: [1, 2]}\n"
                                "objective: {metric: validation_loss, over: seed}\n"
                                "prune: {kind: sha, min_scans: 20, eta: 3}\n";
    change(plain, HALVING(SIX, "1, 2, 3", ""), 1);
    change(HALVING(SIX, "1, 2", ""), other, 3);
    change(HALVING(SIX, "1, 2", ""), plain, 1);
}

/* EXACT: the same figures, whether a trial wrote them at its stages or its events are asked. */
Test(prune, what_finished_trials_had_reached_is_read_from_their_events)
{
    static const char text[] = "base: base.yaml\naxes: {moves.0.scale: [" SIX "], seed: [1, 2]}\n"
                               "objective: {metric: validation_loss, over: seed}\n"
                               "prune: {kind: sha, min_scans: 25, eta: 2}\n";
    world w = {0};
    double value[12][2];
    open_world(&w, "base: base.yaml\naxes: {moves.0.scale: [" SIX "], seed: [1, 2]}\n");
    go(&w, LEHR_WORKER_DONE);
    open_again(&w, text);
    lehr_prune *prune = create(&w);
    for (int32_t i = 0; i < 12; i++)
        for (int32_t k = 0; k < 2; k++) {
            cr_assert_neq(prune->reached[k * 12 + i], LEHR_REACHED_NOTHING);
            value[i][k] = prune->value[k * 12 + i];
        }
    lehr_prune_destroy(&prune);
    open_again(&w, text);
    forget_work();
    open_again(&w, text);
    go(&w, LEHR_WORKER_DONE);
    int32_t compared = 0;
    prune = create(&w);
    for (int32_t i = 0; i < 12; i++)
        for (int32_t k = 0; k < 2;
             k++, compared += prune->reached[(k - 1) * 12 + i] == LEHR_REACHED_PASSED)
            cr_expect(prune->reached[k * 12 + i] == LEHR_REACHED_NOTHING ||
                          prune->value[k * 12 + i] == value[i][k],
                      "trial %d at stage %d: %.17g and %.17g", i, k, prune->value[k * 12 + i],
                      value[i][k]);
    cr_expect_eq(compared, 12 + 6);
    lehr_prune_destroy(&prune);
    close_world(&w);
}

static void keep_sentence(const char *sentence, void *data)
{
    snprintf(data, 512, "%s", sentence);
}

Test(prune, who_waits_or_starts_over_says_so)
{
    char said[512] = "";
    world w = {0};
    open_world(&w, HALVING(SIX, "1, 2", ""));
    w.spec.say = keep_sentence;
    w.spec.data = said;
    w.spec.shards = 3;
    go(&w, LEHR_WORKER_WAITS);
    cr_expect_not_null(strstr(said, "8 trials of others have yet to reach scan 25, where it is "
                                    "decided which go on: 0 at work now, 8 pending; those that "
                                    "are not at work are for the other shards, or for this command "
                                    "without --shard"),
                       "%s", said);
    open_again(&w, HALVING(SIX, "1, 2", ""));
    go(&w, LEHR_WORKER_DONE);
    open_again(&w, "base: base.yaml\naxes: {moves.0.scale: [" SIX "], seed: [1, 2]}\n");
    said[0] = '\0';
    w.spec.say = keep_sentence;
    w.spec.data = said;
    go(&w, LEHR_WORKER_DONE);
    cr_expect_not_null(strstr(said, "8 trials were pruned before and start over"), "%s", said);
    said[0] = '\0';
    go(&w, LEHR_WORKER_DONE);
    cr_expect_str_eq(said, "");
    close_world(&w);
}

/* EXACT: allocations of a shard fail once, each time in a directory of its own, also when its trials wait at a stage:
 * nothing is lost, and no verdict is another one. */
Test(prune, without_memory_loses_nothing)
{
    static char expected[1 << 16];
    world w = {0};
    lehr_worker_end end;
    open_world(&w, halving);
    go(&w, LEHR_WORKER_DONE);
    snprintf(expected, sizeof expected, "%s", collected(&w));
    for (int64_t n = 1, enough = 0; !enough; n += 61) {
        start_over(&w);
        w.spec.shards = 2;
        const int64_t before = lehr_memory_count();
        lehr_memory_fail_at(n);
        const lehr_status status = lehr_worker_go(&w.spec, &end);
        enough = lehr_memory_count() - before < n;
        lehr_memory_fail_at(0);
        cr_assert(status == LEHR_OK || status == LEHR_ERR_MEMORY, "%lld: %s", (long long)n,
                  lehr_error());
        char said[512] = "";
        open_again(&w, halving);
        w.spec.shards = 2;
        w.spec.say = keep_sentence;
        w.spec.data = said;
        w.spec.retry = LEHR_RETRY_FAILED;
        for (int turn = 0; turn < 8; turn++) {
            w.spec.shard = turn % 2;
            cr_assert_eq(lehr_worker_go(&w.spec, &end), LEHR_OK, "%lld: %s", (long long)n,
                         lehr_error());
        }
        cr_assert_eq(end, LEHR_WORKER_DONE, "%lld: %s", (long long)n, said);
        cr_assert_str_eq(collected(&w), expected, "%lld", (long long)n);
    }
    close_world(&w);
}

/* ---- What is lost -------------------------------------------------------------------------------- */

/* EXACT: a trial that had ended before a stage, and then loses its directory, ends again, whatever became of its point
 * there: as after a kill between its last stage and its end. */
Test(prune, trials_that_ended_before_a_stage_end_again)
{
    world w = {0};
    int32_t removed = 0;
    open_world(&w, HALVING(SIX, "1, 2", ", stop.scans: [60, 200]"));
    go(&w, LEHR_WORKER_DONE);
    json_t *ends = ends_of(&w);
    for (int32_t i = 0; i < w.trials->count; i++)
        if (w.trials->trial[i].scans == 60 &&
            json_is_true(json_object_get(ends, w.trials->trial[i].id))) {
            lehr_yard_remove(&w.yard.trials, w.trials->trial[i].id);
            removed++;
        }
    cr_assert_geq(removed, 2);
    go(&w, LEHR_WORKER_DONE);
    json_t *again = ends_of(&w);
    cr_expect(json_equal(again, ends));
    json_decref(again);
    json_decref(ends);
    close_world(&w);
}

/* EXACT: where a trial has failed at all stages, and its cause is gone, it is judged by what it reaches now. */
Test(prune, a_failure_that_is_overcome_counts_no_more)
{
    world w = {0};
    open_world(&w, halving);
    go(&w, LEHR_WORKER_DONE);
    json_t *fresh = ends_of(&w);
    start_over(&w);
    lehr_prune *prune = create(&w);
    for (int32_t i = 0; i < 12; i++)
        cr_assert_eq(lehr_prune_fail(prune, i), LEHR_OK);
    lehr_prune_destroy(&prune);
    go(&w, LEHR_WORKER_DONE);
    json_t *now = ends_of(&w);
    cr_expect(json_equal(now, fresh));
    json_decref(now);
    json_decref(fresh);
    close_world(&w);
}

/* Tried again at once, in a second call, or after a kill before their directories said that they have failed. */
Test(prune, trials_that_fail_again_have_failed)
{
    for (int way = 0; way < 3; way++) {
        world w = {0};
        open_world(&w, way == 0 ? "base: base.yaml\n"
                                  "axes: {network.init.scale: [1, 0.5, 1e30], seed: [1, 2], "
                                  "network.activation: [relu]}\n"
                                  "objective: {metric: train_loss, over: seed}\n"
                                  "prune: {kind: sha, min_scans: 25, eta: 2}\n"
                                  "limits: {retries: 1}\n"
                                : "base: base.yaml\n"
                                  "axes: {network.init.scale: [1, 0.5, 1e30], seed: [1, 2], "
                                  "network.activation: [relu]}\n"
                                  "objective: {metric: train_loss, over: seed}\n"
                                  "prune: {kind: sha, min_scans: 25, eta: 2}\n");
        lehr_tally tally = go(&w, LEHR_WORKER_DONE);
        cr_assert_eq(tally.state[LEHR_TRIAL_FAILED], 2, "%d: %d", way,
                     tally.state[LEHR_TRIAL_FAILED]);
        if (way == 2)
            for (int32_t i = 4; i < 6; i++)
                lehr_yard_remove(&w.yard.trials, w.trials->trial[i].id);
        w.spec.retry = way == 1 ? LEHR_RETRY_FAILED : w.spec.retry;
        const lehr_tally again = way == 0 ? tally : go(&w, LEHR_WORKER_DONE);
        for (int state = 0; state < LEHR_TRIAL_STATE_COUNT; state++)
            cr_expect_eq(again.state[state], tally.state[state], "%d: %d %s", way,
                         again.state[state], lehr_trial_state_name((lehr_trial_state)state));
        close_world(&w);
        forget_work();
    }
}

/* A file that is there and cannot be read is no file that is not there: nothing is begun, and it is named. */
Test(prune, a_stage_that_cannot_be_read_is_named_and_nothing_starts_over)
{
    world w = {0};
    lehr_worker_end end;
    char name[100];
    open_world(&w, halving);
    go(&w, LEHR_WORKER_DONE);
    lehr_yard_remove(&w.yard.trials, w.trials->trial[0].id);
    snprintf(name, sizeof name, "sweep/rungs/25/%.20s", w.trials->trial[11].id);
    cr_assert_eq(unlink(scratch(name)), 0);
    cr_assert_eq(mkdir(scratch(name), 0755), 0);
    cr_assert_eq(lehr_worker_go(&w.spec, &end), LEHR_ERR_IO);
    cr_expect_not_null(strstr(lehr_error(), name), "%s", lehr_error());
    cr_assert_eq(rmdir(scratch(name)), 0);
    close_world(&w);
}

/* EXACT: a rule that comes when the events, or all, of a finished trial are gone. */
Test(prune, finished_trials_without_their_files_count_by_what_is_left)
{
    static const char *const lost[] = {"events.jsonl", "result.json"};
    static const char plain[] = "base: base.yaml\naxes: {moves.0.scale: [" SIX "], seed: [1, 2]}\n";
    world w = {0};
    char name[100];
    open_world(&w, plain);
    go(&w, LEHR_WORKER_DONE);
    for (int32_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "sweep/trials/%.20s/%s", w.trials->trial[i].id, lost[i]);
        cr_assert_eq(unlink(scratch(name)), 0);
    }
    open_again(&w, HALVING(SIX, "1, 2", ""));
    const lehr_tally tally = go(&w, LEHR_WORKER_DONE);
    cr_expect_eq(tally.state[LEHR_TRIAL_DONE], 12);
    lehr_prune *prune = create(&w);
    cr_expect_not(isnan(prune->value[0]));
    cr_expect(isnan(prune->value[1]));
    lehr_prune_destroy(&prune);
    close_world(&w);
}
