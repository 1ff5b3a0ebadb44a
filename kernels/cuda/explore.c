/* explore.c: scans and scores on the devices. */
#include "base/status.h"
#include "core/proposal.h"
#include "core/settle.h"
#include "cuda/cuda.h"

/* ---- Scans ------------------------------------------------------------------------------------- */

static lehr_cuda_rows rows_of(const lehr_cuda_device *d)
{
    return (lehr_cuda_rows){.table = d->table,
                            .row_group = d->row_group,
                            .unit_group = d->unit_group,
                            .unit_copy = d->unit_copy,
                            .units = d->at->units};
}

/* Kept activations as a launch sees them; after the first one they are theta's. */
static lehr_cuda_kept kept_now(lehr_cuda_device *d)
{
    lehr_cuda_kept kept = d->kept;
    kept.stride = d->work.stride;
    kept.learn = !d->learned;
    d->learned = true;
    return kept;
}

static lehr_status scan_fused(const lehr_cuda *cuda, lehr_cuda_device *d, uint64_t from,
                              uint64_t to)
{
    const lehr_scan_args args = {.energy = d->energy,
                                 .rows = rows_of(d),
                                 .train = d->work,
                                 .room = cuda->plan.room,
                                 .kept = kept_now(d),
                                 .scan = from,
                                 .scans = to - from,
                                 .look = cuda->plan.look};
    return lehr_cuda_check(
        lehr_scan_launch(&args, cuda->plan.row_threads, d->scan_kernel, d->stream), d->index,
        "scanning");
}

/* Outputs of the network for the rows of a batch. */
static lehr_status forward(const lehr_cuda *cuda, const lehr_cuda_device *d, lehr_tiled_args *args)
{
    const lehr_network *network = &cuda->problem->args.network;
    if (d->fast)
        return lehr_fast_forward(d->fast, network, args);
    return lehr_cuda_check(lehr_tiled_forward_launch(args, network, d->stream), d->index,
                           "evaluating");
}

/* What the proposals of a scan touch in every row: a run's rows make the same move. */
static lehr_touch touch_of(const lehr_cuda *cuda, uint64_t scan)
{
    const lehr_touch all = {0, -1};
    return cuda->table->group_count == 1
               ? lehr_propose(&cuda->table->group[0], &cuda->problem->args, scan).touch
               : all;
}

/* The activations of a batch's weights: written as a proposal's whose spare places are the first ones, which then
 * become the current ones. */
static lehr_status learn_tiled(const lehr_cuda *cuda, const lehr_cuda_device *d,
                               lehr_tiled_args args)
{
    lehr_u64 *side = args.kept.side + args.first;
    const size_t bytes = (size_t)args.count * sizeof *side;
    args.weights = d->table.theta;
    args.touch = (lehr_touch){0, -1};
    LEHR_CUDA(d, cudaMemsetAsync(side, 0xff, bytes, d->stream), "scanning");
    LEHR_TRY(forward(cuda, d, &args));
    return lehr_cuda_check(cudaMemsetAsync(side, 0, bytes, d->stream), d->index, "scanning");
}

/* One batch of rows after the other, each through all scans: what it reads stays in the cache. */
static lehr_status scan_tiled(const lehr_cuda *cuda, lehr_cuda_device *d, uint64_t from,
                              uint64_t to)
{
    lehr_tiled_args args = d->tiled;
    args.energy = d->energy;
    args.rows = rows_of(d);
    args.data = d->work;
    args.weights = args.proposed;
    args.quarter = cuda->delayed;
    args.kept = kept_now(d);
    for (int32_t row = 0; row < d->table.rows; row += cuda->plan.batch) {
        const int32_t left = d->table.rows - row;
        args.first = row;
        args.count = left < cuda->plan.batch ? left : cuda->plan.batch;
        if (args.kept.act && args.kept.learn)
            LEHR_TRY(learn_tiled(cuda, d, args));
        for (args.scan = from; args.scan < to; args.scan++) {
            args.touch = touch_of(cuda, args.scan);
            args.begins = args.scan == from;
            args.ends = args.scan + 1 == to;
            LEHR_CUDA(d, lehr_tiled_propose_launch(&args, d->stream), "scanning");
            LEHR_TRY(forward(cuda, d, &args));
            LEHR_CUDA(d, lehr_tiled_decide_launch(&args, d->stream), "scanning");
        }
    }
    return LEHR_OK;
}

/* Whole copies, by the device. */
static lehr_status settle(const lehr_cuda_device *d, uint64_t scan)
{
    const lehr_cuda_part *part = d->at;
    lehr_settle_args args = {.rows = rows_of(d), .scan = scan};
    args.rows.unit_group += part->first_whole - part->first_unit;
    args.rows.unit_copy += part->first_whole - part->first_unit;
    args.rows.units = part->wholes;
    if (part->wholes == 0)
        return LEHR_OK;
    return lehr_cuda_check(lehr_settle_launch(&args, d->stream), d->index, "exchanging");
}

