/* proposal.h: moves: which one a scan makes, what it touches, and its Hastings term.
 *
 * All rows of a run make the same kind of move, on the same layer or unit, in one scan: launches do not
 * diverge, and the words of that draw are addressed by a row that no run has. What is added to each
 * parameter, and which ones are picked, differs from row to row.                                    */
#ifndef LEHR_CORE_PROPOSAL_H
#define LEHR_CORE_PROPOSAL_H

#include "core/args.h"
#include "core/network.h"
#include "core/plant.h"
#include "core/real.h"
#include "core/rng.h"

#define LEHR_ALL_ROWS 0xffffffffu /* the row of draws that all rows of a run share */

/* Some parameters at equal distances. */
typedef struct lehr_span {
    lehr_i32 first, count, stride;
} lehr_span;

/* Where evaluation has to start: every unit of a layer (-1), or one of them; all layers above it. */
typedef struct lehr_touch {
    lehr_i32 layer, unit;
} lehr_touch;

/* The move of a scan: `count` parameters, those of three spans one after the other. Dense moves (picks 0)
 * touch all of them, the others pick from them.                                                     */
typedef struct lehr_proposal {
    lehr_i32 move;  /* its number in the group's list */
    lehr_i32 kind;  /* lehr_move */
    lehr_i32 picks; /* parameters picked one by one; 0: dense */
    lehr_i32 count;
    lehr_span a, b, c;
    lehr_touch touch; /* of a dense move; of picks the first that could be */
    float nu;
} lehr_proposal;

LEHR_FN lehr_stream lehr_row_stream(lehr_u64 key, lehr_u64 scan, lehr_i32 row)
{
    const lehr_stream a = {key, scan, LEHR_PLANTED(SHARED_RANDOMS) ? 0u : (lehr_u32)row};
    return a;
}

/* The move whose share of (0,1) holds u; `until` are cumulated shares, the last one takes the rest. */
LEHR_FN lehr_i32 lehr_move_choose(const lehr_group *g, float u)
{
    lehr_i32 move = 0;
    while (move + 1 < g->moves && u >= g->move[move].until)
        move++;
    return move;
}

/* The picks of a move; 0: it is dense. */
LEHR_FN lehr_i32 lehr_move_picks(const lehr_move_args *m)
{
    if (m->kind == LEHR_MOVE_LOG_SCALE)
        return 1;
    return m->kind == LEHR_MOVE_FLIP || m->scope == LEHR_SCOPE_SPARSE ||
                   m->scope == LEHR_SCOPE_NEURON_IN
               ? m->k
               : 0;
}

/* Share of scans whose proposals touch one unit. */
LEHR_FN float lehr_unit_share(const lehr_group *g)
{
    float share = 0.0f, before = 0.0f;
    for (lehr_i32 m = 0; m < g->moves; m++) {
        const lehr_i32 scope = g->move[m].scope;
        if (scope == LEHR_SCOPE_NEURON || scope == LEHR_SCOPE_NEURON_IN ||
            scope == LEHR_SCOPE_NEURON_OUT)
            share += g->move[m].until - before;
        before = g->move[m].until;
    }
    return share;
}

/* Units that a scope draws from: those of all layers, or of the hidden ones. */
LEHR_FN lehr_i32 lehr_scope_units(const lehr_network *n, lehr_i32 scope)
{
    lehr_i32 units = 0;
    for (lehr_i32 l = 1; l < n->layers; l++)
        units += n->size[l];
    return scope == LEHR_SCOPE_NEURON_OUT ? units : units + n->size[n->layers];
}

/* The unit with a number among those of all layers; its layer is the one that makes it. */
LEHR_FN lehr_touch lehr_unit_of(const lehr_network *n, lehr_i32 number)
{
    lehr_touch t = {0, number};
    while (t.layer + 1 < n->layers && t.unit >= n->size[t.layer + 1])
        t.unit -= n->size[++t.layer];
    return t;
}

LEHR_FN lehr_span lehr_span_of(lehr_i32 first, lehr_i32 count, lehr_i32 stride)
{
    const lehr_span s = {first, count, stride};
    return s;
}

/* Aim a proposal at one unit: its in-weights, its bias, its out-weights. */
LEHR_FN void lehr_aim_unit(lehr_proposal *p, const lehr_network *n, lehr_i32 scope, lehr_touch at)
{
    const lehr_i32 l = at.layer, inputs = n->size[l];
    p->touch = at;
    p->a = lehr_span_of(n->offset[l] + at.unit * inputs, inputs, 1);
    p->b = lehr_span_of(lehr_bias_offset(n, l) + at.unit, n->bias ? 1 : 0, 1);
    if (scope != LEHR_SCOPE_NEURON_IN && l + 1 < n->layers)
        p->c = lehr_span_of(n->offset[l + 1] + at.unit, n->size[l + 2], n->size[l + 1]);
    if (scope == LEHR_SCOPE_NEURON_OUT) {
        p->a.count = p->b.count = 0;
        p->touch.layer = l + 1;
        p->touch.unit = -1;
    }
}

