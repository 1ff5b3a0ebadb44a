/* Early rejection by the fused kernels: the decisions of whole sums, from fewer points.
 *
 * EXACT: every field of the replica table with looks after every round, every second one, and so on, against the
 * CPU's; but for proposals that are not finite, which both see only when they get there. Fewer: a test device
 * counts the rounds of points that teams visit. Planted, by laws/test_plants_shim.sh: no_margin.       */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sum.h"
#include "device/control.h"
#include "support/parity.h"

/* The case of this name. */
static parity_case open_named(const char *name)
{
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        if (strcmp(c.name, name) == 0)
            return c;
        parity_close(&c);
    }
    cr_assert_fail("no case \"%s\"", name);
    abort();
}

/* A delayed run whose first decisions say yes: points of the quarter have inputs 0, and without biases their loss does
 * not change. What is rejected is rejected by the second ones, some of them early.                  */
static parity_case open_blind_quarter(void)
{
    enum { POINTS = 512, INPUTS = 4 };
    static float x[POINTS * INPUTS], y[POINTS];
    for (int n = 0; n < POINTS; n++) {
        y[n] = (float)(n % 7) / 8 - 0.5f;
        for (int i = 0; i < INPUTS; i++)
            x[n * INPUTS + i] = n % (4 * LEHR_QUARTER) < LEHR_QUARTER
                                    ? 0.0f
                                    : (float)((n * 5 + i * 3) % 11) / 4 - 1.25f;
    }
    const lehr_data_spec data = {.task = LEHR_TASK_REGRESSION, .split_seed = 1};
    const lehr_network_spec network = {.hidden_count = 1, .hidden = {5}};
    const lehr_loss_spec loss = {.kind = LEHR_LOSS_MSE, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.scale = 1};
    parity_case c = open_named("all weights, delayed");
    lehr_objective_destroy(&c.objective);
    lehr_dataset_destroy(&c.data);
    cr_assert_eq(lehr_dataset_from_arrays(&data, x, y, POINTS, INPUTS, 1, &c.data), LEHR_OK);
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, c.data, &c.objective), LEHR_OK,
                 "%s", lehr_error());
    snprintf(c.name, sizeof c.name, "a blind quarter");
    return c;
}

/* Rounds of a case from its start, which scores, to its end. */
static int64_t rounds_of(const parity_case *c, const parity_way *way)
{
    lehr_run *run = parity_run(c, "cuda", way);
    const int64_t before = lehr_device_rounds();
    parity_drive(run, way);
    const int64_t rounds = lehr_device_rounds() - before;
    lehr_run_destroy(&run);
    return rounds;
}

/* ---- The same bits ---- */

static void compare_looks(const parity_case *c, int32_t row_threads, int32_t look)
{
    const parity_way straight = {.options = {.threads = 1}};
    const parity_way way = {.options = {.row_threads = row_threads,
                                        .path = LEHR_PATH_FUSED,
                                        .look_rounds = look,
                                        .forget = look == 2}};
    lehr_run *right = parity_run(c, "cpu", &straight), *run = parity_run(c, "cuda", &way);
    parity_drive(right, &straight);
    parity_drive(run, &way);
    const char *found = parity_difference(right, run);
    cr_expect_null(found, "case \"%s\", %d threads, a look every %d rounds: %s", c->name,
                   row_threads, look, found);
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
}

/* All but the last case, a function of the host; and the blind quarter. */
static void all_looks(int32_t row_threads)
{
    for (int32_t i = 0; i + 1 < parity_count(); i++) {
        parity_case c = parity_open(i);
        for (int32_t look = 1; look <= 8; look *= 2)
            compare_looks(&c, row_threads, look);
        parity_close(&c);
    }
    parity_case c = open_blind_quarter();
    compare_looks(&c, row_threads, 1);
    parity_close(&c);
}

Test(cuda_early, looks_do_not_matter_to_a_warp)
{
    all_looks(32);
}

Test(cuda_early, looks_do_not_matter_to_blocks)
{
    all_looks(64);
    all_looks(256);
}

/* ---- Less work ---- */

/* Of the rounds that whole sums take, at most `most`, where steps stay long: proposals that are far too high. */
static void expect_less(parity_case c, int32_t row_threads, int32_t look, double most)
{
    c.spec.adapt = 0;
    for (int32_t m = 0; m < c.spec.move_count; m++)
        c.spec.moves[m].scale = 2;
    const parity_way early = {.options = {.row_threads = row_threads, .look_rounds = look}};
    parity_way whole = early;
    whole.options.whole = 1;
    const int64_t some = rounds_of(&c, &early), all = rounds_of(&c, &whole);
    cr_expect_gt(some, 0);
    cr_expect_leq((double)some, most * (double)all, "%s, %d threads: %lld of %lld rounds", c.name,
                  row_threads, (long long)some, (long long)all);
    parity_close(&c);
}

#define TWO_CHUNKS "two chunks, sigmoid, binary cross-entropy"

Test(cuda_early, fewer_points_are_visited)
{
    if (strcmp(LEHR_TEST_DEVICE, "shim") != 0)
        cr_skip_test("rounds are counted in kernels from source only");
    expect_less(open_named(TWO_CHUNKS), 32, 1, 0.75);
    expect_less(open_named(TWO_CHUNKS), 64, 1, 0.75);
    expect_less(open_named(TWO_CHUNKS), 128, 1, 0.75);
    expect_less(open_named(TWO_CHUNKS), 256, 1, 0.75);
    expect_less(open_named(TWO_CHUNKS), 32, 0, 0.75); /* as the shape says */
    expect_less(open_named(TWO_CHUNKS), 128, 0, 0.75);
    expect_less(open_named("one unit of two hidden layers, l2"), 32, 1, 0.6); /* kept activations */
    expect_less(open_named("one unit of two hidden layers, l2"), 128, 1, 0.8);
    expect_less(open_blind_quarter(), 64, 1, 0.9);
}

/* Losses that may be negative decide nothing early, nor do whole sums where they are asked for. */
Test(cuda_early, where_it_is_not_allowed_all_points_are_visited)
{
    if (strcmp(LEHR_TEST_DEVICE, "shim") != 0)
        cr_skip_test("rounds are counted in kernels from source only");
    parity_case c = open_named("one row, two chunks, gaussian loss");
    const parity_way way = {.options = {.row_threads = 32, .look_rounds = 1}};
    /* 1,050 points are 33 rounds; every scan has one proposal. */
    cr_expect_eq(rounds_of(&c, &way) % 33, 0);
    cr_expect_geq(rounds_of(&c, &way), 33 * c.spec.stop.scans);
    parity_close(&c);
}
