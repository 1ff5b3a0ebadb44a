/* temper.h: temperatures, cooling, moves and exchange: the specs of how rows are tempered.          */
#ifndef LEHR_TEMPER_H
#define LEHR_TEMPER_H

#include <stdint.h>

#include "lehr/kinds.h"
#include "lehr/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LEHR_RUNGS_MAX = 4096,      /* temperatures of one ladder */
    LEHR_LADDER_LIST_MAX = 256, /* temperatures that a spec can list one by one */
    LEHR_MOVES_MAX = 8          /* kinds of move in one run */
};

/* Temperatures of one copy, from cold to hot. */
typedef struct lehr_ladder_spec {
    lehr_ladder kind;
    int32_t rungs;   /* T, at least 2 */
    double min, max; /* temperatures in units of the energy, 0 < min < max */
    double list
        [LEHR_LADDER_LIST_MAX]; /* kind list: [T] strictly increasing; a last 1e300 means beta = 0 */
} lehr_ladder_spec;

/* Fill beta[T], in 1/energy, cold to hot.
 *
 * Fails with LEHR_ERR_ARG unless rungs >= 2 and 0 < min < max; beta is then untouched.
 * Equal ratios give equal acceptance where the heat capacity is constant
 * (Kofke 2002, doi:10.1063/1.1507776).                                                               */
LEHR_API lehr_status lehr_ladder_fill(const lehr_ladder_spec *spec, double *beta);

/* Temperature against scans, for annealing. */
typedef struct lehr_cooling_spec {
    lehr_cooling kind;
    double start, end; /* temperatures, start >= end > 0 */
    int64_t scans;     /* length of the schedule; 0: the run's scans. At its end the run stops. */
} lehr_cooling_spec;

/* One kind of move. */
typedef struct lehr_move_spec {
    lehr_move kind;
    lehr_scope scope;
    int32_t k;    /* sparse, neuron_in, flip: parameters picked, 1 to 64; neuron_in 0: all */
    double nu;    /* student_t: degrees of freedom, > 0 */
    double scale; /* step size; 0: auto, adapted per rung towards target */
    double
        scale_to;  /* its last value, reached geometrically over the run's schedule; 0: no change */
    double target; /* acceptance to adapt to; 0: auto = 0.234, or 0.44 when one parameter moves */
    double weight; /* relative frequency, > 0 */
} lehr_move_spec;

typedef struct lehr_exchange_spec {
    lehr_exchange scheme;
    int32_t every; /* scans between exchanges, and between updates of step sizes; at least 1 */
} lehr_exchange_spec;

#ifdef __cplusplus
}
#endif

#endif
