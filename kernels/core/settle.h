/* settle.h: what happens to one copy at an exchange scan: its step sizes adapt, then neighboring rungs
 * trade places, then where rows come from is counted. Labels move, weights never.
 *
 * The three parts run in this order, each over all its rungs or pairs, which do not meet: threads may
 * share them.                                                                                       */
#ifndef LEHR_CORE_SETTLE_H
#define LEHR_CORE_SETTLE_H

#include "core/adapt.h"
#include "core/table.h"
#include "core/temper.h"

/* Does group g settle after scan number `scan`? */
LEHR_FN int lehr_settles(const lehr_group *g, lehr_u64 scan)
{
    return !lehr_rests(g, scan) && (scan + 1u) % (lehr_u64)g->every == 0u;
}

/* Rows do not meet, and no group ends, before the end of a stretch: the first settling or end of any group
 * after scan number `scan`, but not after `end`. */
LEHR_FN lehr_u64 lehr_stretch_end(const lehr_table *t, lehr_u64 scan, lehr_u64 end)
{
    for (lehr_i32 i = 0; i < t->group_count; i++) {
        const lehr_group *g = &t->group[i];
        const lehr_u64 every = (lehr_u64)g->every, next = (scan / every + 1u) * every;
        if (lehr_rests(g, scan))
            continue;
        end = next < end ? next : end;
        end = g->until < end ? g->until : end;
    }
    return end;
}

LEHR_FN int lehr_exchanges(const lehr_group *g)
{
    return g->exchange != LEHR_EXCHANGE_NONE && g->rungs > 1;
}

/* The row in the table that holds a slot. */
LEHR_FN lehr_i64 lehr_holder(const lehr_table *t, const lehr_group *g, lehr_i32 slot)
{
    return (lehr_i64)g->first_row + t->slot_row[g->first_slot + slot];
}

/* Count a visit of the row that holds a slot (Katzgraber, Trebst, Huse, Troyer 2006,
 * doi:10.1088/1742-5468/2006/03/P03018). */
LEHR_FN void lehr_settle_flow(const lehr_table *t, const lehr_group *g, lehr_i32 slot)
{
    const signed char direction = t->direction[lehr_holder(t, g, slot)];
    t->from_cold[g->first_slot + slot] += direction > 0;
    t->from_hot[g->first_slot + slot] += direction < 0;
}

/* Part 1: a rung learns from the row that held it; what the row has added up starts anew. */
LEHR_FN void lehr_settle_steps(const lehr_table *t, const lehr_group *g, lehr_u64 scan,
                               lehr_i32 slot)
{
    const lehr_i64 first = lehr_holder(t, g, slot) * t->moves;
    if (LEHR_PLANTED(FLOW_BEFORE_SWAP))
        lehr_settle_flow(t, g, slot);
    for (lehr_i32 m = 0; m < g->moves; m++) {
        const lehr_i64 step = g->first_step + (lehr_i64)slot * g->moves + m;
        const lehr_i32 count = t->alpha_count[first + m];
        if (g->move[m].adapt && count > 0 && scan + 1u <= g->adapt_scans) {
            const double gain = lehr_adapt_gain(g, ++t->step_updates[step]);
            t->log_step[step] = lehr_adapt_log_step(t->log_step[step], gain,
                                                    t->alpha_sum[first + m] / (double)count,
                                                    g->move[m].target);
        }
        t->alpha_sum[first + m] = 0.0;
        t->alpha_count[first + m] = 0;
    }
}

/* A planted bug, swap_copy: one row takes over the state of another. */
LEHR_FN void lehr_settle_takes_over(const lehr_table *t, lehr_i64 from, lehr_i64 to)
{
    for (lehr_i32 i = 0; i < t->parameters; i++)
        t->theta[to * t->parameters + i] = t->theta[from * t->parameters + i];
    t->energy[to] = t->energy[from];
    t->prior[to] = t->prior[from];
}

/* Part 2: the pair (rung, rung+1) of a copy; `energy` [R] decides whether they trade places. */
LEHR_FN void lehr_settle_pair(const lehr_table *t, const lehr_group *g, lehr_u64 scan,
                              lehr_i32 slot, const double *energy)
{
    const lehr_i32 copy = slot / g->rungs, rung = slot % g->rungs;
    lehr_i32 *holder = &t->slot_row[g->first_slot + slot];
    const lehr_i32 cold = holder[0], hot = holder[1];
    const double *beta = &t->beta[g->first_beta + rung];
    const double ratio = lehr_swap_log_ratio(beta[0], beta[1],
                                             energy[(lehr_i64)g->first_row + cold],
                                             energy[(lehr_i64)g->first_row + hot]);
    t->swap_sum[g->first_slot + slot] += lehr_probability(ratio);
    t->swap_count[g->first_slot + slot]++;
    if (!(ratio >= lehr_swap_ln_u(g->key, scan, copy, rung)))
        return;
    holder[0] = hot;
    holder[1] = cold;
    t->rung[(lehr_i64)g->first_row + hot]--;
    t->rung[(lehr_i64)g->first_row + cold]++;
    if (LEHR_PLANTED(SWAP_COPY)) /* what became hot takes over what became cold */
        lehr_settle_takes_over(t, (lehr_i64)g->first_row + hot, (lehr_i64)g->first_row + cold);
}

/* Part 3: the way of the row that now holds a slot: its round trips, and which end it comes from. */
LEHR_FN void lehr_settle_visit(const lehr_table *t, const lehr_group *g, lehr_i32 slot)
{
    const lehr_i64 row = lehr_holder(t, g, slot);
    t->trips[row] += lehr_round_trip(&t->direction[row], slot % g->rungs, g->rungs);
    if (!LEHR_PLANTED(FLOW_BEFORE_SWAP))
        lehr_settle_flow(t, g, slot);
}

/* All three parts for one copy; `energy` [R] decides swaps. */
LEHR_FN void lehr_settle_copy(const lehr_table *t, const lehr_group *g, lehr_u64 scan,
                              lehr_i32 copy, const double *energy)
{
    for (lehr_i32 rung = 0; rung < g->rungs; rung++)
        lehr_settle_steps(t, g, scan, copy * g->rungs + rung);
    if (!lehr_exchanges(g))
        return;
    for (lehr_i32 rung = lehr_exchange_parity(g, scan, copy); rung + 1 < g->rungs; rung += 2)
        lehr_settle_pair(t, g, scan, copy * g->rungs + rung, energy);
    for (lehr_i32 rung = 0; rung < g->rungs; rung++)
        lehr_settle_visit(t, g, copy * g->rungs + rung);
}

#endif
