/* block.c: a block fills, is evaluated and told of, and is empty again. */
#include "run/block.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/objective.h"
#include "run/run.h"

/* Enough rows for any number of threads and a grid of blocks on a GPU, little beside the table. */
enum { BLOCK_BYTES = 16 << 20 };

/* Rows of so many floats that a block holds, at least one. */
static int32_t fitting(size_t floats, int64_t most)
{
    const size_t fit = BLOCK_BYTES / sizeof(float) / (floats > 0 ? floats : 1);
    return fit < 1 ? 1 : fit < (size_t)most ? (int32_t)fit : (int32_t)most;
}

/* Outputs of the largest part, for r2 and rmse. */
static lehr_status make_outputs(lehr_pack *pack)
{
    const lehr_problem *problem = pack->problem;
    const lehr_dataset *data = lehr_objective_dataset(pack->objective);
    lehr_block *b = &pack->block;
    int64_t points = 1;
    size_t floats, all;
    if (!data || lehr_dataset_describe(data).task != LEHR_TASK_REGRESSION)
        return LEHR_OK;
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        if (problem->part[part].points > points)
            points = problem->part[part].points;
    const bool fits = lehr_size_mul((size_t)points, (size_t)problem->args.outputs, &floats);
    b->shown = fits ? fitting(floats, b->room) : 0;
    LEHR_CHECK(fits && lehr_size_mul((size_t)b->shown, floats, &all), LEHR_ERR_ARG,
               "%lld points with %d outputs are too many", (long long)points,
               problem->args.outputs);
    return LEHR_NEW(b->outputs, all, "network outputs");
}

/* An observation weighs two sets of weights of each row at most: what it is, and its best. */
lehr_status lehr_block_create(lehr_pack *pack)
{
    const size_t P = (size_t)pack->table->parameters;
    lehr_block *b = &pack->block;
    size_t floats;
    b->room = fitting(P, 2 * (int64_t)pack->table->rows);
    LEHR_CHECK(lehr_size_mul((size_t)b->room, P, &floats), LEHR_ERR_ARG, "too many parameters");
    LEHR_TRY(LEHR_NEW(b->theta, floats, "observed weights"));
    LEHR_TRY(LEHR_NEW(b->asked, (size_t)b->room, "observed weights"));
    LEHR_TRY(LEHR_NEW(b->evaluation, (size_t)b->room, "observed weights"));
    return make_outputs(pack);
}

void lehr_block_destroy(lehr_pack *pack)
{
    LEHR_FREE(pack->block.theta);
    LEHR_FREE(pack->block.asked);
    LEHR_FREE(pack->block.evaluation);
    LEHR_FREE(pack->block.outputs);
}

/* Tell of rows [first,first+count); outputs[count,N,K] or NULL. */
static void tell(const lehr_asking *asking, int32_t first, int32_t count, const float *outputs)
{
    const lehr_pack *pack = asking->pack;
    const int64_t each = pack->problem->part[asking->part].points * pack->problem->args.outputs;
    for (int32_t i = 0; i < count; i++) {
        const lehr_asked *a = &pack->block.asked[first + i];
        asking->tell(&(lehr_weighed){a->run, a->theta, a->energy, asking->part,
                                     pack->block.evaluation[first + i],
                                     outputs ? outputs + i * each : NULL});
    }
}

/* The same with outputs, of some rows at a time. */
static lehr_status show(const lehr_asking *asking, int32_t count)
{
    const lehr_pack *pack = asking->pack;
    const lehr_block *b = &pack->block;
    const int64_t P = pack->table->parameters;
    for (int32_t row = 0; row < count; row += b->shown) {
        const int32_t left = count - row, some = left < b->shown ? left : b->shown;
        LEHR_TRY(pack->backend->outputs(pack->state, asking->part, b->theta + row * P, some,
                                        b->outputs));
        tell(asking, row, some, b->outputs);
    }
    return LEHR_OK;
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
    if (asking->outputs && b->shown > 0)
        return show(asking, count);
    tell(asking, 0, count, NULL);
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
