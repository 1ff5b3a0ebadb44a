/* args.h: what a launch is told, by value: the network, the loss, the target, and one group per run.
 *
 * Dialect of all core headers: C17, CUDA C++17 and NVRTC at once. No pointers inside; sizes are asserted
 * at the end, so that host and device agree on them.                                                 */
#ifndef LEHR_CORE_ARGS_H
#define LEHR_CORE_ARGS_H

#include "core/real.h"
#include "lehr/kinds.h"

#define LEHR_CORE_LAYERS_MAX  64
#define LEHR_CORE_MOVES_MAX   8
#define LEHR_CORE_PENDING_MAX 64 /* parameters that a sparse move touches at most */

/* A dense network. Parameters of layer l stand at offset[l]: weights [out,in], then biases [out]. */
typedef struct lehr_network {
    lehr_i32 layers;                           /* 1 = linear model; 0: no network */
    lehr_i32 bias;                             /* 1 when layers have biases */
    lehr_i32 activation, output;               /* lehr_activation */
    lehr_i32 size[LEHR_CORE_LAYERS_MAX + 1];   /* inputs, widths, outputs */
    lehr_i32 offset[LEHR_CORE_LAYERS_MAX + 1]; /* [layers+1]; the last is P */
} lehr_network;

/* What E and U are made of. */
typedef struct lehr_energy_args {
    lehr_i32 target;     /* lehr_target */
    lehr_i32 parameters; /* P */
    lehr_i32 weights;    /* lehr_weights */
    lehr_i32 loss;       /* lehr_loss */
    lehr_i32 reduction;  /* lehr_reduction */
    lehr_i32 prior;      /* lehr_prior */
    lehr_i32 side;       /* spins: side of the lattice */
    lehr_i32 outputs;    /* K */
    float noise, delta;  /* gaussian loss, huber loss */
    float mode;          /* mixture: mu_i = mode on every coordinate, so |mu| = mode*sqrt(P) */
    float mode_log_odds; /* mixture: ln(w/(1-w)) */
    double l2, l1;       /* tempered penalties */
    double prior_scale;  /* untempered prior */
    lehr_network network;
} lehr_energy_args;

typedef struct lehr_move_args {
    lehr_i32 kind, scope; /* lehr_move, lehr_scope */
    lehr_i32 k;           /* picks of single parameters; 0: all that the scope names */
    lehr_i32 adapt;       /* 1: the step size is adapted */
    float nu;             /* student_t */
    float until;          /* chosen when the move uniform is below it (cumulated weights) */
    double target;        /* acceptance to adapt to */
    lehr_i32 scheduled;   /* 1: the step size follows the scans, not the table */
    lehr_i32 reserved;
    double log_from, log_slope; /* of the schedule: ln sigma = log_from + log_slope*scan */
} lehr_move_args;

/* One run inside the table. Index letters: c copy, t rung, m move. */
typedef struct lehr_group {
    lehr_u64 key;                 /* the run's seed */
    lehr_i32 first_row;           /* of its rows in the table */
    lehr_i32 rows, rungs, copies; /* rows = rungs*copies */
    lehr_i64 first_step;          /* of its step sizes: index ((c*rungs)+t)*moves+m from there */
    lehr_i64 first_slot;          /* of its slots: index c*rungs+t from there */
    lehr_i64 first_beta;          /* of its temperatures: index t from there */
    lehr_i32 moves;
    lehr_i32 every;     /* scans between exchanges */
    lehr_i32 exchange;  /* lehr_exchange */
    lehr_i32 cooling;   /* lehr_cooling; used when scheduled */
    lehr_i32 scheduled; /* 1: beta follows the cooling schedule, 0: the ladder */
    lehr_i32 outcomes;  /* 1: acceptance is counted as 0 or 1, not as a probability */
    lehr_i32 delayed;   /* 1: delayed acceptance */
    lehr_i32 reserved;
    lehr_u64 cooling_scans;              /* length of the schedules of temperature and step size */
    lehr_u64 adapt_scans;                /* step sizes are frozen from this scan on */
    lehr_u64 until;                      /* its rows rest from this scan on */
    double start, end;                   /* temperatures of the schedule */
    double gain, gain_power, gain_floor; /* ln sigma += max(gain/t^power, floor)*(alpha-target) */
    lehr_move_args move[LEHR_CORE_MOVES_MAX];
} lehr_group;

#endif
