/* temper.h: temperatures and decisions: Metropolis, swaps, cooling. All in double.
 *
 * beta = 1/T. Energies are untempered; ratios are made from them here and nowhere else.            */
#ifndef LEHR_CORE_TEMPER_H
#define LEHR_CORE_TEMPER_H

#include "core/args.h"
#include "core/plant.h"
#include "core/real.h"
#include "core/rng.h"

/* -- random decisions ------------------------------------------------------------------------------ */

/* ln u, u uniform and strictly inside (0,1): (k + 1/2) 2^-52 with 52 random bits, so probabilities down to
 * 1e-16 are told apart.                                                                             */
LEHR_FN double lehr_ln_uniform(lehr_u32 high, lehr_u32 low)
{
    const lehr_u64 k = ((lehr_u64)high << 20) | (low >> 12);
    if (LEHR_PLANTED(UNIFORM_8BIT))
        return lehr_log64((double)(high >> 24) / 256.0);
    return lehr_log64(((double)k + 0.5) * 2.220446049250313e-16);
}

/* -- Metropolis ------------------------------------------------------------------------------------ */

/* NaN and both infinities are not finite. */
LEHR_FN int lehr_is_finite(double x)
{
    return x - x == 0.0;
}

/* Log of the ratio that decides a move. de, du: proposed minus current energy, tempered and untempered.
 * A Hastings term belongs to du, with a minus: it is never multiplied by beta.                      */
LEHR_FN double lehr_log_ratio(double beta, double de, double du)
{
    const double b = LEHR_PLANTED(BETA_1PCT) && de > 0.0 ? 0.99 * beta : beta;
    return -(b * de + du);
}

/* min(1, exp(log ratio)). */
LEHR_FN double lehr_probability(double log_ratio)
{
    return log_ratio >= 0.0 ? 1.0 : lehr_exp64(log_ratio);
}

/* Accept a move? ln_u: log of a uniform in (0,1). A NaN compares false: rejected.
 * Metropolis et al. 1953, doi:10.1063/1.1699114.                                                    */
LEHR_FN int lehr_metropolis(double beta, double de, double du, double ln_u)
{
    const double ratio = lehr_log_ratio(beta, de, du);
    if (LEHR_PLANTED(ACCEPT_LEAK))
        return lehr_probability(ratio) + 1e-3 > lehr_exp64(ln_u);
    if (LEHR_PLANTED(ACCEPT_90))
        return 0.9 * lehr_exp64(ratio) > lehr_exp64(ln_u);
    return ratio >= ln_u;
}

/* A decided move: what the proposal changed and what came of it. */
typedef struct lehr_decision {
    int accept;
    int finite;   /* 0: E or U of the proposal is not finite: rejected and counted */
    double alpha; /* acceptance probability, or the outcome */
} lehr_decision;

/* What a decision needs. */
typedef struct lehr_question {
    double beta;
    double de, du;       /* proposed minus current energy, tempered and untempered */
    double log_hastings; /* ln q(back) - ln q(forth) */
    double ln_u;         /* log of a uniform in (0,1) */
    int outcome;         /* 1: alpha is 1 or 0, the outcome */
} lehr_question;

/* Decide a move from its energies. */
LEHR_FN lehr_decision lehr_decide(const lehr_question *q)
{
    lehr_decision d = {0, lehr_is_finite(q->de) && lehr_is_finite(q->du), 0.0};
    if (!d.finite)
        return d;
    const double du = q->du - (LEHR_PLANTED(HASTINGS_TEMPERED) ? q->beta * q->log_hastings
                                                               : q->log_hastings);
    d.accept = lehr_metropolis(q->beta, q->de, du, q->ln_u);
    d.alpha = q->outcome ? (double)d.accept : lehr_probability(lehr_log_ratio(q->beta, q->de, du));
    return d;
}

/* The uniforms of a row's decision: word pair 0, and pair 1 for the second one of a delayed decision. */
LEHR_FN double lehr_accept_ln_u(lehr_stream a, int pair)
{
    const lehr_u32 domain = LEHR_PLANTED(ACCEPT_SITE_SAME_BITS) ? (lehr_u32)LEHR_DOMAIN_PROPOSAL
                                                                : (lehr_u32)LEHR_DOMAIN_ACCEPT;
    const lehr_words words = lehr_draw(a.key, 0u, a.scan, a.row, domain);
    return pair == 0 ? lehr_ln_uniform(words.w[0], words.w[1])
                     : lehr_ln_uniform(words.w[2], words.w[3]);
}

/* -- less work for the same decision --------------------------------------------------------------- */

/* A lower bound of lehr_sum over non-negative elements from the double sum of some of them. A chunk's
 * float sum rounds 11 times on the way of an element (3 in its lane, 8 joins), each by 2^-24 at most;
 * the double sums of below 2^31 elements lose less than 2^-22. Together below 2^-20. All that follows
 * a sum on the way to a decision (division, adding penalties, times beta) rounds monotonically, so a
 * rejection with this bound is the rejection of the whole sum.                                       */
LEHR_FN double lehr_sum_floor(double some)
{
    return LEHR_PLANTED(NO_MARGIN) ? some : some * (1.0 - 0x1p-20);
}

