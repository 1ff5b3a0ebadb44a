/* Networks with hidden layers and real weights, moved a unit at a time. Their law has no closed form, but exact
 * draws: a draw from the prior is kept with probability exp(-beta E). Half of them the engine moves for a while;
 * afterwards both halves must look alike, and the energy beside each row must be that of its weights.
 *
 * p > 1e-6, fixed seeds: 6 runs x 2 rungs x 8 histograms, 96 checks; EXACT for energies.
 * Planted: no_second_ratio; hastings_tempered. Not here: scopes on binary weights (test_counted.c), on a
 * posterior in closed form (test_linear.c). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/systems.h"

enum { RUNGS = 2, SCANS = 40, POINTS = 96, INPUTS = 2, WIDE = 3, HIDDEN = 2 };
enum { P = (INPUTS + 1) * WIDE + (WIDE + 1) * HIDDEN + (HIDDEN + 1) };

static const double betas[RUNGS] = {0.12, 0.04};

/* ---- The network, apart from the engine ---- */

/* The pattern of exclusive or that a point holds: of the first 64 points each as often, then mostly one. */
static int pattern(int point)
{
    return point < 64 ? point % 4 : point % 4 == 3 ? 3 : 0;
}

static double sign_of(double z)
{
    return z >= 0 ? 1 : -1;
}

/* Outputs of a layer of sign units, float chains in the defined order; moves on to the next layer's weights. */
static const float *layer(const float *w, int inputs, int outputs, const double *x, double *out)
{
    for (int o = 0; o < outputs; o++) {
        float z = w[inputs * outputs + o];
        for (int i = 0; i < inputs; i++)
            z = fmaf(w[o * inputs + i], (float)x[i], z);
        out[o] = (double)z;
    }
    return w + (inputs + 1) * outputs;
}

/* Wrong classes of the 96 points. */
static int errors_of(const float *theta)
{
    int wrong[4], errors = 0;
    for (int n = 0; n < 4; n++) {
        double x[INPUTS] = {n & 1 ? 1 : -1, n & 2 ? 1 : -1}, a[WIDE], b[HIDDEN], z;
        const float *w = layer(theta, INPUTS, WIDE, x, a);
        for (int i = 0; i < WIDE; i++)
            a[i] = sign_of(a[i]);
        w = layer(w, WIDE, HIDDEN, a, b);
        for (int i = 0; i < HIDDEN; i++)
            b[i] = sign_of(b[i]);
        layer(w, HIDDEN, 1, b, &z);
        wrong[n] = (z >= 0) != (n == 1 || n == 2);
    }
    for (int n = 0; n < POINTS; n++)
        errors += wrong[pattern(n)];
    return errors;
}

typedef struct net {
    lehr_dataset *data;
    lehr_objective *objective;
} net;

static net net_create(void)
{
    net s;
    float x[POINTS * INPUTS], y[POINTS];
    for (int n = 0; n < POINTS; n++) {
        x[2 * n] = pattern(n) & 1 ? 1 : -1;
        x[2 * n + 1] = pattern(n) & 2 ? 1 : -1;
        y[n] = pattern(n) == 1 || pattern(n) == 2;
    }
    const lehr_data_spec data = {.task = LEHR_TASK_CLASSIFICATION, .split_seed = 1};
    const lehr_network_spec network = {.hidden_count = 2,
                                       .hidden = {WIDE, HIDDEN},
                                       .activation = LEHR_ACTIVATION_SIGN,
                                       .output = LEHR_ACTIVATION_IDENTITY,
                                       .bias = true};
    const lehr_loss_spec loss = {
        .kind = LEHR_LOSS_ZERO_ONE, .reduction = LEHR_REDUCTION_SUM, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = 1};
    LAW_NEEDS(lehr_dataset_from_arrays(&data, x, y, POINTS, INPUTS, 1, &s.data));
    LAW_NEEDS(lehr_objective_create(&network, &loss, &prior, s.data, &s.objective));
    return s;
}

/* A law_draw: of the prior until one is kept. */
static void net_draw(stats_rng *rng, double beta, const void *system, float *theta)
{
    (void)system;
    do
        for (int i = 0; i < P; i++)
            theta[i] = (float)stats_normal(rng);
    while (stats_uniform(rng) >= exp(-beta * errors_of(theta)));
}

/* ---- Two samples ---- */

enum { CELLS = 128, NUMBERS = 8 };

/* What is looked at, as numbers of cells: the energy, and weights of every layer in eighths of a normal law,
 * each together with whether the energy is low. */
static void describe(const float *theta, int errors, int cell[NUMBERS])
{
    static const int at[NUMBERS] = {-1, 0, 3, 7, 9, 15, 17, 19};
    static const double bounds[7] = {-1.15, -0.67, -0.32, 0, 0.32, 0.67, 1.15};
    cell[0] = errors;
    for (int k = 1; k < NUMBERS; k++) {
        cell[k] = errors < 40 ? 8 : 0;
        for (int b = 0; b < 7; b++)
            cell[k] += (double)theta[at[k]] > bounds[b];
    }
}

