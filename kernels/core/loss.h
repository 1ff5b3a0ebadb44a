/* loss.h: the loss of one data point, and whether its class is right.
 *
 * A loss over K outputs is one chain in index order: a start, one step per output, an end. The steps
 * stand alone, so that a CPU runs them over many points at a time; lehr_loss_point is the same chain
 * for one point, with any stride between its outputs. z: outputs of the network, y: targets; a class
 * is given as its number in a float. A NaN output gives a NaN loss, of every kind.                 */
#ifndef LEHR_CORE_LOSS_H
#define LEHR_CORE_LOSS_H

#include "core/args.h"
#include "core/real.h"
#include "lehr/kinds.h"

#define LEHR_HALF_LN_2PI 0.918938533f

/* What a chain carries: meaning depends on the loss. */
typedef struct lehr_loss_chain {
    float a, b, c;
} lehr_loss_chain;

/* Numbers that a loss needs at each step, worked out once. */
typedef struct lehr_loss_scale {
    float delta;   /* huber */
    float inverse; /* gaussian: 1/noise */
    float offset;  /* gaussian: ln noise + ln(2 pi)/2 */
    float outputs; /* K */
} lehr_loss_scale;

LEHR_FN lehr_loss_scale lehr_loss_prepare(const lehr_energy_args *e)
{
    lehr_loss_scale s = {e->delta, 1.0f / e->noise, lehr_log(e->noise) + LEHR_HALF_LN_2PI,
                         (float)e->outputs};
    return s;
}

/* -- regression: acc is the sum so far ------------------------------------------------------------- */

LEHR_FN float lehr_mse_step(float acc, float z, float y)
{
    const float d = z - y;
    return lehr_fma(d, d, acc);
}

LEHR_FN float lehr_mae_step(float acc, float z, float y)
{
    return acc + lehr_abs(z - y);
}

/* Huber 1964, doi:10.1214/aoms/1177703732. */
LEHR_FN float lehr_huber_step(float acc, float z, float y, float delta)
{
    const float a = lehr_abs(z - y);
    const float inside = 0.5f * a * a;
    const float outside = delta * lehr_fma(-0.5f, delta, a);
    return acc + (a <= delta ? inside : outside);
}

/* Minus log density of a normal of mean z and standard deviation `noise`. */
LEHR_FN float lehr_gaussian_step(float acc, float z, float y, float inverse, float offset)
{
    const float d = (z - y) * inverse;
    return acc + lehr_fma(0.5f * d, d, offset);
}

/* -- two classes, one output: y is 0 or 1 ---------------------------------------------------------- */

/* softplus(z) - y z, without the cancellation: ln(1 + e^z), of -z for class 1. In two steps, the first of
 * which gives e^-|z|.                                                                               */
LEHR_FN float lehr_binary_decay(float z)
{
    return lehr_exp_decay(-lehr_abs(z));
}

LEHR_FN float lehr_binary_end(float z, float y, float decay)
{
    return lehr_softplus_end(y > 0.5f ? -z : z, decay);
}

LEHR_FN float lehr_hinge_one(float z, float y)
{
    return lehr_max(0.0f, lehr_fma(-lehr_fma(2.0f, y, -1.0f), z, 1.0f));
}

/* The class is 1 when z >= 0. */
LEHR_FN float lehr_zero_one_one(float z, float y)
{
    const float wrong = (z >= 0.0f) == (y > 0.5f) ? 0.0f : 1.0f;
    return z == z ? wrong : z;
}

/* -- one output per class: k is the output's index, y the label ------------------------------------ */

LEHR_FN float lehr_max_step(float best, float z)
{
    return z > best ? z : best;
}

LEHR_FN float lehr_exp_sum_step(float acc, float z, float best)
{
    return acc + lehr_exp_decay(z - best);
}

/* The label's own output, picked on the way. */
LEHR_FN float lehr_pick_step(float own, float z, float k, float y)
{
    return k == y ? z : own;
}

/* -ln softmax(z)[y]. */
LEHR_FN float lehr_cross_entropy_end(float best, float sum, float own)
{
    return (best - own) + lehr_log(sum);
}

/* The largest output of another class. */
LEHR_FN float lehr_rival_step(float rival, float z, float k, float y)
{
    return k == y ? rival : lehr_max_step(rival, z);
}

/* Crammer and Singer 2001: max(0, 1 + largest other - own). */
LEHR_FN float lehr_hinge_end(float rival, float own, float poison)
{
    const float loss = lehr_max(0.0f, 1.0f + (rival - own));
    return poison == poison ? loss : poison;
}

/* Index of the largest output; ties take the lowest. `best` is the largest before this step. */
LEHR_FN float lehr_argmax_step(float arg, float best, float z, float k)
{
    return z > best ? k : arg;
}

/* Keeps a NaN among the outputs: comparisons would lose it. */
LEHR_FN float lehr_poison_step(float poison, float z)
{
    return z == z ? poison : z;
}

