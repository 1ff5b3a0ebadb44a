/* Round trips of replicas between the ends of a ladder, at a known swap rejection r: per
 * exchange and over all K replicas of a copy 1/(2 + 2 sum r/(1-r)) with deo, 1/(2(K-1) + 2 sum
 * r/(1-r)) with seo (Syed, Bouchard-Cote, Deligiannidis, Doucet 2022, doi:10.1111/rssb.12464).
 *
 * How r is made constant: moves are so large that all are refused, and before every scan the
 * test gives each row the energy of the rung it stands on, spaced so that every neighboring pair
 * has swap probability 1-r exactly. So real exchange code moves labels, and nothing else
 * decides. A first stretch is left out: then trips have a constant rate and their expected
 * number is n tau without an edge term.
 *
 * SIGMA(5) from the spread between copies, 9 checks, fixed seed; EXACT for r = 0.
 * Planted: swap_sign, swap_no_ratio, swap_stale, swap_half, swap_half_uphill, swap_greedy. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/systems.h"

/* Energies of the rungs: betas are one apart, so E[i+1] - E[i] = -ln(1-r) gives exp(dbeta dE) =
 * 1-r. */
static void set_energies(lehr_run *run, double rejection)
{
    lehr_table *t = run->pack->table;
    for (int32_t r = 0; r < t->rows; r++)
        t->energy[r] = -t->rung[r] * log1p(-rejection);
    LAW_NEEDS(run->pack->backend->push(run->pack->state));
}

static lehr_run *open_swapper(lehr_exchange scheme, int32_t rungs, int32_t copies, int64_t scans,
                              lehr_objective **objective)
{
    const lehr_target_spec target = {.kind = LEHR_TARGET_QUADRATIC, .parameters = 1};
    LAW_NEEDS(lehr_objective_create_target(&target, objective));
    double beta[16];
    for (int32_t t = 0; t < rungs; t++)
        beta[t] = rungs - t;
    lehr_run_spec spec = law_spec(beta, rungs, copies, scans);
    spec.exchange.scheme = scheme;
    spec.moves[0] = (lehr_move_spec){
        LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 1, 4, 1e30, 0, 0, 1}; /* |x|^2 overflows */
    return law_open(&spec, *objective);
}

static void exchange(lehr_run *run, double rejection, int32_t times)
{
    for (int32_t i = 0; i < times; i++) {
        set_energies(run, rejection);
        law_advance(run, 1);
    }
}

static int64_t trips_of(const lehr_run *run, int32_t copy)
{
    const int32_t rungs = run->spec.ladder.rungs;
    int64_t trips = 0;
    for (int32_t i = 0; i < rungs; i++)
        trips += run->pack->table->trips[copy * rungs + i];
    return trips;
}

static double rate(lehr_exchange scheme, int32_t rungs, double r)
{
    const double pairs = rungs - 1;
    return 1 / ((scheme == LEHR_EXCHANGE_SEO ? 2 * pairs : 2) + 2 * pairs * r / (1 - r));
}

static void check_rate(lehr_exchange scheme, int32_t rungs, double r, int32_t copies)
{
    enum { FIRST = 800, COUNTED = 3200 };
    lehr_objective *objective = NULL;
    lehr_run *run = open_swapper(scheme, rungs, copies, FIRST + COUNTED, &objective);
    int64_t before[256];
    exchange(run, r, FIRST);
    for (int32_t c = 0; c < copies; c++)
        before[c] = trips_of(run, c);
    exchange(run, r, COUNTED);
    stats_moments trips = {0};
    for (int32_t c = 0; c < copies; c++)
        stats_add(&trips, (double)(trips_of(run, c) - before[c]));
    const double expected = COUNTED * rate(scheme, rungs, r), z = stats_z(&trips, expected);
    cr_expect(fabs(z) < SIGMA(5), "%d rungs, r %g: %.1f trips instead of %.1f, z %.1f", rungs, r,
              trips.mean, expected, z);
    cr_expect(REDUCED_SAMPLES || stats_error(&trips) < 0.015 * expected, "too coarse: %g",
              stats_error(&trips));
    lehr_run_summary summary;
    LAW_NEEDS(lehr_run_summarize(run, &summary));
    cr_expect(fabs(summary.tau_predicted - rate(scheme, rungs, r)) < 1e-12, "%.15g",
              summary.tau_predicted);
    cr_expect(fabs(erf(summary.barrier / (rungs - 1) * sqrt(acos(-1)) / 2) - r) < 1e-12, "%.15g",
              summary.barrier);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}

Test(round_trips, deterministic_even_odd_has_its_rate)
{
    static const struct {
        int32_t rungs;
        double r;
    } cases[] = {{4, 0.1}, {4, 0.3}, {4, 0.5}, {8, 0.1}, {8, 0.3}, {8, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_rate(LEHR_EXCHANGE_DEO, cases[i].rungs, cases[i].r, SAMPLES(96));
}

Test(round_trips, stochastic_even_odd_has_its_rate)
{
    static const struct {
        int32_t rungs;
        double r;
    } cases[] = {{4, 0.3}, {8, 0.3}, {8, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_rate(LEHR_EXCHANGE_SEO, cases[i].rungs, cases[i].r, SAMPLES(96));
}

/* EXACT: without rejections replicas march round the ladder; n = 4096 exchanges, K even:
 * sum over i < K of floor(max(n-i, 0) / 2K). */
Test(round_trips, without_rejection_the_count_is_exact)
{
    static const struct {
        int32_t rungs;
        int64_t trips;
    } cases[] = {{2, 2047}, {4, 2045}, {8, 2041}, {16, 2033}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_objective *objective = NULL;
        lehr_run *run = open_swapper(LEHR_EXCHANGE_DEO, cases[i].rungs, 2, 4096, &objective);
        exchange(run, 0, 4096);
        for (int32_t c = 0; c < 2; c++)
            cr_expect_eq(trips_of(run, c), cases[i].trips, "%d rungs: %lld trips instead of %lld",
                         cases[i].rungs, (long long)trips_of(run, c), (long long)cases[i].trips);
        lehr_run_destroy(&run);
        lehr_objective_destroy(&objective);
    }
}
