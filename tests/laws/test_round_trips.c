/* Round trips and flow of replicas between the ends of a ladder, at a known swap rejection r.
 *
 * Trips, per exchange and over all K replicas of a copy: 1/(2 + 2 sum r/(1-r)) with deo, 1/(2(K-1)
 * + 2 sum r/(1-r)) with seo (Syed, Bouchard-Cote, Deligiannidis, Doucet 2022,
 * doi:10.1111/rssb.12464).
 *
 * Flow, the share of a rung's visits by replicas that come from the coldest one: a replica's walk is
 * the same seen backwards, so it is the probability to meet the coldest rung before the hottest. With
 * seo and equal r that is a symmetric walk's, 1 - t/(K-1); for the others the test solves the walk
 * over (rung, direction) itself.
 *
 * How r is made constant: moves are so large that all are refused, and before every scan the
 * test gives each row the energy of the rung it stands on, spaced so that every neighboring pair
 * has swap probability 1-r exactly. So real exchange code moves labels, and nothing else
 * decides. A first stretch is left out: then trips have a constant rate and their expected
 * number is n tau without an edge term.
 *
 * SIGMA(5) from the spread between copies, 9 checks of trips and 20 of flow, fixed seed; EXACT for
 * trips at r = 0, and for the flow of a run whose rungs were all written down.
 * Planted: swap_sign, swap_no_ratio, swap_stale, swap_half, swap_half_uphill, swap_greedy; the last
 * test: flow_before_swap, flow_trips_only. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "support/systems.h"
#include "temper/exchange.h"

enum { RUNGS_MAX = 16 };

/* Energies of the rungs: betas are one apart, so E[i+1] - E[i] = -ln(1-r[i]) gives exp(dbeta dE) =
 * 1-r[i]. */
static void set_energies(lehr_run *run, const double *rejection)
{
    lehr_table *t = run->pack->table;
    double energy[RUNGS_MAX] = {0};
    for (int32_t i = 0; i + 1 < run->spec.ladder.rungs; i++)
        energy[i + 1] = energy[i] - log1p(-rejection[i]);
    for (int32_t r = 0; r < t->rows; r++)
        t->energy[r] = energy[t->rung[r]];
    LAW_NEEDS(run->pack->backend->push(run->pack->state));
}

static lehr_run *open_swapper(lehr_exchange scheme, int32_t rungs, int32_t copies, int64_t scans,
                              lehr_objective **objective)
{
    const lehr_target_spec target = {.kind = LEHR_TARGET_QUADRATIC, .parameters = 1};
    LAW_NEEDS(lehr_objective_create_target(&target, objective));
    double beta[RUNGS_MAX];
    for (int32_t t = 0; t < rungs; t++)
        beta[t] = rungs - t;
    lehr_run_spec spec = law_spec(beta, rungs, copies, scans);
    spec.exchange.scheme = scheme;
    spec.moves[0] = (lehr_move_spec){
        LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 1, 4, 1e30, 0, 0, 1}; /* |x|^2 overflows */
    return law_open(&spec, *objective);
}

static void exchange_at(lehr_run *run, const double *rejection, int32_t times)
{
    for (int32_t i = 0; i < times; i++) {
        set_energies(run, rejection);
        law_advance(run, 1);
    }
}