LEHR_FN float lehr_zero_one_end(float arg, float y, float poison)
{
    const float wrong = arg == y ? 0.0f : 1.0f;
    return poison == poison ? wrong : poison;
}

/* -- one point ------------------------------------------------------------------------------------- */

LEHR_FN float lehr_regression_point(lehr_i32 loss, lehr_loss_scale s, lehr_i32 outputs,
                                    const float *z, const float *y, lehr_i32 stride)
{
    float acc = 0.0f;
    for (lehr_i32 k = 0; k < outputs; k++) {
        const float zk = z[k * stride], yk = y[k * stride];
        switch (loss) {
        case LEHR_LOSS_MSE: acc = lehr_mse_step(acc, zk, yk); break;
        case LEHR_LOSS_MAE: acc = lehr_mae_step(acc, zk, yk); break;
        case LEHR_LOSS_HUBER: acc = lehr_huber_step(acc, zk, yk, s.delta); break;
        default: acc = lehr_gaussian_step(acc, zk, yk, s.inverse, s.offset); break;
        }
    }
    return loss == LEHR_LOSS_GAUSSIAN ? acc : acc / s.outputs;
}

LEHR_FN float lehr_cross_entropy_point(lehr_i32 outputs, const float *z, float y, lehr_i32 stride)
{
    float best = -LEHR_INFINITY, own = 0.0f, sum = 0.0f;
    for (lehr_i32 k = 0; k < outputs; k++) {
        best = lehr_max_step(best, z[k * stride]);
        own = lehr_pick_step(own, z[k * stride], (float)k, y);
    }
    for (lehr_i32 k = 0; k < outputs; k++)
        sum = lehr_exp_sum_step(sum, z[k * stride], best);
    return lehr_cross_entropy_end(best, sum, own);
}

LEHR_FN float lehr_hinge_point(lehr_i32 outputs, const float *z, float y, lehr_i32 stride)
{
    float rival = -LEHR_INFINITY, own = 0.0f, poison = 0.0f;
    for (lehr_i32 k = 0; k < outputs; k++) {
        const float zk = z[k * stride];
        rival = lehr_rival_step(rival, zk, (float)k, y);
        own = lehr_pick_step(own, zk, (float)k, y);
        poison = lehr_poison_step(poison, zk);
    }
    return lehr_hinge_end(rival, own, poison);
}

/* 1 when the predicted class is wrong, 0 when it is right, NaN with a NaN output. */
LEHR_FN float lehr_zero_one_point(lehr_i32 outputs, const float *z, float y, lehr_i32 stride)
{
    if (outputs == 1)
        return lehr_zero_one_one(z[0], y);
    float best = -LEHR_INFINITY, arg = 0.0f, poison = 0.0f;
    for (lehr_i32 k = 0; k < outputs; k++) {
        const float zk = z[k * stride];
        arg = lehr_argmax_step(arg, best, zk, (float)k);
        best = lehr_max_step(best, zk);
        poison = lehr_poison_step(poison, zk);
    }
    return lehr_zero_one_end(arg, y, poison);
}

/* Do targets of this loss name a class? Then a point has one target, else one per output. */
LEHR_FN int lehr_loss_has_classes(lehr_i32 loss)
{
    return loss == LEHR_LOSS_BINARY_CROSS_ENTROPY || loss == LEHR_LOSS_CROSS_ENTROPY ||
           loss == LEHR_LOSS_HINGE || loss == LEHR_LOSS_ZERO_ONE;
}

/* Is the loss of a point never negative, of this kind? */
LEHR_FN int lehr_loss_is_positive(lehr_i32 loss)
{
    return loss != LEHR_LOSS_GAUSSIAN;
}

/* Loss of one point: outputs z[K] and targets y[K] (or y[1], a class) with a stride between them. */
LEHR_FN float lehr_loss_point(lehr_i32 loss, lehr_loss_scale s, lehr_i32 outputs, const float *z,
                              const float *y, lehr_i32 stride)
{
    switch (loss) {
    case LEHR_LOSS_BINARY_CROSS_ENTROPY:
        return lehr_binary_end(z[0], y[0], lehr_binary_decay(z[0]));
    case LEHR_LOSS_CROSS_ENTROPY: return lehr_cross_entropy_point(outputs, z, y[0], stride);
    case LEHR_LOSS_HINGE:
        return outputs == 1 ? lehr_hinge_one(z[0], y[0])
                            : lehr_hinge_point(outputs, z, y[0], stride);
    case LEHR_LOSS_ZERO_ONE: return lehr_zero_one_point(outputs, z, y[0], stride);
    default: return lehr_regression_point(loss, s, outputs, z, y, stride);
    }
}

/* 1 when the predicted class is right, else 0 (a NaN output is not right); 0 for regression. */
LEHR_FN float lehr_hit_point(lehr_i32 loss, lehr_i32 outputs, const float *z, const float *y,
                             lehr_i32 stride)
{
    if (!lehr_loss_has_classes(loss))
        return 0.0f;
    return lehr_zero_one_point(outputs, z, y[0], stride) == 0.0f ? 1.0f : 0.0f;
}

#endif
