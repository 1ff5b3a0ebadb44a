/* Two modes: a row on the cold rung cannot cross the gap by itself; with exchange it must find
 * both modes, each with its weight. All rows start in the lighter mode.
 *
 * SIGMA(5), fixed seeds, 2 x 4 checks; the negative control must fail the same check by far.
 * Planted: swap_sign, swap_no_ratio, swap_copy, swap_half, swap_greedy, beta_stays_with_row. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/systems.h"

enum { RUNGS = 4, P = 2, BURN_IN = 2000, SCANS = 8000, GAP = 10 };

static const double weight = 0.7, distance = 5; /* of the mode at +mu; |mu| */
static const double betas[RUNGS] = {1, 0.5, 0.25, 0.1};

/* Energy along mu, without the constant; across mu the target is a standard normal that does not
 * matter here. */
static double energy_along(double s)
{
    const double plus = log(weight) - 0.5 * (s - distance) * (s - distance);
    const double minus = log(1 - weight) - 0.5 * (s + distance) * (s + distance);
    const double most = fmax(plus, minus);
    return -(most + log(exp(plus - most) + exp(minus - most)));
}

/* P(x.mu > 0) at beta, by the midpoint rule: the integrand is smooth and dies out at both ends,
 * so it is exact to 1e-9. */
static double share_of_plus(double beta)
{
    const double end = 60, h = 1e-3;
    double both[2] = {0, 0};
    for (int i = 0; i < (int)(2 * end / h); i++) {
        const double s = -end + (i + 0.5) * h;
        both[s > 0] += exp(-beta * energy_along(s));
    }
    return both[1] / (both[0] + both[1]);
}

Test(mixture, share_of_the_heavy_mode_has_its_known_value)
{
    cr_expect(fabs(share_of_plus(1) - 0.6999998853) < 1e-9, "%.10f", share_of_plus(1));
    cr_expect(fabs(share_of_plus(0.5) - 0.604356076) < 1e-3, "modes still apart");
}

/* Shares per rung, one sample per copy: its share of scans spent at x.mu > 0. */
static void measure(lehr_exchange scheme, int32_t copies, stats_moments share[RUNGS])
{
    const lehr_target_spec target = {.kind = LEHR_TARGET_MIXTURE,
                                     .parameters = P,
                                     .mode_distance = distance,
                                     .mode_weight = weight};
    lehr_objective *objective = NULL;
    LAW_NEEDS(lehr_objective_create_target(&target, &objective));
    lehr_run_spec spec = law_spec(betas, RUNGS, copies, SCANS);
    spec.exchange.scheme = scheme;
    spec.moves[0] = (lehr_move_spec){LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 1, 4, 0, 0, 0, 1};
    lehr_run *run = law_open(&spec, objective);
    const float start[P] = {(float)(-distance / sqrt(P)), (float)(-distance / sqrt(P))};
    LAW_NEEDS(lehr_run_start_from(run, start));
    law_advance(run, BURN_IN);
    stats_moments chain[128][RUNGS] = {{{0}}};
    while (run->scan < SCANS) {
        law_advance(run, GAP);
        for (int32_t c = 0; c < copies; c++)
            for (int32_t t = 0; t < RUNGS; t++) {
                const float *x = law_theta(run, c, t);
                stats_add(&chain[c][t], x[0] + x[1] > 0);
            }
    }
    for (int32_t t = 0; t < RUNGS; t++)
        for (int32_t c = 0; c < copies; c++)
            stats_add(&share[t], chain[c][t].mean);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}

static void check(lehr_exchange scheme)
{
    stats_moments share[RUNGS] = {{0}};
    measure(scheme, SAMPLES(128), share);
    for (int32_t t = 0; t < RUNGS; t++) {
        const double exact = share_of_plus(betas[t]), z = stats_z(&share[t], exact);
        cr_expect(fabs(z) < SIGMA(5), "rung %d: %.4f instead of %.4f, z %.1f", t, share[t].mean,
                  exact, z);
        cr_expect(stats_error(&share[t]) < 0.015 * sqrt(SAMPLES_CUT), "rung %d: too coarse, %.4f",
                  t, stats_error(&share[t]));
    }
}

Test(mixture, every_rung_finds_both_modes_with_deo)
{
    check(LEHR_EXCHANGE_DEO);
}

Test(mixture, every_rung_finds_both_modes_with_seo)
{
    check(LEHR_EXCHANGE_SEO);
}

/* The negative control: without exchange the cold rung stays where it started, so the check
 * above can fail. */
Test(mixture, without_exchange_the_cold_rung_stays_in_its_mode)
{
    stats_moments share[RUNGS] = {{0}};
    measure(LEHR_EXCHANGE_NONE, SAMPLES(128), share);
    cr_expect(share[0].mean < 0.1, "cold: %.4f", share[0].mean);
    cr_expect(fabs(stats_z(&share[0], share_of_plus(1))) > SIGMA(5));
    cr_expect(share[RUNGS - 1].mean > 0.4, "the hottest rung crosses by itself: %.4f",
              share[RUNGS - 1].mean);
}