/* Scans [from,to) without a settling inside, and the settling at their end. */
static lehr_status run_stretch(const lehr_cuda *cuda, lehr_cuda_device *d, uint64_t from,
                               uint64_t to)
{
    LEHR_TRY(cuda->plan.path == LEHR_PATH_FUSED ? scan_fused(cuda, d, from, to)
                                                : scan_tiled(cuda, d, from, to));
    bool settles = false;
    for (int32_t g = 0; g < cuda->table->group_count; g++)
        settles = settles || lehr_settles(&cuda->table->group[g], to - 1);
    return settles ? settle(d, to - 1) : LEHR_OK;
}

/* Queue a whole slice for the part that is on a device. */
static lehr_status queue_part(const lehr_cuda *cuda, lehr_cuda_device *d, uint64_t scan,
                              uint64_t end)
{
    const uint64_t most = cuda->options.launch_scans > 0 ? (uint64_t)cuda->options.launch_scans
                                                         : UINT64_MAX;
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    while (scan < end) {
        uint64_t next = lehr_stretch_end(cuda->table, scan, end);
        next = next - scan > most ? scan + most : next;
        LEHR_TRY(run_stretch(cuda, d, scan, next));
        scan = next;
    }
    return LEHR_OK;
}

static lehr_status wait_for(const lehr_cuda_device *d)
{
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    return lehr_cuda_check(cudaStreamSynchronize(d->stream), d->index, "scanning");
}

/* Parts that take turns: the next ones, one on each device. */
static lehr_status take_turn(lehr_cuda *cuda, int32_t first, uint64_t scan, uint64_t end)
{
    const int32_t last = first + cuda->devices < cuda->parts ? first + cuda->devices : cuda->parts;
    for (int32_t p = first; p < last; p++) {
        LEHR_TRY(lehr_cuda_upload(cuda, &cuda->part[p]));
        LEHR_TRY(queue_part(cuda, &cuda->device[cuda->part[p].device], scan, end));
    }
    for (int32_t p = first; p < last; p++)
        LEHR_TRY(lehr_cuda_download(cuda, &cuda->part[p]));
    return LEHR_OK;
}

lehr_status lehr_cuda_slice(lehr_cuda *cuda, uint64_t scan, uint64_t scans)
{
    const uint64_t end = scan + scans;
    if (cuda->parts > cuda->devices) {
        for (int32_t p = 0; p < cuda->parts; p += cuda->devices)
            LEHR_TRY(take_turn(cuda, p, scan, end));
        return LEHR_OK;
    }
    for (int32_t p = 0; p < cuda->parts; p++)
        LEHR_TRY(queue_part(cuda, &cuda->device[cuda->part[p].device], scan, end));
    for (int32_t p = 0; p < cuda->parts; p++)
        LEHR_TRY(wait_for(&cuda->device[cuda->part[p].device]));
    return LEHR_OK;
}

/* ---- Scores ------------------------------------------------------------------------------------ */

static lehr_status score_fused(const lehr_cuda *cuda, const lehr_cuda_device *d,
                               const lehr_cuda_scoring *s)
{
    const lehr_score_args args = {.energy = d->energy,
                                  .theta = s->theta,
                                  .score = d->score,
                                  .part = *s->points,
                                  .room = cuda->plan.room,
                                  .rows = s->rows,
                                  .quarter = s->quarter};
    return lehr_cuda_check(lehr_score_launch(&args, cuda->plan.score_threads, d->stream), d->index,
                           "scoring");
}

static lehr_status score_tiled(const lehr_cuda *cuda, const lehr_cuda_device *d,
                               const lehr_cuda_scoring *s)
{
    lehr_tiled_args args = d->tiled;
    args.energy = d->energy;
    args.data = *s->points;
    args.weights = s->theta;
    args.score = d->score;
    args.quarter = s->quarter;
    for (int32_t row = 0; row < s->rows; row += cuda->plan.batch) {
        args.first = row;
        args.count = s->rows - row < cuda->plan.batch ? s->rows - row : cuda->plan.batch;
        LEHR_TRY(forward(cuda, d, &args));
        LEHR_CUDA(d, lehr_tiled_score_launch(&args, d->stream), "scoring");
    }
    return LEHR_OK;
}

lehr_status lehr_cuda_score_rows(lehr_cuda *cuda, lehr_cuda_device *d,
                                 const lehr_cuda_scoring *scoring)
{
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    LEHR_TRY(cuda->plan.score_threads > 0 ? score_fused(cuda, d, scoring)
                                          : score_tiled(cuda, d, scoring));
    LEHR_CUDA(d,
              cudaMemcpyAsync(cuda->score, d->score, (size_t)scoring->rows * sizeof *cuda->score,
                              cudaMemcpyDeviceToHost, d->stream),
              "copying scores");
    return lehr_cuda_check(cudaStreamSynchronize(d->stream), d->index, "scoring");
}
