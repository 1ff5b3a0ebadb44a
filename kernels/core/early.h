/* early.h: a proposal rejected before all of its losses are known, where the whole sum could decide nothing else.
 *
 * Losses that are never negative only make a sum larger. So there is a sum from which on a proposal is rejected,
 * the limit, and a part of the losses that is above it decides. The limit is solved for, which rounds, and
 * then asked: the decision about it is the one that would be made, and all that follows a sum on the way to a
 * decision (division, adding penalties, times beta) rounds monotonically. NaN is above nothing.
 *
 * Bounds for sums of parts: lehr_sum_floor (temper.h) for those in double, lehr_part_exceeds for those in float. */
#ifndef LEHR_CORE_EARLY_H
#define LEHR_CORE_EARLY_H

#include "core/loss.h"
#include "core/target.h"
#include "core/walk.h"

/* May proposals of a run be rejected before their energy is whole? Not where their probabilities are needed. */
LEHR_FN int lehr_rejects_early(const lehr_energy_args *e, const lehr_group *g)
{
    return g->outcomes && e->target == LEHR_TARGET_NETWORK && lehr_loss_is_positive(e->loss);
}

/* The energy of losses that sum to this. */
LEHR_FN double lehr_loss_energy(const lehr_energy_args *e, lehr_sizes s, double loss_sum,
                                lehr_i64 points)
{
    return lehr_energy_end(e, lehr_reduce(e, loss_sum, points), s.squares, s.sizes);
}

/* A sum of losses with which a proposal is rejected, and so with every larger one; infinity where none is found. q: with
 * any `de`. The room above the solution, 2^-20 of what it is made of, covers the quotient in float.   */
LEHR_FN double lehr_loss_limit(const lehr_walk *w, const lehr_energy_args *e, lehr_question q,
                               lehr_sizes s, lehr_i64 points)
{
    const double penalty = lehr_energy_end(e, 0.0, s.squares, s.sizes);
    const float up = (float)(q.log_hastings - q.du - q.ln_u) / (float)q.beta;
    const double target = w->energy - penalty + (double)up;
    const double room = 0x1p-20 * (double)lehr_abs(up) + 0x1p-40 * (w->energy + penalty);
    const double limit = e->reduction == LEHR_REDUCTION_MEAN ? (target + room) * (double)points
                                                             : target + room;
    q.de = lehr_loss_energy(e, s, limit, points) - w->energy;
    const lehr_decision d = lehr_decide(&q);
    return d.finite && !d.accept ? limit : LEHR_INFINITY64;
}

/* What is known of a proposal that is rejected early. */
LEHR_FN lehr_decision lehr_early_rejection(void)
{
    const lehr_decision d = {0, 1, 0.0};
    return d;
}

/* Do losses of one chunk that sum to `some`, in float with at most 50 roundings on the way of each, make lehr_sum of the
 * whole more than what was left before them? Another 11 roundings are those of the chunk's own sum, which may be
 * that much less; together with the product here they stay below 2^-18. left: rounded to nearest, since what is
 * above that in float is above the number itself.                                                   */
LEHR_FN int lehr_part_exceeds(float some, float left)
{
    const float least = LEHR_PLANTED(NO_MARGIN) ? some : some * (1.0f - 0x1p-18f);
    return least > left && least < LEHR_INFINITY;
}

#endif
