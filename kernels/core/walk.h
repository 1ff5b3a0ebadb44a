/* walk.h: one row on its way through a stretch of scans between two exchanges.
 *
 * What the row reads and adds up on the way is kept here and put back in the table at the end, so that no
 * two rows write to neighboring memory at every scan.                                               */
#ifndef LEHR_CORE_WALK_H
#define LEHR_CORE_WALK_H

#include "core/plant.h"
#include "core/proposal.h"
#include "core/table.h"
#include "core/temper.h"

/* E and U of some weights. */
typedef struct lehr_energies {
    double energy, prior;
} lehr_energies;

typedef struct lehr_walk {
    lehr_i64 row;    /* in the table */
    lehr_i64 step;   /* its first step size */
    lehr_i32 number; /* in its run */
    lehr_i32 nonfinite;
    lehr_i32 proposed[LEHR_CORE_MOVES_MAX], accepted[LEHR_CORE_MOVES_MAX];
    float sigma[LEHR_CORE_MOVES_MAX];
    double beta; /* of its rung; a schedule's is worked out at each scan */
    double energy, prior, quarter, best_energy;
    double alpha_sum[LEHR_CORE_MOVES_MAX];
} lehr_walk;

LEHR_FN void lehr_walk_begin(const lehr_table *t, const lehr_group *g, lehr_i64 row, lehr_walk *w)
{
    const lehr_i32 number = (lehr_i32)(row - g->first_row), rung = t->rung[row];
    const lehr_i32 slot = LEHR_PLANTED(STEP_STAYS_WITH_ROW) ? number
                                                            : lehr_slot_of(g, number, rung);
    const lehr_i32 heat = LEHR_PLANTED(BETA_STAYS_WITH_ROW) ? number % g->rungs : rung;
    w->row = row;
    w->number = number;
    w->step = g->first_step + (lehr_i64)slot * g->moves;
    w->beta = t->beta[g->first_beta + heat];
    w->energy = t->energy[row];
    w->prior = t->prior[row];
    w->quarter = t->quarter[row];
    w->best_energy = t->best_energy[row];
    w->nonfinite = 0;
    for (lehr_i32 m = 0; m < g->moves; m++) {
        w->sigma[m] = (float)lehr_exp64(t->log_step[w->step + m]);
        w->alpha_sum[m] = t->alpha_sum[row * t->moves + m];
        w->proposed[m] = 0;
        w->accepted[m] = 0;
    }
}

/* The step size of a move at a scan. */
LEHR_FN float lehr_walk_step(const lehr_walk *w, const lehr_group *g, lehr_i32 move, lehr_u64 scan)
{
    return g->move[move].scheduled ? lehr_scheduled_step(g, move, scan) : w->sigma[move];
}

/* What decides a proposal of energies e at a scan; ln_u: drawn before. */
LEHR_FN lehr_question lehr_walk_question_of(const lehr_walk *w, const lehr_group *g, lehr_u64 scan,
                                            double log_hastings, lehr_energies e, double ln_u)
{
    const lehr_question q = {g->scheduled ? lehr_cooling_beta(g, scan) : w->beta,
                             e.energy - w->energy,
                             e.prior - w->prior,
                             log_hastings,
                             ln_u,
                             g->outcomes};
    return q;
}

/* The same, drawn here. */
LEHR_FN lehr_question lehr_walk_question(const lehr_walk *w, const lehr_group *g, lehr_stream a,
                                         double log_hastings, lehr_energies e)
{
    return lehr_walk_question_of(w, g, a.scan, log_hastings, e, lehr_accept_ln_u(a, 0));
}

/* A delayed run's first decision; `quarter`: E estimated from a quarter of the points, prior as above. When
 * it accepts, *log_hastings becomes that of the second one, which draws pair 1.                     */
LEHR_FN lehr_decision lehr_walk_first(const lehr_walk *w, lehr_question q, double quarter,
                                      double *log_hastings)
{
    q.de = quarter - w->quarter;
    *log_hastings = lehr_delayed_hastings(q.log_hastings, lehr_delayed_log_ratio(&q));
    return lehr_decide(&q);
}

/* Count a decided proposal of a move. The weights are the caller's. */
LEHR_FN void lehr_walk_count(lehr_walk *w, lehr_i32 move, lehr_decision d)
{
    w->proposed[move]++;
    w->alpha_sum[move] += d.alpha;
    w->nonfinite += !d.finite;
    w->accepted[move] += d.accept;
}

LEHR_FN void lehr_walk_end(const lehr_walk *w, const lehr_group *g, const lehr_table *t)
{
    t->energy[w->row] = w->energy;
    t->prior[w->row] = w->prior;
    t->quarter[w->row] = w->quarter;
    t->best_energy[w->row] = w->best_energy;
    t->nonfinite[w->row] += w->nonfinite;
    for (lehr_i32 m = 0; m < g->moves; m++) {
        t->alpha_sum[w->row * t->moves + m] = w->alpha_sum[m];
        t->alpha_count[w->row * t->moves + m] += w->proposed[m];
        t->proposed[w->step + m] += w->proposed[m];
        t->accepted[w->step + m] += w->accepted[m];
        t->accepts[w->row] += w->accepted[m];
    }
}

#endif