/* The move of a scan: word 0 of the draw chooses the kind, word 1 the layer, word 2 the unit. */
LEHR_FN lehr_proposal lehr_propose(const lehr_group *g, const lehr_energy_args *e, lehr_u64 scan)
{
    const lehr_words words = lehr_draw(g->key, 0u, scan, LEHR_ALL_ROWS, LEHR_DOMAIN_MOVE);
    const lehr_i32 move = lehr_move_choose(g, lehr_uniform(words.w[0]));
    const lehr_move_args *m = &g->move[move];
    const lehr_network *n = &e->network;
    lehr_proposal p = {
        move,    m->kind, lehr_move_picks(m), 0, {0, e->parameters, 1}, {0, 0, 1}, {0, 0, 1},
        {0, -1}, m->nu};
    if (m->scope == LEHR_SCOPE_LAYER && n->layers > 0) {
        const lehr_i32 l = (lehr_i32)lehr_index(words.w[1], (lehr_u32)n->layers);
        p.touch.layer = l;
        p.a = lehr_span_of(n->offset[l], n->offset[l + 1] - n->offset[l], 1);
    }
    if (m->scope == LEHR_SCOPE_NEURON || m->scope == LEHR_SCOPE_NEURON_IN ||
        m->scope == LEHR_SCOPE_NEURON_OUT) {
        const lehr_u32 units = (lehr_u32)lehr_scope_units(n, m->scope);
        lehr_aim_unit(&p, n, m->scope, lehr_unit_of(n, (lehr_i32)lehr_index(words.w[2], units)));
    }
    p.count = p.a.count + p.b.count + p.c.count;
    return p;
}

/* The parameter at a place among those that a proposal can change. */
LEHR_FN lehr_i32 lehr_parameter_at(const lehr_proposal *p, lehr_i32 place)
{
    if (place < p->a.count)
        return p->a.first + place * p->a.stride;
    place -= p->a.count;
    if (place < p->b.count)
        return p->b.first + place * p->b.stride;
    return p->c.first + (place - p->b.count) * p->c.stride;
}

/* Where evaluation starts when one parameter has changed: the unit whose weight or bias it is. */
LEHR_FN lehr_touch lehr_touch_of(const lehr_network *n, lehr_i32 parameter)
{
    lehr_touch t = {lehr_layer_of(n, parameter), 0};
    const lehr_i32 inside = parameter - n->offset[t.layer];
    const lehr_i32 weights = n->size[t.layer] * n->size[t.layer + 1];
    t.unit = inside < weights ? inside / n->size[t.layer] : inside - weights;
    return t;
}

/* Where evaluation starts when both have. */
LEHR_FN lehr_touch lehr_touch_both(lehr_touch a, lehr_touch b)
{
    if (a.layer != b.layer)
        return a.layer < b.layer ? a : b;
    a.unit = a.unit == b.unit ? a.unit : -1;
    return a;
}

/* -- dense ----------------------------------------------------------------------------------------- */

/* theta' of the parameter at place j: z is word lehr_noise_word(j) of lehr_noise4(block
 * lehr_noise_block(j)). Symmetric.                                                                  */
LEHR_FN float lehr_perturb(float theta, float sigma, float z)
{
    return lehr_fma(sigma, z, theta);
}

/* -- picks, one block of domain PROPOSAL each ------------------------------------------------------- */

LEHR_FN lehr_words lehr_pick_words(lehr_stream a, lehr_i32 pick)
{
    return lehr_draw(a.key, (lehr_u32)pick, a.scan, a.row, LEHR_DOMAIN_PROPOSAL);
}

/* Picks are made with replacement and applied in order, so one parameter may change twice. Symmetric all
 * the same: the reverse path makes the same picks in reverse order, and each order is as likely.    */
LEHR_FN lehr_i32 lehr_pick_index(const lehr_proposal *p, lehr_words words)
{
    return lehr_parameter_at(p, (lehr_i32)lehr_index(words.w[0], (lehr_u32)p->count));
}

/* One variate of scale 1 from words 1 and 2. */
LEHR_FN float lehr_pick_noise(const lehr_proposal *p, lehr_words words)
{
    float z, unused;
    switch (p->kind) {
    case LEHR_MOVE_LAPLACE: return lehr_laplace(words.w[1]);
    case LEHR_MOVE_CAUCHY: return lehr_cauchy(words.w[1]);
    case LEHR_MOVE_STUDENT_T: return lehr_student_t(words.w[1], words.w[2], p->nu);
    case LEHR_MOVE_UNIFORM: return lehr_uniform_pm(words.w[1]);
    default: lehr_normal2(words.w[1], words.w[2], &z, &unused); return z;
    }
}

/* Another value of a binary (-1, 1) or ternary (-1, 0, 1) weight, each as likely as the others. */
LEHR_FN float lehr_flip(lehr_i32 weights, float theta, lehr_u32 word)
{
    const float next = theta + 1.0f + (float)lehr_index(word, 2u); /* theta+1 or theta+2, mod 3 */
    const float other = next > 1.0f ? next - 3.0f : next;
    return weights == LEHR_WEIGHTS_TERNARY ? other : -theta;
}

/* theta' of a picked parameter. *log_hastings gains ln q(theta|theta') - ln q(theta'|theta): for
 * theta' = theta exp(sigma z) densities are phi(z)/|theta'| one way and phi(z)/|theta| back.        */
LEHR_FN float lehr_pick_value(const lehr_proposal *p, lehr_i32 weights, float theta, float sigma,
                              lehr_words words, double *log_hastings)
{
    if (p->kind == LEHR_MOVE_FLIP)
        return lehr_flip(weights, theta, words.w[1]);
    const float z = lehr_pick_noise(p, words);
    if (p->kind != LEHR_MOVE_LOG_SCALE)
        return lehr_perturb(theta, sigma, z);
    *log_hastings += (double)(sigma * z);
    return theta * lehr_exp(sigma * z);
}

/* -- the step size --------------------------------------------------------------------------------- */

/* sigma of a scheduled move: geometric from its first value to its last over the schedule's scans. */
LEHR_FN float lehr_scheduled_step(const lehr_group *g, lehr_i32 move, lehr_u64 scan)
{
    const lehr_u64 last = g->cooling_scans > 1u ? g->cooling_scans - 1u : 1u;
    const double at = (double)(scan < last ? scan : last);
    return (float)lehr_exp64(g->move[move].log_from + g->move[move].log_slope * at);
}

#endif
