/* Energies and priors from sums, against their definitions in double. */
#include <criterion/criterion.h>
#include <math.h>

#include "core/network.h"
#include "core/sum.h"
#include "core/target.h"

/* Sums in double, of P = 3 numbers. */
static void sums(const double x[3], double *squares, double *sum)
{
    *squares = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
    *sum = x[0] + x[1] + x[2];
}

/* Relative error: doubles with a few operations, lehr_exp64 and lehr_log64. */
static const double close = 1e-14;

Test(target, quadratic_is_half_the_square)
{
    cr_assert_eq(lehr_quadratic_end(7.0), 3.5);
}

/* Differences of energies are those of -ln(w N(mu) + (1-w) N(-mu)): the constant cancels. */
Test(target, mixture_is_minus_the_log_density)
{
    static const double x[][3] = {
        {0.1, -0.2, 0.3}, {2, 2, 2}, {-2, -1.5, -2.5}, {5, 6, 7}, {-30, -20, 9}};
    const double w = 0.7;
    const lehr_energy_args e = {
        .parameters = 3, .mode = 2, .mode_log_odds = (float)log(w / (1 - w))};
    const double odds = exp((double)e.mode_log_odds), weight = odds / (1 + odds);
    double energy[5], right[5];
    for (int i = 0; i < 5; i++) {
        double squares, sum, up = 0, down = 0;
        sums(x[i], &squares, &sum);
        energy[i] = lehr_mixture_end(&e, squares, sum);
        for (int d = 0; d < 3; d++)
            up += pow(x[i][d] - 2, 2) / 2, down += pow(x[i][d] + 2, 2) / 2;
        right[i] = -(log(weight * exp(down - up) + 1 - weight) - down);
        cr_assert(fabs((energy[i] - energy[0]) - (right[i] - right[0])) <=
                      close * 100 * (1 + fabs(right[i])),
                  "%g, expected %g", energy[i] - energy[0], right[i] - right[0]);
    }
}

/* EXACT: g(E) of the 4x4 lattice (LAWS), and two bonds between the same spins on side 2. */
Test(target, spins_have_the_counted_energies)
{
    int count[65] = {0};
    for (unsigned state = 0; state < 65536; state++) {
        float spin[16], bonds[16];
        for (int i = 0; i < 16; i++)
            spin[i] = state >> i & 1 ? 1.0f : -1.0f;
        for (int i = 0; i < 16; i++)
            bonds[i] = lehr_spin_bonds(spin, 4, i);
        count[(int)lehr_sum(bonds, 16) + 32]++;
    }
    cr_assert(count[0] == 2 && count[8] == 32 && count[12] == 64 && count[16] == 424 &&
              count[20] == 1728);
    cr_assert(count[24] == 6688 && count[28] == 13568 && count[32] == 20524 && count[64] == 2);
    const float up[4] = {1, 1, 1, 1}, mixed[4] = {1, -1, 1, 1};
    float two[2] = {0, 0};
    for (int i = 0; i < 4; i++)
        two[0] += lehr_spin_bonds(up, 2, i), two[1] += lehr_spin_bonds(mixed, 2, i);
    cr_assert(two[0] == -8.0f && two[1] == 0.0f);
}

/* EXACT. */
Test(target, penalties_priors_and_reduction)
{
    lehr_energy_args e = {.l2 = 0.5, .l1 = 0.25, .prior = LEHR_PRIOR_NORMAL, .prior_scale = 2};
    cr_assert_eq(lehr_energy_end(&e, 1, 4, 8), 1 + 2 + 2);
    cr_assert_eq(lehr_prior_end(&e, 4, 8), 0.5);
    e.prior = LEHR_PRIOR_LAPLACE;
    cr_assert_eq(lehr_prior_end(&e, 4, 8), 4);
    cr_assert(lehr_needs_squares(&e) && lehr_needs_sizes(&e));
    e.prior = LEHR_PRIOR_NONE, e.l1 = e.l2 = 0;
    cr_assert_eq(lehr_prior_end(&e, INFINITY, INFINITY), 0,
                 "a sum that is not asked for is not used");
    cr_assert_eq(lehr_energy_end(&e, 1, INFINITY, INFINITY), 1);
    cr_assert(!lehr_needs_squares(&e) && !lehr_needs_sizes(&e));
    e.reduction = LEHR_REDUCTION_MEAN;
    cr_assert_eq(lehr_reduce(&e, 10, 4), 2.5);
    e.reduction = LEHR_REDUCTION_SUM;
    cr_assert_eq(lehr_reduce(&e, 10, 4), 10);
}

/* A 2-2-1 network by hand, with and without biases; EXACT, all numbers are small binary fractions. */
Test(network, equals_a_network_worked_out_by_hand)
{
    const lehr_network with = {2,         1,        LEHR_ACTIVATION_RELU, LEHR_ACTIVATION_IDENTITY,
                               {2, 2, 1}, {0, 6, 9}};
    const float theta[9] = {1, 2, -1, 0.5f, 0.25f, -0.5f, 3, 4, 0.125f}, x[2] = {0.5f, 2};
    float a[2], b[2];
    /* hidden: 1*0.5+2*2+0.25 = 4.75, relu(-0.5+1-0.5) = 0 */
    cr_assert_eq(lehr_network_point(&with, theta, x, a, b)[0], 3 * 4.75f + 0.125f);
    const lehr_network without = {2,         0,        LEHR_ACTIVATION_RELU, LEHR_ACTIVATION_SIGN,
                                  {2, 2, 1}, {0, 4, 6}};
    const float bare[6] = {1, 2, -1, 0.5f, -3, 4};
    cr_assert_eq(lehr_network_point(&without, bare, x, a, b)[0], -1.0f);
    const int layers[] = {0, 0, 0, 0, 0, 0, 1, 1, 1};
    for (int i = 0; i < 9; i++)
        cr_assert_eq(lehr_layer_of(&with, i), layers[i]);
}
