/* batch.c: mini-batches: a random part of the training points that all rows of a run see until the next.
 *
 * Batch number b is a function of the seed and of b alone, so a run that is stopped and resumed sees the same
 * ones. A run with batches optimizes: it samples no distribution.                                   */
#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "core/proposal.h"
#include "core/rng.h"
#include "run/run.h"

static int32_t target_count(const lehr_run *run)
{
    const lehr_energy_args *e = &run->pack->problem->args;
    return lehr_loss_has_classes(e->loss) ? 1 : e->outputs;
}

static lehr_status check(const lehr_run *run)
{
    const lehr_batch_spec *spec = &run->spec.batch;
    const int64_t points = run->pack->problem->part[LEHR_PART_TRAIN].points;
    LEHR_CHECK(run->pack->problem->args.target == LEHR_TARGET_NETWORK, LEHR_ERR_ARG,
               "batches need a network on data");
    LEHR_CHECK(spec->refresh >= 1, LEHR_ERR_ARG, "data.batch.refresh must be at least 1, got %lld",
               (long long)spec->refresh);
    LEHR_CHECK(spec->points <= points && spec->grow <= points, LEHR_ERR_ARG,
               "a batch of %lld points is more than the %lld of the training part",
               (long long)(spec->points > spec->grow ? spec->points : spec->grow),
               (long long)points);
    LEHR_CHECK(run->pack->problem->part[LEHR_PART_VALIDATION].points > 0, LEHR_ERR_ARG,
               "batches need a validation part, which chooses `best`");
    for (int32_t m = 0; m < run->spec.move_count; m++)
        LEHR_CHECK(run->spec.moves[m].scale > 0 || run->spec.moves[m].kind == LEHR_MOVE_FLIP,
                   LEHR_ERR_ARG,
                   "moves.%d: step sizes that adapt on refreshed batches diverge; give a scale", m);
    return LEHR_OK;
}

bool lehr_batched(const lehr_run *run)
{
    return run->spec.batch.points > 0;
}

lehr_status lehr_batch_plan(lehr_run *run)
{
    const lehr_batch_spec *spec = &run->spec.batch;
    run->pack->options.batch_points = 0;
    if (!lehr_batched(run))
        return LEHR_OK;
    LEHR_TRY(check(run));
    run->pack->options.batch_points = spec->points > spec->grow ? spec->points : spec->grow;
    return LEHR_OK;
}

lehr_status lehr_batch_create(lehr_run *run)
{
    const size_t points = (size_t)run->pack->options.batch_points;
    if (points == 0)
        return LEHR_OK;
    LEHR_TRY(LEHR_NEW(run->pack->batch_inputs,
                      points * (size_t)run->pack->problem->args.network.size[0], "batch"));
    LEHR_TRY(LEHR_NEW(run->pack->batch_targets, points * (size_t)target_count(run), "batch"));
    return LEHR_NEW(run->pack->batch_order,
                    (size_t)run->pack->problem->part[LEHR_PART_TRAIN].points, "batch");
}

void lehr_batch_destroy(lehr_run *run)
{
    LEHR_FREE(run->pack->batch_inputs);
    LEHR_FREE(run->pack->batch_targets);
    LEHR_FREE(run->pack->batch_order);
}

/* Points of the batch at a scan: from `points` to `grow` in equal ratios. */
static int64_t points_at(const lehr_run *run, int64_t scan)
{
    const lehr_batch_spec *spec = &run->spec.batch;
    if (spec->grow == 0 || run->planned == INT64_MAX || run->planned <= spec->refresh)
        return spec->points;
    if (run->spec.extra > 0 && scan > run->spec.held)
        scan = run->spec.held;
    const int64_t last = (run->planned - 1) / spec->refresh * spec->refresh;
    const double share = last > 0 ? (double)scan / (double)last : 1;
    const double log_points = lehr_log64((double)spec->points) +
                              share * lehr_log64((double)spec->grow / (double)spec->points);
    const int64_t points = (int64_t)(lehr_exp64(log_points) + 0.5),
                  most = run->pack->options.batch_points;
    return points < 1 ? 1 : points > most ? most : points;
}

/* The first `count` of all points in random order (Fisher and Yates 1938). */
static void draw(lehr_run *run, uint64_t number, int64_t count)
{
    const int64_t all = run->pack->problem->part[LEHR_PART_TRAIN].points;
    int32_t *order = run->pack->batch_order;
    lehr_words words = {{0}};
    for (int64_t n = 0; n < all; n++)
        order[n] = (int32_t)n;
    for (int64_t n = 0; n < count; n++) {
        if (n % 4 == 0)
            words = lehr_draw(run->spec.seed, (lehr_u32)(n / 4), number, LEHR_ALL_ROWS,
                              LEHR_DOMAIN_BATCH);
        const int64_t other = n + (int64_t)lehr_index(words.w[n % 4], (lehr_u32)(all - n));
        const int32_t mine = order[n];
        order[n] = order[other];
        order[other] = mine;
    }
}

static void gather(const float *from, const int32_t *order, int64_t count, int32_t width, float *to)
{
    for (int64_t n = 0; n < count; n++)
        for (int32_t c = 0; c < width; c++)
            *to++ = from[(int64_t)order[n] * width + c];
}

lehr_status lehr_batch_draw(lehr_run *run)
{
    const lehr_part_data *all = &run->pack->problem->part[LEHR_PART_TRAIN];
    const int64_t number = run->scan / run->spec.batch.refresh;
    const int64_t points = points_at(run, number * run->spec.batch.refresh);
    draw(run, (uint64_t)number, points);
    gather(all->inputs, run->pack->batch_order, points, run->pack->problem->args.network.size[0],
           run->pack->batch_inputs);
    gather(all->targets, run->pack->batch_order, points, target_count(run),
           run->pack->batch_targets);
    const lehr_part_data batch = {run->pack->batch_inputs, run->pack->batch_targets, points};
    return run->pack->backend->batch(run->pack->state, &batch);
}

lehr_status lehr_batch_refresh(lehr_run *run)
{
    if (!lehr_batched(run) || run->scan == 0 || run->scan % run->spec.batch.refresh != 0)
        return LEHR_OK;
    LEHR_TRY(lehr_batch_draw(run));
    run->pack->pulled = run->pack->weights_pulled = false;
    return run->pack->backend->reweigh(run->pack->state);
}

int64_t lehr_batch_scans_left(const lehr_run *run)
{
    const int64_t refresh = run->spec.batch.refresh;
    return lehr_batched(run) ? refresh - run->scan % refresh : INT64_MAX;
}
