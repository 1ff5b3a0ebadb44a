/* block.c: a block fills, is evaluated and told of, and is empty again. */
#include "run/block.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "run/run.h"

/* Enough rows for any number of threads and a grid of blocks on a GPU, little beside the table. */
enum { BLOCK_BYTES = 16 << 20 };

/* An observation weighs two sets of weights of each row at most: what it is, and its best. */
static int32_t room_for(const lehr_table *t)
{
    const int64_t fit = BLOCK_BYTES / ((int64_t)t->parameters * (int64_t)sizeof(float)),
                  most = 2 * (int64_t)t->rows;
    return fit < 1 ? 1 : (int32_t)(fit < most ? fit : most);
}

lehr_status lehr_block_create(lehr_pack *pack)
{
    lehr_block *b = &pack->block;
    size_t floats;
    b->room = room_for(pack->table);
    LEHR_CHECK(lehr_size_mul((size_t)b->room, (size_t)pack->table->parameters, &floats),
               LEHR_ERR_ARG, "too many parameters");
    LEHR_TRY(LEHR_NEW(b->theta, floats, "observed weights"));
    LEHR_TRY(LEHR_NEW(b->asked, (size_t)b->room, "observed weights"));
    return LEHR_NEW(b->evaluation, (size_t)b->room, "observed weights");
}

void lehr_block_destroy(lehr_pack *pack)
{
    LEHR_FREE(pack->block.theta);
    LEHR_FREE(pack->block.asked);
    LEHR_FREE(pack->block.evaluation);
}

lehr_status lehr_block_end(const lehr_asking *asking)
{
    lehr_pack *pack = asking->pack;
    lehr_block *b = &pack->block;
    const int32_t count = b->count;
    b->count = 0;
    if (count == 0)
        return LEHR_OK;
    LEHR_TRY(pack->backend->evaluate(pack->state, asking->part, b->theta, count, b->evaluation));
    for (int32_t i = 0; i < count; i++)
        LEHR_TRY(asking->tell(asking, &b->asked[i], &b->evaluation[i]));
    return LEHR_OK;
}

lehr_status lehr_block_add(const lehr_asking *asking, const lehr_asked *asked)
{
    lehr_block *b = &asking->pack->block;
    const size_t P = (size_t)asking->pack->table->parameters;
    float *theta = b->theta + (size_t)b->count * P;
    memcpy(theta, asked->theta, P * sizeof *theta);
    b->asked[b->count] = (lehr_asked){asked->run, theta, asked->energy};
    b->count++;
    return b->count == b->room ? lehr_block_end(asking) : LEHR_OK;
}
