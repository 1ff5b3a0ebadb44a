/* The CUDA backend against the CPU, through all kinds and odd sizes: small runs in which one thing at a time
 * is changed (support/cases.c, the sweep). EXACT, as in test_cuda_cases.c, whose ways of driving a run
 * are not repeated here: a warp per row, a block per row, and tiled.                               */
#include <criterion/criterion.h>

#include "support/parity.h"

static void compare(const parity_case *c, const parity_way *way, const char *name, int32_t scores)
{
    lehr_run *right = parity_run(c, "cpu", &(parity_way){.options = {.threads = 1}});
    lehr_run *run = parity_run(c, "cuda", way);
    const char *found = parity_difference(right, run);
    cr_expect_null(found, "%s, %s, first energies: %s", c->name, name, found);
    found = parity_scores_difference(right, run, scores);
    cr_expect_null(found, "%s, %s: %s", c->name, name, found);
    parity_drive(right, way);
    parity_drive(run, way);
    found = parity_difference(right, run);
    cr_expect_null(found, "%s, %s: %s", c->name, name, found);
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
}

static void sweep(const parity_way *way, const char *name, int32_t scores)
{
    cr_assert_gt(parity_sweep_count(), 100);
    for (int32_t i = 0; i < parity_sweep_count(); i++) {
        parity_case c = parity_sweep_open(i);
        compare(&c, way, name, scores);
        parity_close(&c);
    }
}

Test(cuda_sweep, a_warp_per_row)
{
    sweep(&(parity_way){.options = {.row_threads = 32}}, "32 threads a row", 33);
}

Test(cuda_sweep, a_block_per_row)
{
    sweep(&(parity_way){.options = {.row_threads = 128}}, "128 threads a row", 1);
}

Test(cuda_sweep, tiled)
{
    sweep(&(parity_way){.options = {.path = LEHR_PATH_TILED}}, "tiled", 31);
}
