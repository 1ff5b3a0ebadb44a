/* Decisions, swaps, schedules and the adaptation of steps. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "core/adapt.h"
#include "core/temper.h"
#include "support/stats.h"

enum { DRAWS = 100000 };

/* Relative error of formulas of a few double operations with lehr_exp64 and lehr_log64. */
static const double close = 1e-13;

#define NEAR(got, right)                                                                           \
    cr_assert_leq(fabs((got) - (right)), close *fabs(right), "%.17g, expected %.17g", got, right)

/* ---- Metropolis -------------------------------------------------------------------------------- */

Test(metropolis, uniforms_are_inside_and_fine)
{
    NEAR(lehr_ln_uniform(0, 0), log(0x1p-53));
    cr_assert_lt(lehr_ln_uniform(~0u, ~0u), 0.0, "u is below 1");
    cr_assert_gt(lehr_ln_uniform(~0u, ~0u), -1.2e-16);
    stats_bins bins = {{0}};
    for (lehr_u64 scan = 0; scan < DRAWS; scan++)
        stats_bin(&bins, exp(lehr_accept_ln_u(1, scan, 4)));
    cr_assert_gt(stats_bins_p(&bins), LEAST_P);
}

/* Accepted share against the stated probability: 5 checks, SIGMA(5). */
Test(metropolis, accepts_with_the_stated_probability)
{
    static const double cases[][4] = {/* beta, de, du, log_hastings */
                                      {2, 0.3, 0, 0},
                                      {0.5, 1, 0.2, 0},
                                      {1, 1, 0, 0.7},
                                      {3, -0.5, 2, 0},
                                      {0, 5, 0.4, 0}};
    for (int i = 0; i < 5; i++) {
        const double *c = cases[i], right = exp(fmin(0, -(c[0] * c[1] + c[2]) + c[3]));
        int64_t counts[2] = {0};
        for (lehr_u64 scan = 0; scan < DRAWS; scan++) {
            const lehr_decision d = lehr_decide(c[0], c[1], c[2], c[3],
                                                lehr_accept_ln_u(1, scan, 4));
            NEAR(d.alpha, right);
            counts[d.accept]++;
        }
        cr_assert_gt(stats_chi2_counts(counts, (const double[]){1 - right, right}, 2, NULL),
                     LEAST_P, "case %d", i);
    }
}

/* EXACT. */
Test(metropolis, downhill_is_always_taken_and_nonfinite_never)
{
    const double never = log(0x1p-53), bad[] = {NAN, INFINITY, -INFINITY};
    cr_assert(lehr_decide(1, 0, 0, 0, -1e-17).accept, "equal energies are accepted");
    cr_assert(lehr_decide(1, -1, 0, 0, -1e-17).accept);
    cr_assert_eq(lehr_decide(1, -1, 0, 0, -1e-17).alpha, 1.0);
    cr_assert(!lehr_decide(1, 1e9, 0, 0, never).accept);
    for (int i = 0; i < 3; i++) {
        const lehr_decision e = lehr_decide(1, bad[i], 0, 0, never),
                            u = lehr_decide(1, 0, bad[i], 0, never);
        cr_assert(!e.accept && !e.finite && e.alpha == 0.0);
        cr_assert(!u.accept && !u.finite && u.alpha == 0.0);
        cr_assert(!lehr_decide(0, bad[i], 0, 0, never).accept, "beta 0 does not hide it");
    }
    cr_assert(!lehr_metropolis(1, NAN, 0, never));
    cr_assert(lehr_is_finite(DBL_MAX) && lehr_is_finite(-0.0));
}

/* ---- Exchange ---------------------------------------------------------------------------------- */

Test(exchange, ratio_favors_the_lower_energy_on_the_colder_rung)
{
    NEAR(lehr_swap_log_ratio(2.0, 0.5, 3.0, 1.0), 3.0);
    NEAR(lehr_swap_log_ratio(2.0, 0.5, 1.0, 3.0), -3.0);
    NEAR(lehr_probability(-3.0), exp(-3.0));
    cr_assert_eq(lehr_probability(0.0), 1.0);
    cr_assert_eq(lehr_probability(3.0), 1.0);
    cr_assert_eq(lehr_swap_log_ratio(2.0, 2.0, 1.0, 9.0), 0.0);
}