/* Delayed acceptance (Christen and Fox 2005, doi:10.1198/106186005X76983). q: with the energy estimated from
 * a quarter of the points; when that is rejected, so is the move. The second decision takes the ratio
 * of the whole against that of the first, so that the two together keep detailed balance.           */
LEHR_FN double lehr_delayed_log_ratio(const lehr_question *q)
{
    return lehr_log_ratio(q->beta, q->de, q->du - q->log_hastings);
}

/* The second decision as a question of its own: an accepted first one of log ratio `first` goes into the
 * untempered part, as a Hastings term does. */
LEHR_FN double lehr_delayed_hastings(double log_hastings, double first)
{
    return LEHR_PLANTED(NO_SECOND_RATIO) ? log_hastings : log_hastings - first;
}

/* -- exchange -------------------------------------------------------------------------------------- */

/* Log of the ratio that decides whether rungs i and j trade places; both energies current and untempered.
 * Hukushima and Nemoto 1996, doi:10.1143/JPSJ.65.1604.                                              */
LEHR_FN double lehr_swap_log_ratio(double beta_i, double beta_j, double e_i, double e_j)
{
    const double ratio = (beta_i - beta_j) * (e_i - e_j);
    if (LEHR_PLANTED(SWAP_SIGN))
        return -ratio;
    if (LEHR_PLANTED(SWAP_NO_RATIO))
        return beta_i * (e_i - e_j);
    if (LEHR_PLANTED(SWAP_HALF))
        return 0.5 * ratio;
    if (LEHR_PLANTED(SWAP_HALF_UPHILL))
        return ratio < 0.0 ? -0.6931471805599453 : ratio;
    if (LEHR_PLANTED(SWAP_GREEDY))
        return ratio < 0.0 ? -1e300 : ratio;
    return ratio;
}

/* The number of the exchange that follows scan s, counted from 0; s+1 is a multiple of `every`. */
LEHR_FN lehr_u64 lehr_exchange_number(lehr_u64 scan, lehr_i32 every)
{
    return (scan + 1u) / (lehr_u64)every - 1u;
}

#define LEHR_PARITY_DRAW 0xffffffffu /* the draw that no pair has */

/* The lower rung of the first pair of an exchange, 0 or 1; pairs are two apart. Deterministic even-odd:
 * Okabe et al. 2001, doi:10.1016/S0009-2614(01)00055-0; stochastic: the parity is drawn per copy.     */
LEHR_FN lehr_i32 lehr_exchange_parity(const lehr_group *g, lehr_u64 scan, lehr_i32 copy)
{
    const lehr_u64 number = lehr_exchange_number(scan, g->every);
    if (g->exchange == LEHR_EXCHANGE_DEO)
        return (lehr_i32)(number & 1u);
    const lehr_words words = lehr_draw(g->key, LEHR_PARITY_DRAW, scan, (lehr_u32)copy,
                                       LEHR_DOMAIN_EXCHANGE);
    return (lehr_i32)(words.w[0] >> 31);
}

/* ln u of the pair (lower, lower+1) of a copy. */
LEHR_FN double lehr_swap_ln_u(lehr_u64 key, lehr_u64 scan, lehr_i32 copy, lehr_i32 lower)
{
    const lehr_words words = lehr_draw(key, (lehr_u32)lower, scan, (lehr_u32)copy,
                                       LEHR_DOMAIN_EXCHANGE);
    return lehr_ln_uniform(words.w[0], words.w[1]);
}

/* Which end of the ladder a row has been at last: above 0 the coldest rung, below 0 the hottest. */
enum lehr_direction {
    LEHR_FROM_COLD = 1,
    LEHR_FROM_NOWHERE = 0, /* at neither so far */
    LEHR_FROM_HOT = -1,    /* half of a round trip is done */
    LEHR_ONLY_HOT = -2     /* and never at the coldest: no round trip has begun */
};

/* Follow one row's way: it now stands on `rung`. Returns 1 when a trip cold-hot-cold ends. */
LEHR_FN int lehr_round_trip(signed char *direction, lehr_i32 rung, lehr_i32 rungs)
{
    const int ends = rung == 0 && *direction == LEHR_FROM_HOT;
    if (rung == 0)
        *direction = LEHR_FROM_COLD;
    else if (rung == rungs - 1 && *direction == LEHR_FROM_COLD)
        *direction = LEHR_FROM_HOT;
    else if (rung == rungs - 1 && *direction == LEHR_FROM_NOWHERE)
        *direction = LEHR_PLANTED(FLOW_TRIPS_ONLY) ? LEHR_FROM_NOWHERE : LEHR_ONLY_HOT;
    return ends;
}

/* -- cooling --------------------------------------------------------------------------------------- */

/* beta at a scan of a schedule: its first scan is at `start`, its last and all later ones at `end`.
 * Geometric: Kirkpatrick, Gelatt, Vecchi 1983, doi:10.1126/science.220.4598.671.                    */
LEHR_FN double lehr_cooling_beta(const lehr_group *g, lehr_u64 scan)
{
    const lehr_u64 last = g->cooling_scans > 1u ? g->cooling_scans - 1u : 1u;
    const double share = scan < last ? (double)scan / (double)last : 1.0;
    if (g->cooling == LEHR_COOLING_LINEAR)
        return 1.0 / (g->start + share * (g->end - g->start));
    return lehr_exp64(-share * lehr_log64(g->end / g->start)) / g->start;
}

#endif
