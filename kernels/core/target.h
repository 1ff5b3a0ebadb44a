/* target.h: what the energies E (tempered) and U (untempered) of a row are made of.
 *
 * Long sums are lehr_sum over the element functions below, so that lanes of a CPU and threads of a GPU
 * add in one order; the end functions put sums together in double. Not here: the loss of a network,
 * whose elements are the points (loss.h).                                                          */
#ifndef LEHR_CORE_TARGET_H
#define LEHR_CORE_TARGET_H

#include "core/args.h"
#include "core/real.h"

/* -- elements of long sums over parameters --------------------------------------------------------- */

LEHR_FN float lehr_square(float x)
{
    return x * x;
}

/* Site of a periodic square lattice: minus its bonds to the right and down, so that every bond counts
 * once (twice between the same two sites when side is 2). Ising 1925.                              */
LEHR_FN float lehr_spin_bonds(const float *spin, lehr_i32 side, lehr_i32 site)
{
    const lehr_i32 row = site / side, column = site % side;
    const float right = spin[row * side + (column + 1) % side];
    const float down = spin[(row + 1) % side * side + column];
    return -(spin[site] * (right + down));
}

/* -- energies from sums ---------------------------------------------------------------------------- */

/* |x|^2/2: a standard normal at beta = 1. */
LEHR_FN double lehr_quadratic_end(double squares)
{
    return 0.5 * squares;
}

/* -ln(w exp(-|x-mu|^2/2) + (1-w) exp(-|x+mu|^2/2)) - ln(w(1-w))/2 with mu_i = mode on every coordinate, from
 * the sums of x^2 and of x. With a = mu.x + ln(w/(1-w))/2 the two terms are exp(+-a): ln(e^a + e^-a).  */
LEHR_FN double lehr_mixture_end(const lehr_energy_args *e, double squares, double sum)
{
    const double mode = (double)e->mode;
    const double a = mode * sum + 0.5 * (double)e->mode_log_odds;
    const double size = a < 0.0 ? -a : a;
    const double both = size + lehr_log64(1.0 + lehr_exp64(-2.0 * size));
    return 0.5 * (squares + mode * mode * (double)e->parameters) - both;
}

/* The loss of all points as the reduction says. */
LEHR_FN double lehr_reduce(const lehr_energy_args *e, double loss_sum, lehr_i64 points)
{
    return e->reduction == LEHR_REDUCTION_MEAN ? loss_sum / (double)points : loss_sum;
}

/* E: the target's energy and the tempered penalties l2 sum x^2 + l1 sum |x|. A sum whose factor is 0 is
 * not made (and not used: 0 times infinity would not be 0).                                        */
LEHR_FN double lehr_energy_end(const lehr_energy_args *e, double target, double squares,
                               double sizes)
{
    const double l2 = e->l2 > 0.0 ? e->l2 * squares : 0.0;
    const double l1 = e->l1 > 0.0 ? e->l1 * sizes : 0.0;
    return target + l2 + l1;
}

/* U: minus the log of the prior, up to a constant. */
LEHR_FN double lehr_prior_end(const lehr_energy_args *e, double squares, double sizes)
{
    switch (e->prior) {
    case LEHR_PRIOR_NORMAL: return squares / (2.0 * e->prior_scale * e->prior_scale);
    case LEHR_PRIOR_LAPLACE: return sizes / e->prior_scale;
    default: return 0.0;
    }
}

/* Sums over the parameters behind penalties and priors; 0 where a problem does not need them. */
typedef struct lehr_sizes {
    double squares, sizes;
} lehr_sizes;

/* Which of them a problem needs. */
LEHR_FN int lehr_needs_squares(const lehr_energy_args *e)
{
    return e->l2 > 0.0 || e->prior == LEHR_PRIOR_NORMAL || e->target == LEHR_TARGET_QUADRATIC ||
           e->target == LEHR_TARGET_MIXTURE;
}

LEHR_FN int lehr_needs_sizes(const lehr_energy_args *e)
{
    return e->l1 > 0.0 || e->prior == LEHR_PRIOR_LAPLACE;
}

#endif
