/* Laws that need no exact answer, so they hold for a real network: here a 2-3-1 tanh net with
 * cross-entropy and a normal prior, on exclusive or, moved by every scope at once.
 *
 * - energies on two rungs: ln(p1(E)/p2(E)) is linear in E with slope beta2 - beta1 (Shirts 2013,
 *   doi:10.1021/ct300688p), whatever the density of states; the prior is not tempered, so it
 *   cancels;
 * - swaps: the mean acceptance is 2 P(delta > 0) + P(delta = 0), delta the log ratio of the
 *   pair;
 * - the virial: <w . dU/dw> = P for U = beta E - ln prior;
 * - symmetry: hidden units can be exchanged, and their signs turned, so all orders and all signs
 *   are equally likely. All rows start from one state that has none of this.
 *
 * SIGMA(5) and p > 1e-6, fixed seed: 2 slopes, 2 swaps, 3 virials, 3 x 2 symmetries.
 * Planted: swap_sign, swap_no_ratio, swap_copy, swap_half, swap_half_uphill, swap_greedy,
 * beta_stays_with_row, accept_90, shared_randoms. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "support/systems.h"

enum { RUNGS = 3, HIDDEN = 3, P = 4 * HIDDEN + 1, SCANS = 800, POINTS = 4 };
static const double betas[RUNGS] = {2, 1, 0.5};
static const double prior_scale = 1.5;
static const float xor_x[POINTS][2] = {{-1, -1}, {1, -1}, {-1, 1}, {1, 1}},
                   xor_y[POINTS] = {0, 1, 1, 0};

typedef struct net {
    lehr_dataset *data;
    lehr_objective *objective;
    lehr_run *run;
} net;

static lehr_run_spec mixed_moves(int32_t copies)
{
    lehr_run_spec spec = law_spec(betas, RUNGS, copies, SCANS);
    spec.exchange.every = 2;
    spec.move_count = 4;
    spec.moves[0] = (lehr_move_spec){LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_ALL, 1, 4, 0, 0, 0, 1};
    spec.moves[1] = (lehr_move_spec){LEHR_MOVE_STUDENT_T, LEHR_SCOPE_LAYER, 1, 4, 0.7, 0, 0, 1};
    spec.moves[2] = (lehr_move_spec){LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_SPARSE, 2, 4, 2, 0, 0, 1};
    spec.moves[3] = (lehr_move_spec){LEHR_MOVE_LOG_SCALE, LEHR_SCOPE_SPARSE, 1, 4, 1, 0, 0, 0.5};
    return spec;
}

/* Run from one solution with its units in order and of known signs. */
static net run_net(void)
{
    static const float start[P] = {-1, 0.2f, 0, 0.3f, 1, 1.2f, 0.1f, 0.2f, 0.3f, 1, 0.5f, -1, 0.1f};
    net n = {0};
    const lehr_data_spec data = {.task = LEHR_TASK_CLASSIFICATION, .split_seed = 1};
    const lehr_network_spec network = {
        .hidden_count = 1, .hidden = {HIDDEN}, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {.kind = LEHR_LOSS_BINARY_CROSS_ENTROPY,
                                 .reduction = LEHR_REDUCTION_SUM,
                                 .noise = 1,
                                 .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = prior_scale};
    LAW_NEEDS(lehr_dataset_from_arrays(&data, &xor_x[0][0], xor_y, POINTS, 2, 1, &n.data));
    LAW_NEEDS(lehr_objective_create(&network, &loss, &prior, n.data, &n.objective));
    const lehr_run_spec spec = mixed_moves(SAMPLES(2048));
    n.run = law_open(&spec, n.objective);
    LAW_NEEDS(lehr_run_start_from(n.run, start));
    law_advance(n.run, SCANS);
    return n;
}

static void net_destroy(net *n)
{
    lehr_run_destroy(&n->run);
    lehr_objective_destroy(&n->objective);
    lehr_dataset_destroy(&n->data);
}

static void check_slope(const lehr_run *run, int32_t rung)
{
    const int32_t n = run->spec.copies;
    double *cold = calloc((size_t)n * 2, sizeof *cold), *hot = cold + n;
    for (int32_t c = 0; c < n; c++) {
        cold[c] = law_energy(run, c, rung);
        hot[c] = law_energy(run, c, rung + 1);
    }
    const stats_slope slope = stats_logistic(cold, hot, n);
    const double exact = betas[rung] - betas[rung + 1];
    cr_expect(fabs(slope.value - exact) < SIGMA(5) * slope.error,
              "rung %d: slope %.4f +- %.4f instead of %g", rung, slope.value, slope.error, exact);
    cr_expect(REDUCED_SAMPLES || slope.error < 0.1 * exact, "too coarse: %g", slope.error);
    free(cold);
}

static void check_swap_identity(const lehr_run *run, int32_t rung)
{
    stats_moments difference = {0};
    for (int32_t c = 0; c < run->spec.copies; c++) {
        const double delta = (betas[rung] - betas[rung + 1]) *
                             (law_energy(run, c, rung) - law_energy(run, c, rung + 1));
        stats_add(&difference, fmin(1, exp(delta)) - (delta > 0 ? 2 : delta == 0 ? 1 : 0));
    }
    cr_expect(fabs(stats_z(&difference, 0)) < SIGMA(5), "rung %d: z %.1f", rung,
              stats_z(&difference, 0));
}

/* beta E - ln prior, in double and with libm. */
static double potential(const float *w, double scale, double beta)
{
    double energy = 0, squares = 0;
    for (int n = 0; n < POINTS; n++) {
        double z = scale * w[4 * HIDDEN];
        for (int h = 0; h < HIDDEN; h++)
            z += scale * w[3 * HIDDEN + h] *
                 tanh(scale * (w[2 * h] * (double)xor_x[n][0] + w[2 * h + 1] * (double)xor_x[n][1] +
                               w[2 * HIDDEN + h]));
        energy += log1p(exp(xor_y[n] > 0 ? -z : z));
    }
    for (int i = 0; i < P; i++)
        squares += scale * scale * w[i] * w[i];
    return beta * energy + squares / (2 * prior_scale * prior_scale);
}

static void check_virial(const lehr_run *run, int32_t rung)
{
    const double h = 1e-5;
    stats_moments virial = {0};
    for (int32_t c = 0; c < run->spec.copies; c++) {
        const float *w = law_theta(run, c, rung);
        stats_add(&virial,
                  (potential(w, 1 + h, betas[rung]) - potential(w, 1 - h, betas[rung])) / (2 * h));
    }
    cr_expect(fabs(stats_z(&virial, P)) < SIGMA(5), "rung %d: %.3f +- %.3f instead of %d", rung,
              virial.mean, stats_error(&virial), P);
}

/* 6 orders of the first weights of the hidden units, 8 sign patterns of their output weights. */
static void check_symmetry(const lehr_run *run, int32_t rung)
{
    int64_t order[8] = {0}, sign[8] = {0};
    const double signs[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const double orders[8] = {0, 1, 1, 1,
                              1, 1, 1, 0}; /* a > b > c > a cannot be, nor its reverse */
    for (int32_t c = 0; c < run->spec.copies; c++) {
        const float *w = law_theta(run, c, rung), *v = w + 3 * HIDDEN;
        order[(w[0] > w[2]) + 2 * (w[2] > w[4]) + 4 * (w[4] > w[0])]++;
        sign[(v[0] > 0) + 2 * (v[1] > 0) + 4 * (v[2] > 0)]++;
    }
    cr_expect(stats_chi2_counts(order, orders, 8, NULL) > LEAST_P, "rung %d: orders", rung);
    cr_expect(stats_chi2_counts(sign, signs, 8, NULL) > LEAST_P, "rung %d: signs", rung);
}

Test(identities, hold_for_a_network_without_an_exact_answer)
{
    net n = run_net();
    for (int32_t t = 0; t + 1 < RUNGS; t++) {
        check_slope(n.run, t);
        check_swap_identity(n.run, t);
    }
    for (int32_t t = 0; t < RUNGS; t++) {
        check_virial(n.run, t);
        check_symmetry(n.run, t);
    }
    net_destroy(&n);
}
