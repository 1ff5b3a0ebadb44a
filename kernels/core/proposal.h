/* proposal.h: moves: which one a scan makes, what it touches, and its Hastings term.
 *
 * All rows of a run make the same kind of move, on the same layer, in one scan: launches do not diverge
 * and the words of that draw are addressed by a row that no run has. What is added to each parameter
 * differs from row to row.                                                                          */
#ifndef LEHR_CORE_PROPOSAL_H
#define LEHR_CORE_PROPOSAL_H

#include "core/args.h"
#include "core/network.h"
#include "core/plant.h"
#include "core/real.h"
#include "core/rng.h"

#define LEHR_ALL_ROWS 0xffffffffu /* the row of draws that all rows of a run share */

/* The move of a scan. Dense moves touch parameters [lo,hi); the others pick from [lo,hi). */
typedef struct lehr_proposal {
    lehr_i32 move;  /* its number in the group's list */
    lehr_i32 kind;  /* lehr_move */
    lehr_i32 picks; /* parameters picked one by one; 0: dense */
    lehr_i32 lo, hi;
    lehr_i32
        layer; /* first layer touched by a dense move (a sparse one: layer 0, no better is known) */
    float nu;
} lehr_proposal;

LEHR_FN lehr_stream lehr_row_stream(lehr_u64 key, lehr_u64 scan, lehr_i32 row)
{
    const lehr_stream a = {key, scan, LEHR_PLANTED(SHARED_RANDOMS) ? 0u : (lehr_u32)row};
    return a;
}

/* Does a move pick single parameters? */
LEHR_FN int lehr_move_picks(const lehr_move_args *m)
{
    return m->kind == LEHR_MOVE_FLIP || m->kind == LEHR_MOVE_LOG_SCALE ||
           m->scope == LEHR_SCOPE_SPARSE;
}

/* The move whose share of (0,1) holds u; `until` are cumulated shares, the last one takes the rest. */
LEHR_FN lehr_i32 lehr_move_choose(const lehr_group *g, float u)
{
    lehr_i32 move = 0;
    while (move + 1 < g->moves && u >= g->move[move].until)
        move++;
    return move;
}

/* The move of a scan: word 0 of the draw chooses the kind, word 1 the layer. */
LEHR_FN lehr_proposal lehr_propose(const lehr_group *g, const lehr_energy_args *e, lehr_u64 scan)
{
    const lehr_words words = lehr_draw(g->key, 0u, scan, LEHR_ALL_ROWS, LEHR_DOMAIN_MOVE);
    const lehr_i32 move = lehr_move_choose(g, lehr_uniform(words.w[0]));
    const lehr_move_args *m = &g->move[move];
    lehr_proposal p = {move, m->kind, 0, 0, e->parameters, 0, m->nu};
    if (lehr_move_picks(m))
        p.picks = m->kind == LEHR_MOVE_LOG_SCALE ? 1 : m->k;
    if (m->scope == LEHR_SCOPE_LAYER && e->network.layers > 0) {
        p.layer = (lehr_i32)lehr_index(words.w[1], (lehr_u32)e->network.layers);
        p.lo = e->network.offset[p.layer];
        p.hi = e->network.offset[p.layer + 1];
    }
    return p;
}

/* -- dense: every parameter of [lo,hi) -------------------------------------------------------------- */

/* theta' of a parameter: z is word lehr_noise_word(i) of lehr_noise4(block lehr_noise_block(i)), i the
 * parameter's index in the row, whatever lo is. Symmetric.                                          */
LEHR_FN float lehr_perturb(float theta, float sigma, float z)
{
    return lehr_fma(sigma, z, theta);
}

/* -- sparse: picks, one block of domain PROPOSAL each ----------------------------------------------- */

LEHR_FN lehr_words lehr_pick_words(lehr_stream a, lehr_i32 pick)
{
    return lehr_draw(a.key, (lehr_u32)pick, a.scan, a.row, LEHR_DOMAIN_PROPOSAL);
}

/* Picks are made with replacement and applied in order, so one parameter may change twice. Symmetric all
 * the same: the reverse path makes the same picks in reverse order, and each order is as likely.    */
LEHR_FN lehr_i32 lehr_pick_index(const lehr_proposal *p, lehr_words words)
{
    return p->lo + (lehr_i32)lehr_index(words.w[0], (lehr_u32)(p->hi - p->lo));
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

#endif
