/* A worker: trials of many shapes, packed, have the same bits and files as runs alone. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "base/memory.h"
#include "study/collect.h"
#include "study/ledger.h"
#include "study/worker_world.h"

TestSuite(worker, .init = scratch_make, .fini = scratch_remove);

/* EXACT: six axes that pack and two that do not, every trial against itself alone. */
Test(worker, gives_every_trial_the_bits_that_it_has_alone)
{
    world w = {0};
    open_world(&w, "base: base.yaml\nmode: list\ntrials:\n"
                   "  - {seed: 1}\n"
                   "  - {seed: 2, temperatures.rungs: 5, temperatures.copies: 1}\n"
                   "  - {moves.0.scale: 0.3, stop.scans: 33}\n"
                   "  - {network.hidden: [4, 2]}\n"
                   "  - {seed: 3, output.observe: 7, exchange.every: 3, stop.scans: 90}\n"
                   "  - {method: annealing, chains: 4}\n"
                   "  - {data.split_seed: 5}\n"
                   "  - {temperatures.min: 1e-2, output.trace.energy: 9}\n"
                   "  - {stop.target.metric: train_loss, stop.target.value: 100}\n");
    const lehr_tally tally = go(&w, LEHR_WORKER_DONE);
    cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 9);
    for (int32_t i = 0; i < w.trials->count; i++) {
        char path[300], hash[17];
        const char *id = w.trials->trial[i].id;
        json_t *result = read_result(id);
        snprintf(path, sizeof path, "%s/%s/config.yaml", scratch("sweep/trials"), id);
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run_alone(path));
        cr_expect_str_eq(json_string_value(json_object_get(result, "state_hash")), hash, "trial %d",
                         i);
        json_decref(result);
    }
    close_world(&w);
}

Test(worker, fills_launches_and_never_more)
{
    world w = {0};
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 20]}}\n");
    cr_assert_eq(w.trials->rows_most, 512, "2 threads of 256 rows");
    w.trials->rows_most = 20; /* three trials of six rows */
    const lehr_trial *t = w.trials->trial;
    cr_assert(lehr_trials_fit(w.trials, t, 12, 0, t + 1));
    cr_assert_not(lehr_trials_fit(w.trials, t, 18, 0, t + 1));
    cr_assert_not(lehr_trials_fit(w.trials, t, 6, w.trials->bytes_most, t + 1));
    cr_assert_eq(go(&w, LEHR_WORKER_DONE).state[LEHR_TRIAL_DONE], 20);
    close_world(&w);
}

static void keep_tally(const lehr_worker_progress *progress, void *data)
{
    *(lehr_tally *)data = progress->tally;
}

Test(worker, leaves_other_shards_alone)
{
    world w = {0};
    lehr_tally shown = {0};
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 7]}}\n");
    w.spec.shard = 1;
    w.spec.shards = 3;
    w.spec.look = keep_tally;
    w.spec.data = &shown;
    cr_assert_eq(go(&w, LEHR_WORKER_DONE).state[LEHR_TRIAL_DONE], 2);
    cr_assert_eq(shown.trials, 2, "progress is that of the shard");
    w.spec.shard = 0;
    w.spec.shards = 1;
    lehr_tally tally;
    lehr_worker_count(&w.spec, &tally);
    cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 2);
    cr_assert_eq(tally.state[LEHR_TRIAL_PENDING], 5);
    close_world(&w);
}

