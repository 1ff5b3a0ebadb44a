/* The linear model with squared error, whose posterior is normal: mean, covariance, mean loss
 * and evidence in closed form, with a flat and with a normal prior.
 *
 * The numbers of the tables follow from X'X = [[44,-2,4],[-2,29,1],[4,1,8]], X'y = (52,-31,-1),
 * y'y = 95 in exact fractions. SIGMA(5) and p > 1e-6, fixed seeds; exact starts, one sample per
 * copy. Checks: flat twice 6 rungs x 8 and 5 swaps, normal 7 rungs x 2, 2 evidences, 1 integral: 123.
 * Planted: every bug of core/plant.h but hastings_tempered and beta_1pct. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "support/systems.h"

enum { D = 3, POINTS = 8 };

static const float points_x[POINTS][2] = {{-3, 1}, {-2, -1}, {-1, 2}, {0, -2},
                                          {1, 0},  {2, 3},   {3, -3}, {4, 1}};
static const float points_y[POINTS] = {-5, -2, -3, 1, 0, -2, 6, 4};
static const double xx[D][D] = {{44, -2, 4}, {-2, 29, 1}, {4, 1, 8}};
static const double xy[D] = {52, -31, -1};
static const double least[D] = {5755.0 / 4826, -2331.0 / 2413, -1449.0 / 2413}; /* least squares */
static const double least_loss = 5895.0 / 19304;

typedef struct linear {
    lehr_dataset *data;
    lehr_objective *objective;
    double prior; /* precision of the normal prior: 1, or 0 for a flat one */
} linear;