static void exchange(lehr_run *run, double rejection, int32_t times)
{
    double all[RUNGS_MAX];
    for (int32_t i = 0; i < RUNGS_MAX; i++)
        all[i] = rejection;
    exchange_at(run, all, times);
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

/* ---- Flow -------------------------------------------------------------------------------------- */

/* Probability that a replica of these swap rejections meets the coldest rung before the hottest, when
 * its next partner is above or below it; with seo that is drawn anew every time. Solved by sweeps, to
 * rounding. */
static void solve_walk(lehr_exchange scheme, int32_t rungs, const double *r, double *flow)
{
    double up[RUNGS_MAX] = {1}, down[RUNGS_MAX] = {1};
    for (int32_t sweep = 0; sweep < 20000; sweep++)
        for (int32_t t = 1; t + 1 < rungs; t++) {
            const double above = (1 - r[t]) * up[t + 1] + r[t] * down[t],
                         below = (1 - r[t - 1]) * down[t - 1] + r[t - 1] * up[t];
            const bool seo = scheme == LEHR_EXCHANGE_SEO;
            up[t] = seo ? (above + below) / 2 : above;
            down[t] = seo ? (above + below) / 2 : below;
        }
    for (int32_t t = 0; t < rungs; t++)
        flow[t] = (up[t] + down[t]) / 2;
}

/* Exchanges until nothing is known of the start, and those that are counted. */
typedef struct flow_case {
    int32_t rungs, first, counted;
    double r[RUNGS_MAX - 1];
} flow_case;

enum { FLOW_COPIES = 96 }; /* on every device: a few would not tell their own spread */

static void check_flow(lehr_exchange scheme, const flow_case *c)
{
    lehr_objective *objective = NULL;
    lehr_run *run = open_swapper(scheme, c->rungs, FLOW_COPIES, c->first + c->counted, &objective);
    const lehr_table *table = run->pack->table;
    int64_t before[FLOW_COPIES * RUNGS_MAX];
    exchange_at(run, c->r, c->first);
    memcpy(before, table->from_cold, (size_t)table->rows * sizeof *before);
    exchange_at(run, c->r, c->counted);
    double expected[RUNGS_MAX], said[RUNGS_MAX];
    solve_walk(scheme, c->rungs, c->r, expected);
    lehr_flow_expected(c->r, c->rungs - 1, scheme, said);
    for (int32_t t = 0; t < c->rungs; t++) {
        stats_moments flow = {0};
        for (int32_t i = t; i < table->rows; i += c->rungs)
            stats_add(&flow, (double)(table->from_cold[i] - before[i]) / c->counted);
        const double z = stats_z(&flow, expected[t]); /* at the ends 0 or infinite */
        cr_expect(fabs(z) < SIGMA(5), "%s, rung %d of %d: flow %.4f instead of %.4f, z %.1f",
                  lehr_kind_name(LEHR_LIST_EXCHANGE, (int32_t)scheme), t, c->rungs, flow.mean,
                  expected[t], z);
        cr_expect(stats_error(&flow) < 0.015, "too coarse: %g", stats_error(&flow));
        cr_expect_float_eq(said[t], expected[t], 1e-9);
    }
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}

Test(round_trips, flow_is_that_of_the_walk)
{
    static const flow_case cases[] = {
        {5, 100, 200, {0.3, 0.3, 0.3, 0.3}},
        {6, 600, 1600, {0.1, 0.2, 0.9, 0.2, 0.1}},
        {8, 400, 1600, {0, 0, 0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < (REDUCED_SAMPLES ? 1 : sizeof cases / sizeof *cases); i++) {
        check_flow(LEHR_EXCHANGE_SEO, &cases[i]);
        if (cases[i].r[0] > 0) /* else nothing is left to chance: the next test's */
            check_flow(LEHR_EXCHANGE_DEO, &cases[i]);
    }
}

/* EXACT: follow every row by its rungs alone, from where it starts. */
static void follow(const lehr_run *run, int8_t *last, int64_t *cold, int64_t *hot)
{
    const lehr_table *t = run->pack->table;
    const int32_t rungs = run->spec.ladder.rungs;
    for (int32_t r = 0; r < t->rows; r++) {
        last[r] = t->rung[r] == 0 ? 'c' : t->rung[r] == rungs - 1 ? 'h' : last[r];
        cold[r / rungs * rungs + t->rung[r]] += last[r] == 'c';
        hot[r / rungs * rungs + t->rung[r]] += last[r] == 'h';
    }
}

static void check_followed(lehr_exchange scheme, int32_t rungs, double r)
{
    enum { COPIES = 3, EXCHANGES = 150 };
    lehr_objective *objective = NULL;
    lehr_run *run = open_swapper(scheme, rungs, COPIES, EXCHANGES, &objective);
    int8_t last[COPIES * RUNGS_MAX] = {0};
    int64_t cold[COPIES * RUNGS_MAX] = {0}, hot[COPIES * RUNGS_MAX] = {0};
    follow(run, last, cold, hot); /* the start is no visit */
    memset(cold, 0, sizeof cold);
    memset(hot, 0, sizeof hot);
    for (int32_t i = 0; i < EXCHANGES; i++) {
        exchange(run, r, 1);
        follow(run, last, cold, hot);
    }
    const size_t bytes = (size_t)(COPIES * rungs) * sizeof *cold;
    cr_expect_arr_eq(run->pack->table->from_cold, cold, bytes);
    cr_expect_arr_eq(run->pack->table->from_hot, hot, bytes);
    for (int32_t t = 0; t < rungs; t++) {
        const int64_t from = cold[t] + cold[rungs + t] + cold[2 * rungs + t],
                      all = from + hot[t] + hot[rungs + t] + hot[2 * rungs + t];
        cr_expect_eq(lehr_run_flow(run, t), (double)from / (double)all);
    }
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}

Test(round_trips, flow_is_counted_from_where_rows_were)
{
    static const int32_t rungs[] = {2, 3, 8};
    static const double r[] = {0, 0.3, 0.9};
    for (size_t i = 0; i < sizeof rungs / sizeof *rungs; i++)
        for (size_t j = 0; j < sizeof r / sizeof *r; j++) {
            check_followed(LEHR_EXCHANGE_DEO, rungs[i], r[j]);
            check_followed(LEHR_EXCHANGE_SEO, rungs[i], r[j]);
        }
}