/* Weights so large that some seeds overflow at once: one pack, which is halved until only they are alone. */
Test(worker, finds_the_trials_of_a_pack_that_are_to_blame)
{
    world w = {0};
    int failed = 0;
    open_world(&w, "base: base.yaml\nlimits: {retries: 1}\naxes:\n"
                   "  data.generator.kind: [line]\n  data.task: [regression]\n"
                   "  loss.kind: [mse]\n  network.hidden: [[]]\n  network.init.scale: [2e18]\n"
                   "  temperatures.rungs: [2]\n  temperatures.copies: [1]\n"
                   "  seed: {range: [1, 8]}\n");
    cr_assert_eq(w.trials->shapes, 1);
    const lehr_tally tally = go(&w, LEHR_WORKER_DONE);
    for (int32_t i = 0; i < 8; i++) {
        lehr_trial_look look;
        const char *id = w.trials->trial[i].id;
        lehr_trial_look_at(&w.yard, id, &look);
        if (look.state == LEHR_TRIAL_FAILED) {
            failed++;
            cr_expect_eq(look.attempts, 2, "once, and one retry");
            cr_expect_not_null(strstr(look.reason, "finite"), "%s", look.reason);
            continue;
        }
        char path[300], hash[17];
        json_t *result = read_result(id);
        snprintf(path, sizeof path, "%s/%s/config.yaml", scratch("sweep/trials"), id);
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run_alone(path));
        cr_expect_str_eq(json_string_value(json_object_get(result, "state_hash")), hash);
        json_decref(result);
    }
    cr_assert(failed > 0 && failed < 8, "%d", failed);
    cr_assert_eq(tally.state[LEHR_TRIAL_FAILED], failed);
    cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 8 - failed);
    close_world(&w);
}

/* Every tenth allocation of a sweep fails once, in a sweep of its own: nothing is lost, and nothing fails that a second
 * call does not make good. */
Test(worker, without_memory_loses_nothing)
{
    for (int64_t n = 1, enough = 0; !enough; n += 10) {
        world w = {0};
        lehr_worker_end end;
        open_world(&w, "base: base.yaml\naxes: {seed: [1, 2, 3], stop.scans: [5]}\n");
        const int64_t before = lehr_memory_count();
        lehr_memory_fail_at(n);
        const lehr_status status = lehr_worker_go(&w.spec, &end);
        enough = lehr_memory_count() - before < n;
        lehr_memory_fail_at(0);
        cr_assert(status == LEHR_OK || status == LEHR_ERR_MEMORY, "%lld: %s", (long long)n,
                  lehr_error());
        close_world(&w);
        open_world(&w, "base: base.yaml\naxes: {seed: [1, 2, 3], stop.scans: [5]}\n");
        w.spec.retry = LEHR_RETRY_FAILED;
        cr_assert_eq(go(&w, LEHR_WORKER_DONE).state[LEHR_TRIAL_DONE], 3, "%lld", (long long)n);
        close_world(&w);
        forget_work();
    }
}

static bool stop_soon(void *data)
{
    int *asked = data;
    return ++*asked > 3;
}

Test(worker, that_is_stopped_leaves_trials_that_go_on)
{
    world w = {0};
    int asked = 0;
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 6]}, stop.scans: [100000]}\n");
    w.spec.stopping = stop_soon;
    w.spec.data = &asked;
    lehr_tally tally = go(&w, LEHR_WORKER_STOPPED);
    cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 0);
    cr_assert_eq(tally.state[LEHR_TRIAL_CHECKPOINTED], 6, "this process has let go of them");
    cr_assert_eq(scratch_count("sweep/packs"), 1);
    lehr_yard_close(&w.yard);
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &w.yard), LEHR_OK);
    lehr_worker_count(&w.spec, &tally);
    cr_assert_eq(tally.state[LEHR_TRIAL_CHECKPOINTED], 6);
    cr_assert_eq(scratch_count("sweep/packs"), 1, "it is needed");
    close_world(&w);
}

/* ---- What is said about it ------------------------------------------------------------------- */

