/* The quadratic target |x|^2/2: on a rung of temperature T every coordinate is normal with mean
 * 0 and variance T, 2E/T is chi-square with d degrees of freedom, and the swap acceptance
 * between two rungs has a closed form.
 *
 * SIGMA(5) and p > 1e-6, fixed seeds; rows start from the exact law, one sample per copy.
 * Checks: 5 ladders x 3 rungs x (2 means, 2 variances, law of E, mean and variance of E) and 2
 * swaps each, 8 moves x 2 rungs x 5, 1 fine one: about 200.
 * Planted: every bug of core/plant.h but step_stays_with_row. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/systems.h"

enum { RUNGS = 3 };

static void normal_draw(stats_rng *rng, double beta, const void *system, float *theta)
{
    const int32_t d = *(const int32_t *)system;
    for (int32_t i = 0; i < d; i++)
        theta[i] = (float)(stats_normal(rng) / sqrt(beta));
}

static lehr_objective *quadratic(int32_t d)
{
    const lehr_target_spec spec = {.kind = LEHR_TARGET_QUADRATIC, .parameters = d};
    lehr_objective *objective = NULL;
    LAW_NEEDS(lehr_objective_create_target(&spec, &objective));
    return objective;
}

/* Mean 0 and variance T of one coordinate. */
static void check_coordinate(const lehr_run *run, int32_t rung, int32_t i, const char *what)
{
    const double T = 1 / law_beta(run, rung), n = run->spec.copies;
    stats_moments m = {0};
    for (int32_t c = 0; c < run->spec.copies; c++)
        stats_add(&m, law_theta(run, c, rung)[i]);
    const double z_mean = m.mean / sqrt(T / n),
                 z_variance = (stats_variance(&m) / T - 1) / sqrt(2 / n);
    cr_expect(fabs(z_mean) < SIGMA(5), "%s, T %g, x[%d]: mean %g, z %.1f", what, T, i, m.mean,
              z_mean);
    cr_expect(fabs(z_variance) < SIGMA(5), "%s, T %g, x[%d]: variance %g, z %.1f", what, T, i,
              stats_variance(&m), z_variance);
}

/* E/T is a gamma variate of shape k = d/2: mean k, variance k, fourth central moment 3k^2 + 6k. */
static void check_energy(const lehr_run *run, int32_t rung, const char *what)
{
    const double k = 0.5 * run->pack->table->parameters, T = 1 / law_beta(run, rung),
                 n = run->spec.copies;
    stats_bins bins = {{0}};
    stats_moments m = {0};
    for (int32_t c = 0; c < run->spec.copies; c++) {
        const double e = law_energy(run, c, rung) / T;
        stats_add(&m, e);
        stats_bin(&bins, stats_chi2_tail(2 * e, 2 * k));
    }
    const double z_mean = (m.mean - k) / sqrt(k / n), p = stats_bins_p(&bins);
    const double z_variance = (stats_variance(&m) - k) / sqrt((2 * k * k + 6 * k) / n);
    cr_expect(fabs(z_mean) < SIGMA(5), "%s, T %g: E/T has mean %g, z %.1f", what, T, m.mean,
              z_mean);
    cr_expect(fabs(z_variance) < SIGMA(5), "%s, T %g: E/T has variance %g, z %.1f", what, T,
              stats_variance(&m), z_variance);
    cr_expect(p > LEAST_P, "%s, T %g: law of E, p %.2g", what, T, p);
}

/* EXACT up to the float sum: the energy beside the weights is theirs. */
static void check_rows(const lehr_run *run, const char *what)
{
    const lehr_table *t = run->pack->table;
    for (int32_t r = 0; r < t->rows; r++) {
        double squares = 0;
        for (int32_t i = 0; i < t->parameters; i++)
            squares += (double)t->theta[(size_t)r * (size_t)t->parameters + (size_t)i] *
                       t->theta[(size_t)r * (size_t)t->parameters + (size_t)i];
        cr_assert(fabs(t->energy[r] - squares / 2) <= 1e-5 * squares, "%s: row %d holds %g, not %g",
                  what, r, t->energy[r], squares / 2);
    }
}

