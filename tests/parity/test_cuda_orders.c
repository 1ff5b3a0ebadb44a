/* The order in which the threads of a kernel run must not matter: forward, reverse and three random ones on a test
 * device, for the fused kernels (a warp and a block per row) and the tiled ones. EXACT. Deserted barriers and
 * wrong warp masks end the program.                                                                */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "device/control.h"
#include "support/parity.h"

static void try_order(const char *order, const parity_way *way, int32_t i)
{
    parity_case c = parity_open(i);
    c.spec.stop.scans = 5;
    c.spec.observe = 4;
    c.spec.exchange.every = 2;
    lehr_run *right = parity_run(&c, "cpu", way), *run = parity_run(&c, "cuda", way);
    parity_drive(right, way);
    parity_drive(run, way);
    const char *found = parity_difference(right, run);
    cr_expect_null(found, "case \"%s\", %s: %s", c.name, order, found);
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
    parity_close(&c);
}

static void all_orders(const parity_way *way)
{
    static const char *const orders[] = {"forward", "reverse", "random:1", "random:2", "random:3"};
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        setenv("LEHR_DEVICE_ORDER", orders[o], 1);
        const int64_t before = lehr_device_launches();
        for (int32_t i = 0; i + 1 < parity_count();
             i++) /* the last one is a function of the host */
            try_order(orders[o], way, i);
        cr_expect_gt(lehr_device_launches(), before, "nothing was launched");
    }
}

Test(cuda_orders, a_warp_per_row)
{
    all_orders(&(parity_way){.options = {.row_threads = 32}});
}

Test(cuda_orders, a_block_per_row)
{
    all_orders(&(parity_way){.options = {.row_threads = 128}});
}

Test(cuda_orders, tiled)
{
    all_orders(&(parity_way){.options = {.path = LEHR_PATH_TILED}});
}
