/* The CUDA backend against the CPU: the table of small runs (support/cases.c), each driven in every way that
 * the backend has. EXACT: every field of the replica table, bit for bit, after the first energies and at
 * the end, and scores on each part of the data.
 *
 * The program is built once for each device: the kernels' source on the CPU, nvcc's PTX on the CPU, and
 * the GPUs of this machine (LEHR_REQUIRE_CUDA=1 makes it fail without one).                        */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/devices.h"
#include "support/parity.h"

/* Sanitizers take their time: fewer scans of each case. */
static parity_case open_case(int32_t i)
{
    parity_case c = parity_open(i);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    c.spec.stop.scans = c.spec.observe = 13;
#endif
    return c;
}

static const parity_way straight = {.options = {.threads = 1}};

/* The CUDA backend does not run a user's own function. Plain: nothing is compiled for the question. */
static bool runs_on_cuda(const parity_case *c)
{
    lehr_run *run = NULL;
    lehr_run_spec spec = c->spec;
    const lehr_backend_options options = {.plain = 1};
    snprintf(spec.backend, sizeof spec.backend, "cuda");
    const lehr_status status = lehr_run_create_with(&spec, &options, c->objective, &run);
    lehr_run_destroy(&run);
    cr_assert(status == LEHR_OK || status == LEHR_ERR_UNSUPPORTED, "case \"%s\": %s", c->name,
              lehr_error());
    return status == LEHR_OK;
}

/* One way of driving a case. */
typedef struct trial {
    const char *name;
    parity_way way;
    bool least;     /* memory for one copy only on each device */
    int32_t scores; /* so many rows are scored at the end as well */
} trial;

static void try_way(const parity_case *c, const trial *t, lehr_run *first, lehr_run *last)
{
    const parity_way way = t->least ? parity_least_memory(c, t->way) : t->way;
    lehr_run *run = parity_run(c, "cuda", &way);
    const char *found = parity_difference(first, run);
    cr_expect_null(found, "case \"%s\", %s, first energies: %s", c->name, t->name, found);
    parity_drive(run, &way);
    found = parity_difference(last, run);
    cr_expect_null(found, "case \"%s\", %s: %s", c->name, t->name, found);
    found = t->scores > 0 ? parity_scores_difference(last, run, t->scores) : NULL;
    cr_expect_null(found, "case \"%s\", %s: %s", c->name, t->name, found);
    lehr_run_destroy(&run);
}

static void expect_same(const trial *trials, size_t count)
{
    int32_t runs = 0;
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = open_case(i);
        if (!runs_on_cuda(&c)) {
            parity_close(&c);
            continue;
        }
        lehr_run *first = parity_run(&c, "cpu", &straight);
        lehr_run *last = parity_run(&c, "cpu", &straight);
        parity_drive(last, &straight);
        for (size_t t = 0; t < count; t++, runs++)
            try_way(&c, &trials[t], first, last);
        lehr_run_destroy(&first);
        lehr_run_destroy(&last);
        parity_close(&c);
    }
    cr_expect_geq(runs, 12 * (int32_t)count, "only %d runs", runs);
}
#define EXPECT_SAME(trials) expect_same((trials), sizeof(trials) / sizeof *(trials))

Test(cuda_cases, team_sizes_do_not_matter)
{
    static const trial trials[] = {
        {"32 threads a row", {.options = {.path = LEHR_PATH_FUSED, .row_threads = 32}}, false, 0},
        {"64 threads a row", {.options = {.path = LEHR_PATH_FUSED, .row_threads = 64}}, false, 0},
        {"128 threads a row", {.options = {.path = LEHR_PATH_FUSED, .row_threads = 128}}, false, 0},
        {"256 threads a row",
         {.options = {.path = LEHR_PATH_FUSED, .row_threads = 256}},
         false,
         33},
    };
    EXPECT_SAME(trials);
}

Test(cuda_cases, tiled_kernels_do_the_same)
{
    static const trial trials[] = {
        {"tiled", {.options = {.path = LEHR_PATH_TILED}}, false, 33},
    };
    EXPECT_SAME(trials);
}