Test(worker, results_are_those_of_the_list_and_then_of_others)
{
    world w = {0};
    int32_t rows = 0;
    open_world(&w, "base: base.yaml\naxes: {seed: [5, 4, 3, 1]}\n");
    go(&w, LEHR_WORKER_DONE);
    close_world(&w);
    open_world(&w, "base: base.yaml\naxes: {seed: [1, 2]}\n");
    go(&w, LEHR_WORKER_DONE);
    cr_assert_eq(lehr_collect(&w.yard, &rows), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(rows, 5);
    char *line = strtok((char *)(uintptr_t)scratch_read("sweep/results.csv"), "\n");
    cr_assert_eq(strncmp(line, "trial,id,seed,state,stop,scans,", 31), 0, "%s", line);
    char before[20] = "";
    for (int i = 0; i < 5; i++) {
        char id[20] = "", number[20] = "";
        int seed = 0;
        line = strtok(NULL, "\n");
        snprintf(number, sizeof number, i < 2 ? "%d," : ",", i);
        cr_assert_eq(strncmp(line, number, strlen(number)), 0, "%s", line);
        cr_assert_eq(sscanf(strchr(line, ','), ",%12[^,],%d,done,scans,60,", id, &seed), 2);
        cr_assert(i < 2 ? seed == i + 1 : seed >= 3, "%s", line);
        cr_assert(i <= 2 || strcmp(before, id) < 0, "others by id: %s", line);
        snprintf(before, sizeof before, "%s", id);
    }
    cr_assert(scratch_has("sweep/results.sqlite"));
    close_world(&w);
}

/* Means over seeds, whole points first, ties to the first. */
Test(worker, best_point_is_the_best_whole_one)
{
    world w = {0};
    lehr_ledger l;
    lehr_point best;
    open_world(&w, "base: base.yaml\naxes: {loss.l2: [0, 1, 2], seed: [1, 2]}\n"
                   "objective: {metric: validation_loss, over: seed}\n");
    cr_assert_eq(lehr_ledger_read(&w.yard, &l), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(l.points, 3);
    static const struct {
        double value[6];
        bool some;
        double mean;
        int32_t done, first;
    } cases[] = {
        {{5, 7, 3, 4, 4, 2}, true, 3, 2, 4},
        {{5, 7, 3, 3, 4, 2}, true, 3, 2, 2},         /* a tie */
        {{5, 7, NAN, 1, 4, NAN}, true, 6, 2, 0},     /* the only whole one */
        {{1, NAN, 5, 7, NAN, NAN}, true, 6, 2, 2},   /* not the first */
        {{NAN, 7, NAN, NAN, 4, NAN}, true, 4, 1, 4}, /* no whole one */
        {{NAN, NAN, NAN, NAN, NAN, NAN}, false, NAN, 0, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        cr_assert_eq(lehr_ledger_best(&l, cases[c].value, &best), cases[c].some, "case %zu", c);
        if (!cases[c].some)
            continue;
        cr_expect_eq(best.mean, cases[c].mean, "case %zu: %g", c, best.mean);
        cr_expect_eq(best.done, cases[c].done);
        cr_expect_eq(best.first, cases[c].first);
    }
    l.maximize = true;
    cr_assert(lehr_ledger_best(&l, cases[0].value, &best));
    cr_assert_eq(best.mean, 6);
    lehr_ledger_free(&l);
    close_world(&w);
}

Test(worker, lists_that_are_not_its_own_are_refused)
{
    static const char *const bad[] = {
        "{",
        "[]",
        "{\"axes\": [1], \"over\": [true]}",
        "{\"axes\": [\"a\"], \"over\": []}",
        "{\"axes\": [], \"over\": [], \"trials\": [{\"id\": \"../../x\", \"values\": []}]}",
        "{\"axes\": [], \"over\": [], \"trials\": [{\"id\": \"ab\", \"values\": [1]}]}",
        "{\"axes\": [], \"over\": [], \"trials\": [], \"objective\": {\"metric\": \"test_loss\"}}",
    };
    world w = {0};
    open_world(&w, "base: base.yaml\naxes: {seed: [1]}\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lehr_ledger l;
        scratch_write("sweep/sweep.json", bad[i], strlen(bad[i]));
        cr_assert_neq(lehr_ledger_read(&w.yard, &l), LEHR_OK, "%s", bad[i]);
    }
    close_world(&w);
}
