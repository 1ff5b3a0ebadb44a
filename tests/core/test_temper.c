/* Decisions, swaps, schedules and the adaptation of steps. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "core/adapt.h"
#include "core/sum.h"
#include "core/temper.h"
#include "core/walk.h"
#include "support/stats.h"

enum { DRAWS = 100000 };

/* Relative error of formulas of a few double operations with lehr_exp64 and lehr_log64. */
static const double close = 1e-13;

#define NEAR(got, right)                                                                           \
    cr_assert_leq(fabs((got) - (right)), close *fabs(right), "%.17g, expected %.17g", got, right)

/* ---- Metropolis -------------------------------------------------------------------------------- */

static lehr_decision decide(double beta, double de, double du, double log_hastings, double ln_u)
{
    const lehr_question q = {beta, de, du, log_hastings, ln_u, 0};
    return lehr_decide(&q);
}

Test(metropolis, uniforms_are_inside_and_fine)
{
    NEAR(lehr_ln_uniform(0, 0), log(0x1p-53));
    cr_assert_lt(lehr_ln_uniform(~0u, ~0u), 0.0, "u is below 1");
    cr_assert_gt(lehr_ln_uniform(~0u, ~0u), -1.2e-16);
    stats_bins bins = {{0}};
    for (lehr_u64 scan = 0; scan < DRAWS; scan++)
        stats_bin(&bins, exp(lehr_accept_ln_u((lehr_stream){1, scan, 4}, scan % 2 == 1)));
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
            const lehr_decision d = decide(c[0], c[1], c[2], c[3],
                                           lehr_accept_ln_u((lehr_stream){1, scan, 4}, 0));
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
    cr_assert(decide(1, 0, 0, 0, -1e-17).accept, "equal energies are accepted");
    cr_assert(decide(1, -1, 0, 0, -1e-17).accept);
    cr_assert_eq(decide(1, -1, 0, 0, -1e-17).alpha, 1.0);
    cr_assert(!decide(1, 1e9, 0, 0, never).accept);
    for (int i = 0; i < 3; i++) {
        const lehr_decision e = decide(1, bad[i], 0, 0, never), u = decide(1, 0, bad[i], 0, never);
        cr_assert(!e.accept && !e.finite && e.alpha == 0.0);
        cr_assert(!u.accept && !u.finite && u.alpha == 0.0);
        cr_assert(!decide(0, bad[i], 0, 0, never).accept, "beta 0 does not hide it");
    }
    cr_assert(!lehr_metropolis(1, NAN, 0, never));
    cr_assert(lehr_is_finite(DBL_MAX) && lehr_is_finite(-0.0));
}

/* EXACT: where no probability can be known, the outcome stands for it. */
Test(metropolis, outcomes_replace_probabilities_where_asked)
{
    for (lehr_u64 scan = 0; scan < 1000; scan++) {
        lehr_question q = {1, 1, 0, 0, lehr_accept_ln_u((lehr_stream){1, scan, 4}, 0), 0};
        const lehr_decision a = lehr_decide(&q);
        q.outcome = 1;
        const lehr_decision b = lehr_decide(&q);
        cr_assert_eq(a.accept, b.accept);
        cr_assert_eq(b.alpha, (double)b.accept);
    }
}

/* Both decisions of a delayed move draw apart: p of the second after an accepted first one. */
Test(metropolis, two_decisions_of_a_row_are_independent)
{
    int64_t second[2] = {0};
    for (lehr_u64 scan = 0; scan < DRAWS; scan++) {
        const lehr_stream a = {1, scan, 4};
        if (lehr_accept_ln_u(a, 0) < log(0.5))
            second[lehr_accept_ln_u(a, 1) < log(0.5)]++;
    }
    cr_assert_gt(stats_chi2_counts(second, (const double[]){1, 1}, 2, NULL), LEAST_P);
}

/* ---- Less work for the same decision ----------------------------------------------------------- */

/* EXACT: an element and ten that its sum loses, each at another join. All but nothing of it has been seen, and the
 * whole still is less than what has been seen: without a margin a move that changes nothing is lost. */
