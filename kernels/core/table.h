/* table.h: the replica table: every row of every run, as arrays.
 *
 * The host's table is owned by src/run. A device keeps the same struct with pointers into its own memory,
 * and then only for the rows, slots and steps of some copies: its groups are shifted so that their
 * indices fall on what is there. So one index arithmetic serves both.                               */
#ifndef LEHR_CORE_TABLE_H
#define LEHR_CORE_TABLE_H

#include "core/args.h"
#include "core/temper.h"

/* X(type, field, count): every array of the table but the groups. R rows, P parameters, M moves (the most
 * of any group), S slots = (copy, rung) pairs, B temperatures; RP, RM and SM are their products.    */
#define LEHR_TABLE_FIELDS(X)                                                                       \
    X(float, theta, RP)           /* [R,P] current weights */                                      \
    X(double, energy, R)          /* E of theta, without beta */                                   \
    X(double, prior, R)           /* U of theta */                                                 \
    X(double, quarter, R)         /* its E estimated from a quarter of the points: delayed runs */ \
    X(float, best, RP)            /* [R,P] weights of the row's lowest E */                        \
    X(double, best_energy, R)     /* their E */                                                    \
    X(lehr_i64, best_scan, R)     /* scans done when they were found; 0: the first weights */      \
    X(lehr_i32, rung, R)          /* the row's temperature inside its copy */                      \
    X(lehr_i32, slot_row, S)      /* row of its group that holds (copy, rung) */                   \
    X(double, beta, B)            /* 1/temperature of each group's rungs (ladder) */               \
    X(double, log_step, SM)       /* ln sigma of (copy, rung, move) */                             \
    X(lehr_i64, step_updates, SM) /* updates so far */                                             \
    X(double, alpha_sum, RM)      /* acceptance probabilities since the last update */             \
    X(lehr_i32, alpha_count, RM)  /* their number */                                               \
    X(lehr_i64, proposed, SM)     /* since the start */                                            \
    X(lehr_i64, accepted, SM)     /* since the start */                                            \
    X(double, swap_sum, S)        /* swap probabilities of (copy, rung) with rung+1, summed */     \
    X(lehr_i64, swap_count, S)    /* attempts */                                                   \
    X(signed char, direction, R)  /* lehr_direction */                                             \
    X(lehr_i64, trips, R)         /* round trips finished */                                       \
    X(lehr_i64, from_cold, S)     /* visits by rows that came from the coldest rung */             \
    X(lehr_i64, from_hot, S)      /* and from the hottest */                                       \
    X(lehr_i64, nonfinite, R)     /* proposals rejected because E or U was not finite */           \
    X(lehr_i64, accepts, R)       /* accepted proposals, all moves */

typedef struct lehr_table {
    lehr_i32 rows, parameters, group_count, moves;
    lehr_group *group; /* [group_count] */
#define X(type, field, count) type *field;
    LEHR_TABLE_FIELDS(X)
#undef X
} lehr_table;

/* Do the rows of g rest at scan number `scan`? Their run has ended, others of the table go on. */
LEHR_FN int lehr_rests(const lehr_group *g, lehr_u64 scan)
{
    return scan >= g->until;
}

/* The slot of a row of a group: its copy's place for the rung it stands on. */
LEHR_FN lehr_i32 lehr_slot_of(const lehr_group *g, lehr_i32 number, lehr_i32 rung)
{
    return number / g->rungs * g->rungs + rung;
}

/* The same weights have other energies from now on: E energy[R], U prior[R]; lower ones of before count no
 * more. */
LEHR_FN void lehr_table_rebase(const lehr_table *t, const double *energy, const double *prior)
{
    for (lehr_i64 i = 0; i < (lehr_i64)t->rows * t->parameters; i++)
        t->best[i] = t->theta[i];
    for (lehr_i32 row = 0; row < t->rows; row++) {
        t->energy[row] = energy[row];
        t->prior[row] = prior[row];
        t->best_energy[row] = energy[row];
    }
}

/* Begin with the weights that are there, from their energies: E energy[R], U prior[R]; `quarter` stands. */
LEHR_FN void lehr_table_start(const lehr_table *t, const double *energy, const double *prior)
{
    lehr_table_rebase(t, energy, prior);
    for (lehr_i32 row = 0; row < t->rows; row++)
        t->best_scan[row] = 0;
    for (lehr_i32 i = 0; i < t->group_count; i++) {
        const lehr_group *g = &t->group[i];
        for (lehr_i32 row = g->first_row; row < g->first_row + g->rows; row++) {
            if (row < 0 || row >= t->rows)
                continue; /* elsewhere: see the head */
            t->direction[row] = LEHR_FROM_NOWHERE;
            lehr_round_trip(&t->direction[row], t->rung[row], g->rungs);
        }
    }
}

#endif
