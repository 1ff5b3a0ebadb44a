/* Packs of runs on the CUDA backend against each run alone on the CPU: rows of several groups in one launch, runs
 * that end at different scans, parts that take turns, several devices. EXACT. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "support/devices.h"
#include "support/parity.h"

enum { RUNS = 4 };

/* Another seed; shorter; done when it is first looked at; and without exchanges for long, its copies larger than
 * those before it. */
static void fill_specs(const parity_case *c, lehr_run_spec specs[RUNS])
{
    for (int i = 0; i < RUNS; i++) {
        specs[i] = c->spec;
        specs[i].seed += (uint64_t)i;
        specs[i].observe = 6;
        specs[i].stop.scans = 25;
    }
    specs[1].stop.scans = 11;
    specs[1].copies++;
    specs[2].stop.metric = LEHR_METRIC_ENERGY;
    specs[2].stop.value = 1e30;
    specs[3].exchange.every += 2;
    if (specs[3].method == LEHR_METHOD_TEMPERING)
        specs[3].ladder.rungs += 3;
}

static uint64_t hash_of(lehr_run *run)
{
    lehr_run_summary summary;
    cr_assert_eq(lehr_run_summarize(run, &summary), LEHR_OK, "%s", lehr_error());
    return summary.state_hash;
}

static uint64_t hash_alone(const parity_case *c, const lehr_run_spec *spec)
{
    parity_case one = *c;
    one.spec = *spec;
    lehr_run *run = parity_run(&one, "cpu", &(parity_way){.options = {.threads = 1}});
    cr_assert_eq(lehr_run_go(run, NULL, NULL), LEHR_OK, "%s", lehr_error());
    const uint64_t hash = hash_of(run);
    lehr_run_destroy(&run);
    return hash;
}

static lehr_status make(const parity_case *c, lehr_run_spec *specs,
                        const lehr_backend_options *options, lehr_pack **out)
{
    for (int i = 0; i < RUNS; i++)
        snprintf(specs[i].backend, sizeof specs[i].backend, "cuda");
    return lehr_pack_create_with(specs, RUNS, options, c->objective, lehr_comm_solo(), out);
}

/* As little memory as doubling finds: not all copies are on the device at once. */
static lehr_status make_least(const parity_case *c, lehr_run_spec *specs,
                              lehr_backend_options *options, lehr_pack **out)
{
    lehr_status status = LEHR_ERR_DEVICE;
    for (options->memory_bytes = 1024; status == LEHR_ERR_DEVICE; options->memory_bytes *= 2)
        status = make(c, specs, options, out);
    return status;
}

typedef struct trial {
    const char *name;
    lehr_backend_options options;
    bool least;
} trial;

static void try_pack(const parity_case *c, const trial *t)
{
    lehr_run_spec specs[RUNS];
    uint64_t expected[RUNS];
    lehr_pack *pack = NULL;
    fill_specs(c, specs);
    for (int i = 0; i < RUNS; i++)
        expected[i] = hash_alone(c, &specs[i]);
    lehr_backend_options options = t->options;
    options.plain = 1; /* what NVRTC compiles has tests of its own, and takes seconds */
    cr_assert_eq(t->least ? make_least(c, specs, &options, &pack) : make(c, specs, &options, &pack),
                 LEHR_OK, "%s, %s: %s", c->name, t->name, lehr_error());
    for (bool moving = true; moving;)
        cr_assert_eq(lehr_pack_advance(pack, 0, &moving), LEHR_OK, "%s", lehr_error());
    for (int i = 0; i < RUNS; i++)
        cr_expect_eq(hash_of(lehr_pack_run(pack, i)), expected[i], "%s, %s: run %d", c->name,
                     t->name, i);
    cr_expect_eq(lehr_run_stopped(lehr_pack_run(pack, 2)), LEHR_STOP_TARGET);
    lehr_pack_destroy(&pack);
}

static void try_cases(const trial *t)
{
    int32_t tried = 0;
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        const bool alone = c.spec.batch.points > 0 || !c.data; /* packs are for networks on data */
        if (!alone)
            try_pack(&c, t);
        tried += !alone;
        parity_close(&c);
    }
    cr_expect_gt(tried, 8);
}

Test(cuda_pack, a_warp_per_row)
{
    try_cases(&(trial){"32 threads a row", {.row_threads = 32}, false});
}

Test(cuda_pack, a_block_per_row)
{
    try_cases(&(trial){
        "128 threads a row, launches of 2 scans", {.row_threads = 128, .launch_scans = 2}, false});
}

Test(cuda_pack, tiled)
{
    try_cases(&(trial){"tiled", {.path = LEHR_PATH_TILED}, false});
}

Test(cuda_pack, parts_that_take_turns)
{
    try_cases(&(trial){"least memory", {.row_threads = 32}, true});
}

Test(cuda_pack, two_devices)
{
    if (devices_offer(2) < 2)
        cr_skip("one device only");
    try_cases(&(trial){"two devices", {.device_count = 2, .device = {0, 1}}, false});
}
