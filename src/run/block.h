/* run/block.h: weights of many runs, evaluated together: a call of the backend for all that is to be weighed, or
 * for as much of it as some megabytes hold. */
#ifndef LEHR_RUN_BLOCK_H
#define LEHR_RUN_BLOCK_H

#include "backend.h"
#include "lehr/run.h"

/* Weights of a run that wait. */
typedef struct lehr_asked {
    lehr_run *run;
    const float *theta; /* [P] */
    double energy;      /* on the training part */
} lehr_asked;

typedef struct lehr_block {
    int32_t room, count;
    float *theta;                /* [room,P] */
    lehr_asked *asked;           /* [room] */
    lehr_evaluation *evaluation; /* [room] */
    int32_t shown;               /* rows whose outputs are asked for at once; 0: no regression */
    float *outputs;              /* [shown,N,K] of the largest part */
} lehr_block;

/* What is known of weights when they have been weighed. */
typedef struct lehr_weighed {
    lehr_run *run;
    const float *theta; /* [P] */
    double energy;      /* on the training part */
    lehr_part part;
    lehr_evaluation evaluation; /* on this part, as are: */
    const float *outputs;       /* [N,K]; NULL: not asked for */
} lehr_weighed;

/* What the weights are weighed on, and who is told. */
typedef struct lehr_asking {
    lehr_pack *pack;
    lehr_part part;
    bool outputs; /* are they wanted, where there are any to look at? */
    void (*tell)(const lehr_weighed *weighed);
} lehr_asking;

/* Room for what an observation of all runs weighs, or for less. Fails with LEHR_ERR_MEMORY or, when sizes overflow,
 * LEHR_ERR_ARG. */
lehr_status lehr_block_create(lehr_pack *pack);
void lehr_block_destroy(lehr_pack *pack);

/* These weights, too; the run is told of them by the end, after those that were added before. Fails as the
 * backend does. */
lehr_status lehr_block_add(const lehr_asking *asking, const lehr_asked *asked);

/* No more of them. */
lehr_status lehr_block_end(const lehr_asking *asking);

#endif
