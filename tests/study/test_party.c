/* A pack that fails when some of its runs have ended, but no status says so yet: they are run again, and what their
 * directories say is true at every moment. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "study/visits.h"

TestSuite(party, .init = scratch_make, .fini = scratch_remove);

/* ---- In place of the C library's ----------------------------------------------------------------- */

static int64_t fail_after; /* so many allocations after the next result; 0: none fails */

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (fail_after > 0 && strcmp(to, "result.json") == 0) {
        lehr_memory_fail_at(fail_after);
        fail_after = 0;
    }
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

/* ---- Two that end in one slice ------------------------------------------------------------------- */

/* Of four scales one passes both stages before scan 60: two seeds end there, and two go on to a third stage. */
#define UNEQUAL(rest)                                                                              \
    "base: base.yaml\n"                                                                            \
    "axes: {stop.scans: [60, 150], moves.0.scale: [1e-3, 1e-2, 0.1, 1], seed: [1, 2]" rest "}\n"   \
    "objective: {metric: train_loss, over: seed}\n"                                                \
    "prune: {kind: sha, min_scans: 25, eta: 2}\n"

/* Who is done has a result, and who has not ended none that anybody would believe. */
static int expect_results(const world *w)
{
    int done = 0;
    for (int32_t i = 0; i < w->trials->count; i++) {
        char name[100];
        snprintf(name, sizeof name, "sweep/trials/%.20s/result.json", w->trials->trial[i].id);
        const bool ended = look_at(w, i).state == LEHR_TRIAL_DONE;
        cr_assert(!ended || scratch_has(name), "trial %d is done and has no result", i);
        done += ended;
    }
    return done;
}

/* EXACT: the sweep ends as it does undisturbed, with so many trials done. */
static const int ends_well = 4;

/* Run the sweep while the n-th allocation after its first result fails; false: it ends otherwise. */
static bool run_short(world *w, const char *text, int64_t n)
{
    lehr_worker_end end;
    open_world(w, text);
    fail_after = n;
    const lehr_status status = lehr_worker_go(&w->spec, &end);
    cr_assert_eq(fail_after, 0, "no result was written");
    lehr_memory_fail_at(0);
    cr_assert(status == LEHR_OK || status == LEHR_ERR_MEMORY, "%lld: %s", (long long)n,
              lehr_error());
    expect_results(w);
    close_world(w);
    *w = (world){0};
    open_world(w, text);
    w->spec.retry = LEHR_RETRY_FAILED;
    go(w, LEHR_WORKER_DONE);
    return expect_results(w) == ends_well;
}

Test(party, that_fails_between_a_result_and_its_status_says_done_of_no_run_without_one)
{
    for (int64_t n = 1; n <= 33; n += 4) {
        world w = {0};
        cr_assert(run_short(&w, UNEQUAL(""), n), "%lld", (long long)n);
        close_world(&w);
        forget_work();
    }
}

/* ---- Traces ---------------------------------------------------------------------------------- */

/* The scans of a trace in its first file, which has room for all: every fifth, once. */
static void expect_scans(const world *w, int32_t trial)
{
    char name[120], header[128];
    int lines = 0, columns = 0;
    double line[16];
    snprintf(name, sizeof name, "sweep/trials/%.20s/trace/energy-000000.npy",
             w->trials->trial[trial].id);
    FILE *file = fopen(scratch(name), "rb");
    cr_assert_not_null(file, "%s", name);
    cr_assert_eq(fread(header, 1, sizeof header, file), sizeof header);
    cr_assert_eq(sscanf(strstr(header + 10, "shape"), "shape': (%d, %d)", &lines, &columns), 2);
    cr_assert(lines > 0 && columns <= 16);
    for (int i = 0; i < lines; i++) {
        cr_assert_eq(fread(line, sizeof *line, (size_t)columns, file), (size_t)columns);
        cr_assert_eq(line[0], 5.0 * (i + 1), "trial %d: line %d is of scan %g", trial, i, line[0]);
    }
    fclose(file);
}

/* A run that waits where its failed pack had saved it has no line of that scan a second time. */
Test(party, whose_runs_wait_where_they_were_saved_adds_nothing_to_their_traces)
{
    for (int64_t n = 1; n <= 33; n += 4) {
        world w = {0};
        run_short(&w, UNEQUAL(", output.trace.energy: [5], output.checkpoint_s: [1e-9]"), n);
        for (int32_t i = 0; i < w.trials->count; i++)
            expect_scans(&w, i);
        close_world(&w);
        forget_work();
    }
}
