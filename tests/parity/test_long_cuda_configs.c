/* The ready configs on the CUDA backend against the CPU, each driven in every way that the backend has: threads of
 * a row, scans of a launch, whole or in parts that take turns, fused or tiled, on one, two and three devices, and
 * with kernels compiled for the network. EXACT: the state hash and every field of the replica table at the end.
 * Each run prints its line. How the configs are cut: support/configs.h.                             */
#include <criterion/criterion.h>
#include <string.h>

#include "support/configs.h"
#include "support/devices.h"

/* Threads of a row; 0: the tiled kernels. */
static const int32_t every_team[] = {32, 64, 128, 256, 0};
static const int32_t two_teams[] = {64, 0};

enum { TEAMS = sizeof every_team / sizeof *every_team, FUSED = TEAMS - 1, TWO = 2 };

/* A config in one way, by teams of several sizes; closes the case. */
static void run_teams(parity_case *c, config_way way, const int32_t *threads, int32_t teams)
{
    lehr_run *right = configs_expect(c);
    for (int32_t t = 0; t < teams; t++) {
        way.threads = threads[t];
        cr_expect(configs_compare(c, &way, right), "%s, %d threads a row", c->name, threads[t]);
    }
    lehr_run_destroy(&right);
    parity_close(c);
}

static void run_whole(config_way way, config_change change, int32_t teams)
{
    cr_assert_geq(configs_count(), 9);
    for (int32_t i = 0; i < configs_count(); i++) {
        parity_case c = configs_open(i, change);
        run_teams(&c, way, every_team, teams);
    }
}

static void run_parted(config_way way, const int32_t *threads, int32_t teams)
{
    way.parted = true;
    for (int32_t i = 0; i < configs_count(); i++) {
        parity_case c = configs_open_parted(i, way.devices);
        run_teams(&c, way, threads, teams);
    }
}

/* ---- One device -------------------------------------------------------------------------------- */

Test(long_cuda_configs, one_scan_a_launch)
{
    run_whole((config_way){.devices = 1, .launch = 1}, (config_change){0}, TEAMS);
}

Test(long_cuda_configs, many_scans_a_launch)
{
    run_whole((config_way){.devices = 1, .launch = 32}, (config_change){0}, TEAMS);
}

/* A launch ends where rows meet: with exchanges every 8 or 10 scans none has 32. */
Test(long_cuda_configs, long_launches_between_rare_exchanges)
{
    run_whole((config_way){.devices = 1, .launch = 32}, (config_change){.every = 40}, TEAMS);
}

Test(long_cuda_configs, parts_take_turns)
{
    run_parted((config_way){.devices = 1, .launch = 32}, every_team, TEAMS);
}

/* The kernels' source alone has no compiler at run time: there it is the plain kernel once more. */
Test(long_cuda_configs, compiled_for_the_network)
{
    const int32_t loads = strcmp(LEHR_TEST_DEVICE, "ptx") == 0;
    run_whole((config_way){.devices = 1, .launch = 32, .shaped = true, .loads = loads},
              (config_change){0}, FUSED);
}

/* ---- More devices ------------------------------------------------------------------------------ */

static void share(int32_t devices)
{
    if (devices_offer(devices) < devices)
        cr_skip_test("fewer than %d devices", devices);
    run_whole((config_way){.devices = devices, .launch = 32}, (config_change){0}, TEAMS);
    run_parted((config_way){.devices = devices, .launch = 32}, two_teams, TWO);
}

Test(long_cuda_configs, two_devices)
{
    share(2);
}

Test(long_cuda_configs, three_devices)
{
    share(3);
}

/* ---- The negative control ---------------------------------------------------------------------- */

Test(long_cuda_configs, another_seed_differs)
{
    const config_way way = {.devices = 1, .threads = 64, .launch = 32};
    for (int32_t i = 0; i < configs_count(); i++) {
        parity_case c = configs_open(i, (config_change){0});
        lehr_run *right = configs_expect(&c);
        c.spec.seed++;
        cr_expect_not(configs_compare(&c, &way, right), "%s", c.name);
        lehr_run_destroy(&right);
        parity_close(&c);
    }
}