Test(exchange, parity_alternates_or_is_drawn)
{
    lehr_group g = {.key = 3, .every = 10, .exchange = LEHR_EXCHANGE_DEO};
    int64_t drawn[2] = {0}, same[2] = {0};
    for (lehr_u64 e = 0; e < 1000; e++) {
        const lehr_u64 scan = 10 * (e + 1) - 1;
        cr_assert_eq(lehr_exchange_number(scan, g.every), e);
        cr_assert_eq(lehr_exchange_parity(&g, scan, 0), (lehr_i32)(e % 2));
        lehr_group stochastic = g;
        stochastic.exchange = LEHR_EXCHANGE_SEO;
        const lehr_i32 parity = lehr_exchange_parity(&stochastic, scan, 0);
        drawn[parity]++;
        same[parity == lehr_exchange_parity(&stochastic, scan, 1)]++;
    }
    cr_assert_gt(stats_chi2_counts(drawn, (const double[]){1, 1}, 2, NULL), LEAST_P);
    cr_assert_gt(stats_chi2_counts(same, (const double[]){1, 1}, 2, NULL), LEAST_P,
                 "copies draw apart");
}

/* EXACT: cold, hot, cold is one trip; turning back on the way is none. */
Test(exchange, round_trips_are_cold_hot_cold)
{
    static const int path[] = {2, 3, 2, 1, 0, 1, 0, 1, 2, 3, 3, 2, 3, 2, 1, 0, 0, 1, 2, 3, 2, 1, 0};
    static const int ends[] = {15, 22};
    signed char direction = 0;
    int found = 0;
    for (int i = 0; i < (int)(sizeof path / sizeof *path); i++)
        if (lehr_round_trip(&direction, path[i], 4)) {
            cr_assert_lt(found, 2);
            cr_assert_eq(i, ends[found++]);
        }
    cr_assert_eq(found, 2);
}

/* ---- Cooling ----------------------------------------------------------------------------------- */

Test(cooling, starts_ends_and_stays)
{
    for (int kind = 0; kind < LEHR_COOLING_COUNT; kind++) {
        const lehr_group g = {.cooling = kind, .cooling_scans = 101, .start = 10, .end = 0.1};
        NEAR(lehr_cooling_beta(&g, 0), 0.1);
        NEAR(lehr_cooling_beta(&g, 100), 10.0);
        NEAR(lehr_cooling_beta(&g, 1000000), 10.0);
        for (lehr_u64 scan = 0; scan < 100; scan++)
            cr_assert_lt(lehr_cooling_beta(&g, scan), lehr_cooling_beta(&g, scan + 1));
    }
    const lehr_group line = {
        .cooling = LEHR_COOLING_LINEAR, .cooling_scans = 101, .start = 10, .end = 0.1};
    const lehr_group ratio = {
        .cooling = LEHR_COOLING_GEOMETRIC, .cooling_scans = 101, .start = 10, .end = 0.1};
    NEAR(1 / lehr_cooling_beta(&line, 50), 5.05);
    NEAR(1 / lehr_cooling_beta(&ratio, 50), 1.0);
    const lehr_group constant = {
        .cooling = LEHR_COOLING_GEOMETRIC, .cooling_scans = 1, .start = 2, .end = 2};
    NEAR(lehr_cooling_beta(&constant, 0), 0.5);
    NEAR(lehr_cooling_beta(&constant, 9), 0.5);
}

/* ---- Adaptation -------------------------------------------------------------------------------- */

Test(adapt, gain_falls_to_its_floor)
{
    const lehr_group g = {.gain = 2, .gain_power = 0.6, .gain_floor = 0.1};
    cr_assert_eq(lehr_adapt_gain(&g, 1), 2.0);
    NEAR(lehr_adapt_gain(&g, 10), 2.0 / pow(10, 0.6));
    cr_assert_eq(lehr_adapt_gain(&g, 1000), 0.1);
}

/* EXACT. */
Test(adapt, steps_grow_with_acceptance_within_limits)
{
    cr_assert_eq(lehr_adapt_log_step(1.0, 0.5, 0.75, 0.25), 1.25);
    cr_assert_eq(lehr_adapt_log_step(1.0, 0.5, 0.25, 0.25), 1.0);
    cr_assert_eq(lehr_adapt_log_step(9.9, 2.0, 1.0, 0.25), 10.0);
    cr_assert_eq(lehr_adapt_log_step(-29.9, 2.0, 0.0, 0.25), -30.0);
}