Test(cuda_cases, launches_and_slices_do_not_matter)
{
    static const trial trials[] = {
        {"1 scan a launch", {.options = {.row_threads = 32, .launch_scans = 1}}, false, 0},
        {"32 scans a launch", {.options = {.row_threads = 64, .launch_scans = 32}}, false, 0},
        {"3 scans a launch, slices", {.options = {.launch_scans = 3}, .cuts = 1}, false, 0},
        {"tiled, slices", {.options = {.path = LEHR_PATH_TILED}, .cuts = 2}, false, 0},
    };
    EXPECT_SAME(trials);
}

/* Parts of one copy take turns on a device. */
Test(cuda_cases, little_memory_does_not_matter)
{
    static const trial trials[] = {
        {"least memory", {.options = {.row_threads = 32}}, true, 0},
        {"least memory, slices", {.options = {.row_threads = 64}, .cuts = 3}, true, 0},
        {"least memory, tiled", {.options = {.path = LEHR_PATH_TILED}}, true, 33},
    };
    EXPECT_SAME(trials);
}

Test(cuda_cases, devices_do_not_matter)
{
    static const trial trials[] = {
        {"2 devices", {.options = {.device_count = 2, .device = {0, 1}}}, false, 0},
        {"2 devices, least memory", {.options = {.device_count = 2, .device = {1, 0}}}, true, 0},
        {"3 devices", {.options = {.device_count = 3, .device = {2, 0, 1}}}, false, 0},
        {"3 devices, tiled",
         {.options = {.path = LEHR_PATH_TILED, .device_count = 3, .device = {0, 1, 2}}},
         false,
         0},
    };
    const int32_t devices = devices_offer(3);
    if (devices >= 2)
        expect_same(trials, devices >= 3 ? 4 : 2);
    else
        cr_skip_test("one device only");
}

/* Compiled for the shape of the run by NVRTC: of one network of every depth in the table, since the PTX of each
 * is compiled anew here, where nothing inexact is let through and it must be that kernel that runs. The
 * kernels' source alone has no NVRTC: there it is the same kernel twice. */
Test(cuda_cases, kernels_for_one_shape_do_the_same)
{
    setenv("LEHR_PTX_EXACT", "1", 1);
    static const trial plain = {"plain", {.options = {.row_threads = 64, .plain = 1}}, false, 0};
    static const trial shaped = {
        "for one shape", {.options = {.row_threads = 64}, .for_shape = true}, false, 0};
    static const int32_t chosen[] = {0, 1, 4};
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        parity_case c = open_case(chosen[i]);
        lehr_run *first = parity_run(&c, "cpu", &straight);
        lehr_run *last = parity_run(&c, "cpu", &straight);
        parity_drive(last, &straight);
        try_way(&c, &plain, first, last);
        const int64_t before = devices_loaded_launches();
        try_way(&c, &shaped, first, last);
        if (strcmp(LEHR_TEST_DEVICE, "ptx") == 0)
            cr_expect_gt(devices_loaded_launches(), before, "case \"%s\": nvcc's kernel ran",
                         c.name);
        lehr_run_destroy(&first);
        lehr_run_destroy(&last);
        parity_close(&c);
    }
}

/* ---- The negative control ---- */

Test(cuda_cases, another_seed_is_seen)
{
    parity_case c = parity_open(0);
    lehr_run *right = parity_run(&c, "cpu", &straight);
    c.spec.seed++;
    lehr_run *run = parity_run(&c, "cuda", &straight);
    cr_expect_not_null(parity_difference(right, run));
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
    parity_close(&c);
}

/* The lowest bit of one weight on its way to the device and back; a higher one in the energy. */
Test(cuda_cases, one_bit_is_seen)
{
    parity_case c = parity_open(0);
    lehr_run *right = parity_run(&c, "cpu", &straight), *run = parity_run(&c, "cuda", &straight);
    cr_assert_null(parity_difference(right, run));
    cr_assert_null(parity_scores_difference(right, run, 1));
    uint32_t *bits = (void *)&run->pack->table->theta[3];
    *bits ^= 1;
    cr_assert_eq(run->pack->backend->push(run->pack->state), LEHR_OK);
    cr_expect_not_null(parity_difference(right, run), "the device lost the bit");
    *bits ^= 1 << 20 | 1;
    cr_assert_eq(run->pack->backend->push(run->pack->state), LEHR_OK);
    cr_assert_eq(run->pack->backend->start(run->pack->state), LEHR_OK);
    cr_expect_neq(right->pack->table->energy[0], run->pack->table->energy[0],
                  "the energy is still %g", run->pack->table->energy[0]);
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
    parity_close(&c);
}