/* p-value of two samples of the same size being of one law: the sum over cells of (a-b)^2/(a+b) is chi-square;
 * cells of less than 20 are joined. */
static double two_samples_p(const int64_t *a, const int64_t *b)
{
    double sum = 0, df = -1, x = 0, y = 0;
    for (int i = 0; i < CELLS; i++) {
        x += (double)a[i], y += (double)b[i];
        if (x + y < 20)
            continue;
        sum += (x - y) * (x - y) / (x + y);
        df++;
        x = y = 0;
    }
    return df > 0 ? stats_chi2_tail(sum, df) : 1;
}

static void check_rung(const lehr_run *run, int rung, const char *what)
{
    static int64_t moved[NUMBERS][CELLS], drawn[NUMBERS][CELLS];
    stats_rng rng = {1000 + (uint64_t)rung};
    int wrong = 0;
    memset(moved, 0, sizeof moved), memset(drawn, 0, sizeof drawn);
    for (int32_t c = 0; c < run->spec.copies; c++) {
        float theta[P];
        int cell[NUMBERS];
        const float *engine = law_theta(run, c, rung);
        wrong += law_energy(run, c, rung) != errors_of(engine);
        describe(engine, errors_of(engine), cell);
        for (int k = 0; k < NUMBERS; k++)
            moved[k][cell[k]]++;
        net_draw(&rng, law_beta(run, rung), NULL, theta);
        describe(theta, errors_of(theta), cell);
        for (int k = 0; k < NUMBERS; k++)
            drawn[k][cell[k]]++;
    }
    cr_expect_eq(wrong, 0, "%s, rung %d: %d rows hold an energy that is not theirs", what, rung,
                 wrong);
    for (int k = 0; k < NUMBERS; k++) {
        const double p = two_samples_p(moved[k], drawn[k]);
        cr_expect(p > LEAST_P, "%s, rung %d: histogram %d, p %.2g", what, rung, k, p);
    }
}

/* ---- The engine keeps them ---- */

static void check_moves(const char *what, const lehr_move_spec *moves, int32_t count, bool delayed)
{
    net s = net_create();
    lehr_run_spec spec = law_spec(betas, RUNGS, SAMPLES(8192), SCANS);
    spec.exchange.every = 4;
    spec.delayed_acceptance = delayed;
    spec.move_count = count;
    for (int32_t m = 0; m < count; m++)
        spec.moves[m] = moves[m];
    lehr_run *run = law_open(&spec, s.objective);
    law_start(run, net_draw, NULL, 31);
    law_advance(run, SCANS);
    for (int rung = 0; rung < RUNGS; rung++)
        check_rung(run, rung, what);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&s.objective);
    lehr_dataset_destroy(&s.data);
}

#define MOVE(of, from, count, size)                                                                \
    {                                                                                              \
        .kind = LEHR_MOVE_##of, .scope = LEHR_SCOPE_##from, .k = count, .nu = 3, .scale = size,    \
        .weight = 1                                                                                \
    }

static const lehr_move_spec units[] = {MOVE(GAUSSIAN, NEURON, 1, 0.8),
                                       MOVE(LAPLACE, NEURON_IN, 0, 0.6),
                                       MOVE(UNIFORM, NEURON_OUT, 1, 1)};

static const lehr_move_spec picks[] = {
    MOVE(GAUSSIAN, NEURON_IN, 2, 1), MOVE(STUDENT_T, SPARSE, 3, 0.8), MOVE(LOG_SCALE, NEURON, 1, 1),
    MOVE(LOG_SCALE, NEURON_OUT, 1, 1)};

static const lehr_move_spec all[] = {
    MOVE(GAUSSIAN, ALL, 1, 0.3),    MOVE(CAUCHY, LAYER, 1, 0.3),
    MOVE(GAUSSIAN, NEURON, 1, 0.8), MOVE(LAPLACE, NEURON_OUT, 1, 0.5),
    MOVE(UNIFORM, NEURON_IN, 1, 1), MOVE(GAUSSIAN, SPARSE, 1, 1)};

#define CHECK(moves, delayed) check_moves(#moves, moves, sizeof moves / sizeof *moves, delayed)

Test(scopes, units_keep_the_law)
{
    CHECK(units, false);
}

Test(scopes, picks_keep_the_law)
{
    CHECK(picks, false);
}

Test(scopes, all_together_keep_the_law)
{
    CHECK(all, false);
}

Test(scopes, delayed_units_keep_the_law)
{
    CHECK(units, true);
}

Test(scopes, delayed_picks_keep_the_law)
{
    CHECK(picks, true);
}

Test(scopes, delayed_all_together_keep_the_law)
{
    CHECK(all, true);
}
