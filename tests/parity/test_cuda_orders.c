/* The order in which the threads of a kernel run must not matter: forward, reverse and three random ones on a test
 * device, for every kernel of the backend. EXACT. Deserted barriers and wrong warp masks end the program;
 * test_cuda_sanitizers.sh runs it under the sanitizers.                                            */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "device/control.h"
#include "support/parity.h"

static const char *const orders[] = {"forward", "reverse", "random:1", "random:2", "random:3"};
enum { ORDERS = sizeof orders / sizeof *orders };

/* A few scans with exchanges and an observation. */
static parity_case shortened(parity_case c)
{
    c.spec.stop.scans = 5;
    c.spec.observe = 4;
    c.spec.exchange.every = 2;
    return c;
}

/* The case of the sweep in which a warp gives scores, since 256 threads would need too much memory. */
static parity_case wide_case(void)
{
    int32_t i = 0;
    parity_case c = parity_sweep_open(i);
    while (strcmp(c.name, "hidden units 3") != 0 && i + 1 < parity_sweep_count()) {
        parity_close(&c);
        c = parity_sweep_open(++i);
    }
    return c;
}

static void try_order(const char *order, const parity_way *way, parity_case c)
{
    c = shortened(c);
    lehr_run *right = parity_run(&c, "cpu", way), *run = parity_run(&c, "cuda", way);
    parity_drive(right, way);
    parity_drive(run, way);
    const char *found = parity_difference(right, run);
    cr_expect_null(found, "case \"%s\", %s: %s", c.name, order, found);
    found = parity_scores_difference(right, run, 3);
    cr_expect_null(found, "case \"%s\", %s: %s", c.name, order, found);
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
    parity_close(&c);
}

/* Every case but the last one, which is a function of the host. Kernels: names, then NULL: all were there. */
static void all_orders(const parity_way *way, const char *const *kernels)
{
    lehr_device_reset();
    for (int o = 0; o < ORDERS; o++) {
        setenv("LEHR_DEVICE_ORDER", orders[o], 1);
        for (int32_t i = 0; i + 1 < parity_count(); i++)
            try_order(orders[o], way, parity_open(i));
        try_order(orders[o], way, wide_case());
    }
    for (; *kernels; kernels++)
        cr_expect(lehr_device_launched(*kernels), "%s was not launched", *kernels);
}
#define KERNELS(...)                                                                               \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

Test(cuda_orders, a_warp_per_row)
{
    all_orders(&(parity_way){.options = {.row_threads = 32}},
               KERNELS("lehr_scan_32_kernel", "lehr_kept_32_kernel", "lehr_score_32_kernel",
                       "lehr_score_256_kernel", "lehr_settle_kernel"));
}

Test(cuda_orders, a_block_of_64_per_row)
{
    all_orders(&(parity_way){.options = {.row_threads = 64}},
               KERNELS("lehr_scan_64_kernel", "lehr_kept_128_kernel"));
}

Test(cuda_orders, a_block_of_128_per_row)
{
    all_orders(&(parity_way){.options = {.row_threads = 128}},
               KERNELS("lehr_scan_128_kernel", "lehr_kept_128_kernel"));
}

Test(cuda_orders, a_block_of_256_per_row)
{
    all_orders(&(parity_way){.options = {.row_threads = 256}},
               KERNELS("lehr_scan_256_kernel", "lehr_kept_128_kernel"));
}

Test(cuda_orders, tiled)
{
    all_orders(&(parity_way){.options = {.path = LEHR_PATH_TILED}},
               KERNELS("lehr_tiled_propose_kernel", "lehr_tiled_dense_kernel",
                       "lehr_tiled_unit_kernel", "lehr_tiled_losses_kernel",
                       "lehr_tiled_hits_kernel", "lehr_tiled_decide_kernel",
                       "lehr_tiled_score_kernel"));
}

/* Not the CPU's bits, but one order's are the other's. */
Test(cuda_orders, fast)
{
    const parity_way way = {.options = {0}};
    lehr_device_reset();
    parity_case c = shortened(parity_open(0));
    c.spec.numerics = LEHR_NUMERICS_FAST;
    setenv("LEHR_DEVICE_ORDER", orders[0], 1);
    lehr_run *first = parity_run(&c, "cuda", &way);
    parity_drive(first, &way);
    for (int o = 1; o < ORDERS; o++) {
        setenv("LEHR_DEVICE_ORDER", orders[o], 1);
        lehr_run *run = parity_run(&c, "cuda", &way);
        parity_drive(run, &way);
        const char *found = parity_difference(first, run);
        cr_expect_null(found, "%s: %s", orders[o], found);
        lehr_run_destroy(&run);
    }
    cr_expect(lehr_device_launched("lehr_fast_activate_kernel"));
    lehr_run_destroy(&first);
    parity_close(&c);
}
