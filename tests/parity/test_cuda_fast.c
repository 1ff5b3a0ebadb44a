/* Numerics fast against the exact CPU backend: tolerances and a law instead of bits. What it does in detail,
 * on a test device alone, is in tests/device/test_fast.c.
 *
 * NMSE(1e-5): TF32 keeps 10 bits of a factor's fraction. Where the rest is cut off, a product loses up to 2^-9
 * of itself, and hardware tanh is right to 2^-11: squared 4e-6 and 2e-7 a layer if all errors had one sign,
 * which they have not. Factors cut that way by the test device give at most 6e-7 in the energies of these
 * cases. Units and losses that jump have no such bound: their cases only have to run.                 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cases.h"
#include "support/check.h"
#include "support/systems.h"

static const double tolerance = LEHR_NMSE(1e-5);

/* ---- Energies ---------------------------------------------------------------------------------- */

static const parity_way straight = {.options = {.threads = 1}};

static bool jumps(const lehr_run *run)
{
    const lehr_energy_args *e = &run->pack->problem->args;
    const lehr_i32 kind = e->network.activation;
    return kind == LEHR_ACTIVATION_STEP || kind == LEHR_ACTIVATION_SIGN ||
           e->loss == LEHR_LOSS_ZERO_ONE;
}

static double energies_nmse(const lehr_run *got, const lehr_run *right)
{
    const size_t rows = (size_t)right->pack->table->rows;
    float *values = calloc(2 * rows, sizeof *values);
    for (size_t r = 0; r < rows; r++) {
        values[r] = (float)got->pack->table->energy[r];
        values[rows + r] = (float)right->pack->table->energy[r];
    }
    const double nmse = check_nmse(values, values + rows, rows);
    free(values);
    return nmse;
}

/* What the rows of `run` are worth to the exact backend, into the table of `exact`. */
static void weigh_exactly(lehr_run *run, lehr_run *exact)
{
    const lehr_table *from = run->pack->table, *to = exact->pack->table;
    const size_t weights = (size_t)from->rows * (size_t)from->parameters;
    LAW_NEEDS(run->pack->backend->pull(run->pack->state));
    memcpy(to->theta, from->theta, weights * sizeof *to->theta);
    LAW_NEEDS(exact->pack->backend->push(exact->pack->state));
    LAW_NEEDS(exact->pack->backend->start(exact->pack->state));
}

static void check_case(parity_case *c)
{
    lehr_run *exact = parity_run(c, "cpu", &straight);
    c->spec.numerics = LEHR_NUMERICS_FAST;
    lehr_run *fast = parity_run(c, "cuda", &straight);
    const double first = energies_nmse(fast, exact);
    parity_drive(fast, &straight);
    weigh_exactly(fast, exact);
    const double last = energies_nmse(fast, exact);
    for (int32_t r = 0; r < fast->pack->table->rows; r++)
        cr_expect(isfinite(fast->pack->table->energy[r]), "case \"%s\": row %d", c->name, r);
    if (!jumps(fast)) {
        cr_expect_leq(first, tolerance, "case \"%s\": first energies, NMSE %g", c->name, first);
        cr_expect_leq(last, tolerance, "case \"%s\": last energies, NMSE %g", c->name, last);
    }
    lehr_run_destroy(&exact);
    lehr_run_destroy(&fast);
}

Test(cuda_fast, energies_are_those_of_the_weights)
{
    int32_t networks = 0;
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        if (c.data) {
            check_case(&c);
            networks++;
        }
        parity_close(&c);
    }
    cr_expect_geq(networks, 9, "only %d cases", networks);
}

/* ---- A law ------------------------------------------------------------------------------------- */

enum { POINTS = 8, RUNGS = 2, COPIES = 512, SCANS = 8 };

