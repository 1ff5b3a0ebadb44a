/* follow.c: rank 0 leads, the others follow: whoever has a run in hand calls it on rank 0 alone, and what needs all
 * ranks is told to them first. So nothing above src/run knows of ranks but the one who starts them. */
#include "run/follow.h"

#include <string.h>

#include "base/status.h"
#include "run/comm.h"
#include "run/share.h"

typedef struct message {
    int64_t order, run, value;
} message;

lehr_status lehr_lead(lehr_pack *pack, lehr_order order, const lehr_run *run, int64_t value)
{
    const lehr_comm *comm = pack->comm;
    message m = {order, run ? run - pack->run : 0, value};
    return comm->ranks > 1 ? comm->broadcast(comm, 0, &m, sizeof m) : LEHR_OK;
}

lehr_status lehr_led(lehr_pack *pack, lehr_status status)
{
    pack->broken |= status != LEHR_OK;
    return status;
}

static lehr_status obey(lehr_pack *pack, const message *m)
{
    lehr_run *run = &pack->run[m->run];
    bool moving;
    switch ((lehr_order)m->order) {
    case LEHR_ORDER_ADVANCE: return lehr_share_advance(pack, m->value, &moving);
    case LEHR_ORDER_PULL: return lehr_share_pull(pack);
    case LEHR_ORDER_PULL_WEIGHTS: return lehr_share_pull_weights(pack);
    case LEHR_ORDER_HALT: return lehr_share_halt(run, (lehr_stop)m->value);
    case LEHR_ORDER_START_FROM: return lehr_share_start_from(run, run->best);
    default: return lehr_share_restore(pack);
    }
}

lehr_status lehr_pack_follow(lehr_pack *pack)
{
    const lehr_comm *comm = pack->comm;
    message m = {LEHR_ORDER_END, 0, 0};
    for (;;) {
        LEHR_TRY(comm->broadcast(comm, 0, &m, sizeof m));
        if (m.order == LEHR_ORDER_END)
            return LEHR_OK;
        LEHR_TRY(obey(pack, &m));
    }
}
