/* run/follow.h: what rank 0 tells the others to do with it. */
#ifndef LEHR_RUN_FOLLOW_H
#define LEHR_RUN_FOLLOW_H

#include "run/run.h"

typedef enum lehr_order {
    LEHR_ORDER_END,
    LEHR_ORDER_ADVANCE, /* value: scans */
    LEHR_ORDER_PULL,
    LEHR_ORDER_PULL_WEIGHTS,
    LEHR_ORDER_HALT, /* value: why */
    LEHR_ORDER_START_FROM,
    LEHR_ORDER_RESTORE
} lehr_order;

/* Tell the others; nothing where there are none. Rank 0 does the same next. */
lehr_status lehr_lead(lehr_pack *pack, lehr_order order, const lehr_run *run, int64_t value);

/* What was led has ended so: after a failure the others can be told nothing more. */
lehr_status lehr_led(lehr_pack *pack, lehr_status status);

/* What all ranks do: pack.c, run.c, state.c. */
lehr_status lehr_share_advance(lehr_pack *pack, int64_t scans, bool *moving);
lehr_status lehr_share_pull(lehr_pack *pack);
lehr_status lehr_share_pull_weights(lehr_pack *pack);
lehr_status lehr_share_halt(lehr_run *run, lehr_stop why);
lehr_status lehr_share_restore(lehr_pack *pack);

/* theta[P] of rank 0; room for it elsewhere. */
lehr_status lehr_share_start_from(lehr_run *run, float *theta);

#endif