/* Mean of min(1, exp(...)) for two gamma laws of shape d/2 and betas in ratio R (Predescu,
 * Predescu, Ciobanu 2004, doi:10.1063/1.1644093): 2 I_{1/(1+R)}(d/2, d/2). */
static double exact_swap(int32_t d, double ratio)
{
    return 2 * stats_beta(0.5 * d, 0.5 * d, 1 / (1 + ratio));
}

Test(gaussian, swap_acceptance_has_its_known_values)
{
    static const struct {
        int32_t d;
        double ratio, expected;
    } known[] = {
        {1, 4, 0.5903344706},      {2, 2, 0.6666666667},    {3, 1.5, 0.7470600781},
        {8, 1.25, 0.7599229683},   {16, 1.5, 0.4262063652}, {64, 1.1, 0.7041808051},
        {256, 1.25, 0.0748205390},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_expect(fabs(exact_swap(known[i].d, known[i].ratio) - known[i].expected) < 1e-10, "d %d",
                  known[i].d);
}

/* Energies near normal: A tends to erfc(sigma_E dbeta / 2) with sigma_E^2 = d/(2 beta^2) between
 * the two betas. */
Test(gaussian, swap_acceptance_tends_to_erfc_in_many_dimensions)
{
    const double ratio = 1.1, dbeta = ratio - 1, middle = sqrt(ratio);
    const double sigma = sqrt(1024 / 2.0) / middle;
    cr_expect(fabs(exact_swap(1024, ratio) / erfc(sigma * dbeta / 2) - 1) < 0.01);
}

static void check_swaps(const lehr_run *run, int32_t d, double ratio)
{
    for (int32_t t = 0; t + 1 < RUNGS; t++) {
        const stats_moments m = law_swaps(run, t);
        const double z = stats_z(&m, exact_swap(d, ratio));
        cr_expect(fabs(z) < SIGMA(5), "d %d, R %g, swap %d: %.5f instead of %.5f, z %.1f", d, ratio,
                  t, m.mean, exact_swap(d, ratio), z);
    }
}

static void check_ladder(int32_t d, double ratio, int32_t copies)
{
    enum { SCANS = 30 };
    const double beta[RUNGS] = {2, 2 / ratio, 2 / ratio / ratio};
    lehr_run_spec spec = law_spec(beta, RUNGS, copies, SCANS);
    spec.exchange.every = 2;
    lehr_objective *objective = quadratic(d);
    lehr_run *run = law_open(&spec, objective);
    law_start(run, normal_draw, &d, 21 + (uint64_t)d);
    law_advance(run, SCANS);
    for (int32_t t = 0; t < RUNGS; t++) {
        check_coordinate(run, t, 0, "ladder");
        check_coordinate(run, t, d - 1, "ladder");
        check_energy(run, t, "ladder");
    }
    check_rows(run, "ladder");
    check_swaps(run, d, ratio);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}

Test(gaussian, moments_and_swap_acceptance_in_few_dimensions)
{
    check_ladder(1, 4, SAMPLES(8192));
    check_ladder(3, 1.5, SAMPLES(8192));
}

Test(gaussian, moments_and_swap_acceptance_in_many_dimensions)
{
    check_ladder(8, 1.25, SAMPLES(8192));
    check_ladder(16, 1.5, SAMPLES(8192));
    check_ladder(64, 1.1, SAMPLES(8192));
}

/* ---- Every kind of move ---- */

static void check_move(const lehr_move_spec *move, uint64_t seed)
{
    enum { SCANS = 40 };
    const double beta[2] = {4, 0.25};
    const int32_t d = 5;
    lehr_run_spec spec = law_spec(beta, 2, SAMPLES(8192), SCANS);
    spec.exchange.scheme =
        LEHR_EXCHANGE_NONE; /* each rung by itself: the hot one does not mend the cold one */
    spec.moves[0] = *move;
    lehr_objective *objective = quadratic(d);
    lehr_run *run = law_open(&spec, objective);
    law_start(run, normal_draw, &d, seed);
    law_advance(run, SCANS);
    const char *what = lehr_kind_name(LEHR_LIST_MOVE, (int32_t)move->kind);
    for (int32_t t = 0; t < 2; t++) {
        const double acceptance = lehr_run_move(run, 0, t).acceptance;
        cr_expect(acceptance > 0.05 && acceptance < 0.95, "%s: acceptance %g proves little", what,
                  acceptance);
        check_coordinate(run, t, 0, what);
        check_energy(run, t, what);
    }
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}

/* Log scale is the asymmetric one: with its Hastings term tempered, x would gain a factor
 * |x|^(beta-1). */
Test(gaussian, every_move_keeps_the_law_at_any_temperature)
{
    const lehr_move_spec moves[] = {
        {LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 1, 4, 0, 0, 0, 1},
        {LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 4, 4, 0, 0, 0, 1},
        {LEHR_MOVE_LAPLACE, LEHR_SCOPE_ALL, 1, 4, 0, 0, 0, 1},
        {LEHR_MOVE_CAUCHY, LEHR_SCOPE_ALL, 1, 4, 0, 0, 0, 1},
        {LEHR_MOVE_STUDENT_T, LEHR_SCOPE_ALL, 1, 3, 0, 0, 0, 1},
        {LEHR_MOVE_UNIFORM, LEHR_SCOPE_ALL, 1, 4, 0, 0, 0, 1},
        {LEHR_MOVE_UNIFORM, LEHR_SCOPE_SPARSE, 2, 4, 0, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        check_move(&moves[i], 41 + i);
}

Test(gaussian, log_scale_keeps_the_law_at_any_temperature)
{
    const lehr_move_spec move = {LEHR_MOVE_LOG_SCALE, LEHR_SCOPE_SPARSE, 1, 4, 1, 0, 0, 1};
    check_move(&move, 51);
}

/* ---- A fine measurement ---- */

/* SIGMA(5), 1 check: beta to a few parts in a thousand. A temperature that is off by 1 % in
 * uphill moves alone shifts E/T by 1 %. All rungs together, energies summed over many scans of
 * one dimension, where steps mix fast; the error comes from the spread between copies. */
Test(gaussian, temperature_is_right_to_half_a_percent)
{
    enum { SCANS = 2000, KEEP = 100 };
    const double beta[RUNGS] = {4, 2, 1};
    const int32_t d = 1, copies = SAMPLES(1024);
    lehr_run_spec spec = law_spec(beta, RUNGS, copies, SCANS);
    spec.moves[0] = (lehr_move_spec){LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 1, 4, 0, 0, 0, 1};
    lehr_objective *objective = quadratic(d);
    lehr_run *run = law_open(&spec, objective);
    law_start(run, normal_draw, &d, 61);
    stats_moments chain[2048] = {{0}};
    for (int32_t scan = 0; scan < SCANS; scan += 4) {
        law_advance(run, 4);
        for (int32_t c = 0; c < copies && scan >= KEEP; c++)
            for (int32_t t = 0; t < RUNGS; t++)
                stats_add(&chain[c], law_energy(run, c, t) * law_beta(run, t));
    }
    stats_moments mean = {0};
    for (int32_t c = 0; c < copies; c++)
        stats_add(&mean, chain[c].mean);
    const double z = stats_z(&mean, 0.5);
    cr_expect(fabs(z) < SIGMA(5), "E/T is %.5f +- %.5f instead of 0.5", mean.mean,
              stats_error(&mean));
    cr_expect(REDUCED_SAMPLES || stats_error(&mean) < 0.0008, "too coarse: %g", stats_error(&mean));
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}