Test(early, a_sum_of_floats_may_be_less_than_a_part_of_it)
{
    static float x[LEHR_CHUNK];
    double some = 0;
    x[0] = 1;
    for (int place = 256; place < 1024; place += 256)
        x[place] = 0x1p-24f;
    for (int lane = 128; lane >= 1; lane /= 2)
        x[lane] = 0x1p-24f;
    for (int i = 0; i < LEHR_CHUNK; i++)
        some += (double)x[i];
    const double whole = lehr_sum(x, LEHR_CHUNK);
    cr_assert_eq(whole, 1.0);
    cr_assert_eq(some, 1 + 11 * 0x1p-24);
    cr_assert_leq(lehr_sum_floor(some), whole);
    const double beta = 1e9, ln_u = -1e-17;
    cr_assert(decide(beta, whole - 1, 0, 0, ln_u).accept);
    cr_assert(!decide(beta, some - 1, 0, 0, ln_u).accept, "the margin is needed");
    cr_assert(decide(beta, lehr_sum_floor(some) - 1, 0, 0, ln_u).accept);
}

/* EXACT: 300 random sums of up to 3 chunks, of magnitudes far and near, and every beginning of them in 16s. */
Test(early, the_floor_of_a_part_is_never_above_the_whole)
{
    static float x[3 * LEHR_CHUNK];
    stats_rng rng = {11};
    for (int round = 0; round < 300; round++) {
        const int count = 1 + (int)(stats_uniform(&rng) * 3 * LEHR_CHUNK);
        const double spread = round % 3 * 20;
        for (int i = 0; i < count; i++)
            x[i] = (float)exp(spread * (stats_uniform(&rng) - 1)) * (stats_uniform(&rng) < 0.9f);
        const double whole = lehr_sum(x, count);
        double some = 0;
        for (int i = 0; i < count; i++) {
            some += (double)x[i];
            if (i % 16 == 15 || i + 1 == count)
                cr_assert_leq(lehr_sum_floor(some), whole, "%d of %d", i, count);
        }
        cr_assert_geq(lehr_sum_floor(some), whole * (1 - 0x1p-18), "the margin is small");
    }
    cr_assert_eq(lehr_sum_floor(0), 0);
}

/* Probability that both decisions of a delayed move accept. */
static double delayed(double beta, double de_quarter, double de, double du, double log_hastings)
{
    const lehr_group g = {0};
    const lehr_walk w = {.beta = beta};
    const lehr_energies e = {de, du};
    lehr_question q = lehr_walk_question(&w, &g, (lehr_stream){1, 2, 3}, log_hastings, e);
    double corrected = log_hastings;
    const double first = lehr_walk_first(&w, q, de_quarter, &corrected).alpha;
    q.log_hastings = corrected;
    return first * lehr_decide(&q).alpha;
}

/* There and back are in the ratio that the whole energies ask for, whatever the quarter says. Every number of
 * the table is positive and negative in turn: 243 cases. */
Test(delayed, both_decisions_together_keep_detailed_balance)
{
    static const double values[3] = {-0.7, 0, 1.3};
    int unequal = 0;
    for (int i = 0; i < 243; i++) {
        const double beta = 0.5 + i % 3, quarter = values[i / 3 % 3], de = values[i / 9 % 3],
                     du = 0.5 * values[i / 27 % 3], hastings = 0.3 * values[i / 81 % 3];
        const double forth = delayed(beta, quarter, de, du, hastings),
                     back = delayed(beta, -quarter, -de, -du, -hastings);
        NEAR(log(forth / back) + 10, -(beta * de + du) + hastings + 10);
        cr_assert_leq(forth, fmin(1, exp(-(beta * de + du) + hastings)) * (1 + close));
        unequal += forth < 0.99 * fmin(1, exp(-(beta * de + du) + hastings));
    }
    cr_assert_gt(unequal, 100, "the quarter matters");
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

/* EXACT: the last end decides, also before any trip has begun. */
Test(exchange, the_last_end_is_known)
{
    static const int path[] = {2, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2};
    static const char from[] = "   hhhcccHH"; /* h: from the hottest, never at the coldest */
    signed char direction = LEHR_FROM_NOWHERE;
    for (int i = 0; i < (int)(sizeof path / sizeof *path); i++) {
        cr_assert_eq(lehr_round_trip(&direction, path[i], 4), 0);
        cr_assert_eq(direction > 0, from[i] == 'c', "step %d", i);
        cr_assert_eq(direction < 0, from[i] == 'h' || from[i] == 'H', "step %d", i);
    }
    cr_assert_eq(lehr_round_trip(&direction, 0, 4), 1);
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
