/* network.h: what a dense network computes, for one point.
 *
 * The definition behind the same-bits contract: an output is one chain of fused multiply-adds over the
 * inputs in index order, starting from the bias (from +0 without biases). Tiles over outputs, points
 * and rows are free; the order over inputs is not.                                                 */
#ifndef LEHR_CORE_NETWORK_H
#define LEHR_CORE_NETWORK_H

#include "core/activation.h"
#include "core/args.h"
#include "core/real.h"

/* Where the biases of a layer stand in a row; only when the network has them. */
LEHR_FN lehr_i32 lehr_bias_offset(const lehr_network *n, lehr_i32 layer)
{
    return n->offset[layer] + n->size[layer] * n->size[layer + 1];
}

/* Activation of a layer: the last one has its own. */
LEHR_FN lehr_i32 lehr_layer_activation(const lehr_network *n, lehr_i32 layer)
{
    return layer + 1 == n->layers ? n->output : n->activation;
}

/* One output before its activation: w[inputs], x[inputs] with a stride. */
LEHR_FN float lehr_dense(const float *w, const float *x, lehr_i32 inputs, lehr_i32 stride,
                         float bias)
{
    float acc = bias;
    for (lehr_i32 i = 0; i < inputs; i++)
        acc = lehr_fma(w[i], x[i * stride], acc);
    return acc;
}

/* Outputs of one point into the returned array, one of a and b [widest layer]; x[inputs]. The plain
 * reference that every faster path must equal bit for bit.                                         */
LEHR_FN const float *lehr_network_point(const lehr_network *n, const float *theta, const float *x,
                                        float *a, float *b)
{
    const float *from = x;
    float *to = a;
    for (lehr_i32 l = 0; l < n->layers; l++) {
        const float *w = theta + n->offset[l];
        const float *bias = theta + lehr_bias_offset(n, l);
        for (lehr_i32 o = 0; o < n->size[l + 1]; o++) {
            const float start = n->bias ? bias[o] : 0.0f;
            to[o] = lehr_activate(lehr_layer_activation(n, l),
                                  lehr_dense(w + o * n->size[l], from, n->size[l], 1, start));
        }
        from = to;
        to = to == a ? b : a;
    }
    return from;
}

/* The layer of a parameter: the first one that a move of it touches. 0 without a network. */
LEHR_FN lehr_i32 lehr_layer_of(const lehr_network *n, lehr_i32 parameter)
{
    lehr_i32 layer = 0;
    while (layer + 1 < n->layers && parameter >= n->offset[layer + 1])
        layer++;
    return layer;
}

#endif