static linear linear_create(lehr_prior kind)
{
    linear s = {.prior = kind == LEHR_PRIOR_NORMAL};
    const lehr_data_spec data = {.task = LEHR_TASK_REGRESSION, .split_seed = 1};
    const lehr_network_spec network = {.activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {
        .kind = LEHR_LOSS_MSE, .reduction = LEHR_REDUCTION_MEAN, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = kind, .scale = 1};
    LAW_NEEDS(lehr_dataset_from_arrays(&data, &points_x[0][0], points_y, POINTS, 2, 1, &s.data));
    LAW_NEEDS(lehr_objective_create(&network, &loss, &prior, s.data, &s.objective));
    return s;
}

static void linear_destroy(linear *s)
{
    lehr_objective_destroy(&s->objective);
    lehr_dataset_destroy(&s->data);
}

/* Lower triangle L with L L' = A, the precision at beta: prior I + (beta/4) X'X, as E = |y -
 * Xw|^2/8. */
static void cholesky(const linear *s, double beta, double L[D][D])
{
    memset(L, 0, sizeof(double[D][D]));
    for (int i = 0; i < D; i++)
        for (int j = 0; j <= i; j++) {
            double sum = beta / 4 * xx[i][j] + (i == j ? s->prior : 0);
            for (int k = 0; k < j; k++)
                sum -= L[i][k] * L[j][k];
            L[i][j] = i == j ? sqrt(sum) : sum / L[j][j];
        }
}

/* L' out = in, and L out = in. */
static void solve_transposed(double L[D][D], const double in[D], double out[D])
{
    for (int i = D - 1; i >= 0; i--) {
        out[i] = in[i];
        for (int k = i + 1; k < D; k++)
            out[i] -= L[k][i] * out[k];
        out[i] /= L[i][i];
    }
}

static void solve(double L[D][D], const double in[D], double out[D])
{
    for (int i = 0; i < D; i++) {
        out[i] = in[i];
        for (int k = 0; k < i; k++)
            out[i] -= L[i][k] * out[k];
        out[i] /= L[i][i];
    }
}

static void posterior_mean(double L[D][D], double beta, double mean[D])
{
    double b[D], half[D];
    for (int i = 0; i < D; i++)
        b[i] = beta / 4 * xy[i];
    solve(L, b, half);
    solve_transposed(L, half, mean);
}

/* A law_draw of the posterior: its mean plus inverse of L' times normals. */
static void linear_draw(stats_rng *rng, double beta, const void *system, float *theta)
{
    double L[D][D], mean[D], z[D], w[D];
    cholesky(system, beta, L);
    posterior_mean(L, beta, mean);
    for (int i = 0; i < D; i++)
        z[i] = stats_normal(rng);
    solve_transposed(L, z, w);
    for (int i = 0; i < D; i++)
        theta[i] = (float)(mean[i] + w[i]);
}

/* ---- Flat prior ---- */

/* 2 beta (E - E*) is chi-square with 3 degrees of freedom. */
static void check_flat_energy(const lehr_run *run, int32_t rung)
{
    const double beta = law_beta(run, rung), n = run->spec.copies;
    stats_bins bins = {{0}};
    stats_moments m = {0};
    for (int32_t c = 0; c < run->spec.copies; c++) {
        const double e = law_energy(run, c, rung);
        stats_add(&m, e);
        stats_bin(&bins, stats_chi2_tail(2 * beta * (e - least_loss), D));
    }
    const double z = (m.mean - least_loss - 1.5 / beta) / (sqrt(1.5 / n) / beta),
                 p = stats_bins_p(&bins);
    cr_expect(fabs(z) < SIGMA(5), "beta %g: mean loss %g, z %.1f", beta, m.mean, z);
    cr_expect(p > LEAST_P, "beta %g: 2 beta (E-E*) is not chi-square of 3, p %.2g", beta, p);
}

/* Posterior means are the least squares; variances 4/beta times the diagonal of inv X'X. */
static void check_flat_weights(const lehr_run *run, int32_t rung)
{
    static const double diagonal[D] = {231.0 / 2413 / 4, 336.0 / 2413 / 4, 1272.0 / 2413 / 4};
    const double beta = law_beta(run, rung), n = run->spec.copies;
    for (int i = 0; i < D; i++) {
        const double variance = 4 / beta * diagonal[i];
        stats_moments m = {0};
        for (int32_t c = 0; c < run->spec.copies; c++)
            stats_add(&m, law_theta(run, c, rung)[i]);
        const double z = (m.mean - least[i]) / sqrt(variance / n);
        const double z_variance = (stats_variance(&m) / variance - 1) / sqrt(2 / n);
        cr_expect(fabs(z) < SIGMA(5), "beta %g: w[%d] has mean %g, z %.1f", beta, i, m.mean, z);
        cr_expect(fabs(z_variance) < SIGMA(5), "beta %g: w[%d] has variance %g, z %.1f", beta, i,
                  stats_variance(&m), z_variance);
    }
}

static void check_flat(const lehr_move_spec *moves, int32_t count)
{
    enum { RUNGS = 6, SCANS = 30 };
    static const double beta[RUNGS] = {8, 4, 2, 1, 0.5, 0.25};
    linear s = linear_create(LEHR_PRIOR_NONE);
    lehr_run_spec spec = law_spec(beta, RUNGS, SAMPLES(12288), SCANS);
    spec.exchange.every = 2;
    for (int32_t m = 0; m < count; m++)
        spec.moves[m] = moves[m];
    spec.move_count = count > 0 ? count : spec.move_count;
    lehr_run *run = law_open(&spec, s.objective);
    law_start(run, linear_draw, &s, 71);
    law_advance(run, SCANS);
    for (int32_t t = 0; t < RUNGS; t++) {
        check_flat_energy(run, t);
        check_flat_weights(run, t);
    }
    for (int32_t t = 0; t + 1 < RUNGS; t++) {
        const stats_moments m = law_swaps(run, t);
        const double z = stats_z(&m,
                                 0.583582811582); /* 2 I_{1/3}(3/2, 3/2): betas in ratio 2, d = 3 */
        cr_expect(fabs(z) < SIGMA(5), "swap %d: %.5f, z %.1f", t, m.mean, z);
    }
    lehr_run_destroy(&run);
    linear_destroy(&s);
}

Test(linear, flat_prior_gives_least_squares_chi_square_and_equal_swap_rates)
{
    check_flat(NULL, 0);
}

/* Of every distribution one, on other parameters each: half, all, a layer, the unit, some of it. */
Test(linear, every_scope_keeps_the_posterior)
{
    static const lehr_move_spec moves[] = {
        {.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_SPARSE, .k = 2, .scale = 0.7, .weight = 1},
        {.kind = LEHR_MOVE_LAPLACE, .scope = LEHR_SCOPE_ALL, .scale = 0.4, .weight = 1},
        {.kind = LEHR_MOVE_UNIFORM, .scope = LEHR_SCOPE_LAYER, .scale = 0.5, .weight = 1},
        {.kind = LEHR_MOVE_CAUCHY, .scope = LEHR_SCOPE_NEURON, .k = 1, .scale = 0.3, .weight = 1},
        {.kind = LEHR_MOVE_STUDENT_T,
         .scope = LEHR_SCOPE_NEURON_IN,
         .k = 0,
         .nu = 3,
         .scale = 0.4,
         .weight = 1},
        {.kind = LEHR_MOVE_GAUSSIAN,
         .scope = LEHR_SCOPE_NEURON_IN,
         .k = 1,
         .scale = 1,
         .weight = 1},
        {.kind = LEHR_MOVE_LOG_SCALE, .scope = LEHR_SCOPE_NEURON, .k = 1, .scale = 1, .weight = 1},
    };
    check_flat(moves, sizeof moves / sizeof *moves);
}

/* ---- Normal prior, evidence ---- */

enum { PATH = 7 };
static const double path[PATH] = {8, 4, 2, 1, 0.5, 0.25, 0};
static const double log_z[PATH] = {-9.4456016480878731,
                                   -7.20176122401001486,
                                   -5.58554153479456081,
                                   -4.30614028035367815,
                                   -3.23334395725748134,
                                   -2.32010656282897442,
                                   0};
static const double mean_loss[PATH] = {0.49069594309534137,
                                       0.6717183650503823,
                                       1.0215462081046087,
                                       1.6780372173826774,
                                       2.8556171290154224,
                                       4.830653969847099,
                                       22};
static const double variance_loss[PATH] = {
    0.022893726632696714, 0.08946109504714411, 0.3420880302530198, 1.2616325077423243,
    4.411184322388327,    14.191533352539246,  319.21875};

/* Stepping stone (Xie et al. 2011, doi:10.1093/sysbio/syq085): ln Z(cold) - ln Z(hot) is the sum
 * over pairs of ln <exp(-(beta_cold - beta_hot) E)> on the hotter rung; the relative variances
 * of the means add up. */
static void check_evidence(const lehr_run *run, int32_t cold)
{
    double estimate = 0, variance = 0;
    for (int32_t t = cold; t + 1 < PATH; t++) {
        stats_moments m = {0};
        for (int32_t c = 0; c < run->spec.copies; c++)
            stats_add(&m, exp(-(path[t] - path[t + 1]) * law_energy(run, c, t + 1)));
        estimate += log(m.mean);
        variance += pow(stats_error(&m) / m.mean, 2);
    }
    const double z = (estimate - log_z[cold]) / sqrt(variance);
    cr_expect(fabs(z) < SIGMA(5), "ln Z(%g): %.5f instead of %.5f, z %.1f", path[cold], estimate,
              log_z[cold], z);
    cr_expect(REDUCED_SAMPLES || sqrt(variance) < 0.03, "too coarse: %g", sqrt(variance));
}

/* The trapezoid of the measured mean losses against that of the exact ones: sampling error only. */
static void check_thermodynamic_integral(const lehr_run *run)
{
    double estimate = 0, exact = 0, variance = 0;
    for (int32_t t = 0; t < PATH; t++) {
        const double left = t > 0 ? path[t - 1] : path[t],
                     right = t + 1 < PATH ? path[t + 1] : path[t];
        const double share = 0.5 * (left - right);
        const stats_moments m = law_energies(run, t);
        estimate += share * m.mean;
        exact += share * mean_loss[t];
        variance += share * share * variance_loss[t] / run->spec.copies;
    }
    const double z = (estimate - exact) / sqrt(variance);
    cr_expect(fabs(z) < SIGMA(5), "integral %.5f instead of %.5f, z %.1f", estimate, exact, z);
}

Test(linear, normal_prior_gives_the_known_losses_and_evidence)
{
    enum { SCANS = 30 };
    linear s = linear_create(LEHR_PRIOR_NORMAL);
    lehr_run_spec spec = law_spec(path, PATH, SAMPLES(12288), SCANS);
    spec.exchange.scheme = LEHR_EXCHANGE_SEO;
    lehr_run *run = law_open(&spec, s.objective);
    law_start(run, linear_draw, &s, 72);
    law_advance(run, SCANS);
    for (int32_t t = 0; t < PATH; t++) {
        const stats_moments m = law_energies(run, t);
        const double z = (m.mean - mean_loss[t]) / sqrt(variance_loss[t] / run->spec.copies);
        cr_expect(fabs(z) < SIGMA(5), "beta %g: mean loss %g, z %.1f", path[t], m.mean, z);
        stats_moments spread = {0};
        for (int32_t c = 0; c < run->spec.copies; c++)
            stats_add(&spread, pow(law_energy(run, c, t) - mean_loss[t], 2));
        const double z_variance = stats_z(&spread, variance_loss[t]);
        cr_expect(fabs(z_variance) < SIGMA(5), "beta %g: variance of the loss %g, z %.1f", path[t],
                  spread.mean, z_variance);
    }
    check_evidence(run, 1); /* beta 4: Bayesian regression with noise 1 */
    check_evidence(run, 0);
    check_thermodynamic_integral(run);
    lehr_run_destroy(&run);
    linear_destroy(&s);
}
