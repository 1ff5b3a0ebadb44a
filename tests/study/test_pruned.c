/* Trials that a stage has ended while nobody was at work on them, from a few crates and from many. */
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "study/visits.h"

TestSuite(pruned, .init = scratch_make, .fini = scratch_remove);

/* How far a trial's status says that it came. */
static int64_t status_scan(const world *w, int32_t trial)
{
    return look_at(w, trial).scan;
}

/* EXACT: a trial that is pruned while it waits has the files of one that was pruned at work; so has one of which nothing
 * is left but that it was at a stage. */
static void expect_files(bool lost)
{
    static const char traced[] = "base: base.yaml\n"
                                 "axes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: [1, 2], "
                                 "output.trace.energy: [4]}\n"
                                 "objective: {metric: train_loss, over: seed}\n"
                                 "prune: {kind: sha, min_scans: 25, eta: 2}\n";
    world w = {0};
    lehr_text whole[12] = {0};
    int64_t scan[12];
    open_world(&w, traced);
    go(&w, LEHR_WORKER_DONE);
    for (int32_t i = 0; i < 12; i++) {
        read_files(&w, i, &whole[i]);
        scan[i] = status_scan(&w, i);
        cr_assert(scan[i] == 25 || scan[i] == 50 || scan[i] == 60, "%lld", (long long)scan[i]);
    }
    close_world(&w);
    forget_work();
    w = (world){0};
    open_world(&w, traced);
    w.spec.shards = 2;
    for (int turn = 0; turn < 6; turn++) {
        lehr_worker_end end;
        visit v;
        w.spec.shard = turn % 2;
        cr_assert_eq(work(&w, &v, 0, &end), LEHR_OK, "%s", lehr_error());
        if (lost && turn == 0)
            lehr_yard_remove(&w.yard.dir, "packs");
        if (lost && turn == 0)
            cr_assert_eq(mkdir(scratch("sweep/packs"), 0755), 0);
        close_world(&w);
        w = (world){0};
        open_world(&w, traced);
        w.spec.shards = 2;
    }
    for (int32_t i = 0; i < 12; i++) {
        lehr_text split = {0};
        read_files(&w, i, &split);
        cr_expect_str_eq(split.data, whole[i].data, "trial %d", i);
        cr_expect_eq(status_scan(&w, i), scan[i], "trial %d: %lld", i,
                     (long long)status_scan(&w, i));
        lehr_text_free(&split);
        lehr_text_free(&whole[i]);
    }
    close_world(&w);
}

Test(pruned, trials_that_waited_keep_what_was_seen)
{
    expect_files(false);
}

Test(pruned, trials_that_lost_their_crate_while_they_waited_are_seen_again)
{
    expect_files(true);
}

/* Crates of one or three trials, of which half go on and the others have ended, and few descriptors. */
Test(pruned, trials_of_many_crates_are_opened_a_few_at_a_time)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max = 100;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int32_t crates = 60; crates >= 20; crates -= 40) {
        world w = {0};
        visit v;
        lehr_worker_end end;
        lehr_tally tally;
        open_world(&w, "base: base.yaml\n"
                       "axes: {moves.0.scale: {log: [1e-3, 3], n: 60}}\n"
                       "objective: {metric: train_loss}\n"
                       "prune: {kind: sha, min_scans: 25, eta: 2}\n");
        w.spec.shards = crates;
        for (w.spec.shard = 0; w.spec.shard < crates - 1; w.spec.shard++)
            visit_until(&w, &v, 0, LEHR_WORKER_WAITS);
        cr_assert_eq(scratch_count("sweep/packs"), crates - 1);
        w.spec.shards = 1;
        w.spec.shard = 0;
        cr_assert_eq(work(&w, &v, 0, &end), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(end, LEHR_WORKER_DONE);
        cr_assert_str_eq(v.said, "");
        lehr_worker_count(&w.spec, &tally);
        cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 15);
        cr_assert_eq(tally.state[LEHR_TRIAL_PRUNED], 45);
        close_world(&w);
        forget_work();
    }
}