static const float points_x[POINTS] = {-3, -2, -1, 0, 1, 2, 3, 4};
static const float points_y[POINTS] = {-4, -3, 0, -1, 2, 1, 4, 3};
/* y = a + b x by least squares: sums over x, y, x^2, x y are 4, 2, 44, 46. */
static const double a_best = (2.0 * 44 - 4 * 46) / (8 * 44 - 16),
                    b_best = (8.0 * 46 - 4 * 2) / (8 * 44 - 16);

/* The posterior at beta: E = |y - a - b x|^2 / 8, so the precision of (a, b) is beta/4 [[8,4],[4,44]]. Its
 * Cholesky factor is lower; the draw solves with its transpose. The weight stands before the bias. */
static void draw_line(stats_rng *rng, double beta, const void *system, float *theta)
{
    (void)system;
    const double scale = sqrt(beta / 4), l00 = scale * sqrt(8), l10 = scale * 4 / sqrt(8),
                 l11 = scale * sqrt(44 - 2);
    const double z0 = stats_normal(rng), z1 = stats_normal(rng), b = z1 / l11;
    theta[0] = (float)(b_best + b);
    theta[1] = (float)(a_best + (z0 - l10 * b) / l00);
}

static lehr_objective *line_objective(lehr_dataset **data)
{
    const lehr_data_spec spec = {.task = LEHR_TASK_REGRESSION, .split_seed = 1};
    const lehr_network_spec network = {.activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {
        .kind = LEHR_LOSS_MSE, .reduction = LEHR_REDUCTION_MEAN, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    lehr_objective *objective = NULL;
    LAW_NEEDS(lehr_dataset_from_arrays(&spec, points_x, points_y, POINTS, 1, 1, data));
    LAW_NEEDS(lehr_objective_create(&network, &loss, &prior, *data, &objective));
    return objective;
}

/* Is this a mean of COPIES values of that law? */
static void expect_mean(double mean, double right, double variance, const char *what, double beta)
{
    const double z = (mean - right) / sqrt(variance / COPIES);
    cr_expect(fabs(z) < SIGMA(5), "beta %g: mean of %s is %g, z %.1f", beta, what, mean, z);
}

/* beta (E - E*) is a gamma variable of shape 1: mean 1, variance 1. */
static void check_rung(const lehr_run *run, int32_t rung, double least)
{
    const double beta = law_beta(run, rung);
    double energy = 0, a = 0, b = 0;
    for (int32_t c = 0; c < COPIES; c++) {
        energy += law_energy(run, c, rung) / COPIES;
        b += (double)law_theta(run, c, rung)[0] / COPIES;
        a += (double)law_theta(run, c, rung)[1] / COPIES;
    }
    expect_mean(beta * (energy - least), 1, 1, "beta (E - E*)", beta);
    expect_mean(a, a_best, 4 / beta * 44 / (8 * 44 - 16), "the bias", beta);
    expect_mean(b, b_best, 4 / beta * 8 / (8 * 44 - 16), "the weight", beta);
}

/* SIGMA(5), fixed seed, exact starts, one sample per copy; 6 checks: false alarm 3e-6. TF32 moves means by
 * 2^-11 of themselves, a fiftieth of their standard error. */
Test(cuda_fast, keeps_the_posterior_of_a_linear_model)
{
    static const double beta[RUNGS] = {4, 1};
    double least = 0;
    for (int i = 0; i < POINTS; i++)
        least += pow((double)points_y[i] - a_best - b_best * (double)points_x[i], 2) / POINTS;
    lehr_dataset *data = NULL;
    lehr_objective *objective = line_objective(&data);
    lehr_run_spec spec = law_spec(beta, RUNGS, COPIES, SCANS);
    spec.numerics = LEHR_NUMERICS_FAST;
    snprintf(spec.backend, sizeof spec.backend, "cuda");
    lehr_run *run = law_open(&spec, objective);
    law_start(run, draw_line, NULL, 5);
    law_advance(run, SCANS);
    for (int32_t t = 0; t < RUNGS; t++)
        check_rung(run, t, least);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}
