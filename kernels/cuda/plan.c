/* plan.c: which kernels run, and how the copies are parted over devices and over time. Takes no memory. */
#include <stdio.h>

#include "base/status.h"
#include "core/early.h"
#include "core/proposal.h"
#include "core/sum.h"
#include "cuda/cuda.h"

/* Part of the free memory that a run leaves to others (the display, the runtime's own needs). */
static const double memory_share = 0.95;

int32_t lehr_cuda_stride(int64_t points)
{
    return (int32_t)((points + LEHR_DENSE_TILE - 1) / LEHR_DENSE_TILE * LEHR_DENSE_TILE);
}

int32_t lehr_cuda_targets(const lehr_energy_args *e)
{
    return lehr_loss_has_classes(e->loss) ? 1 : e->outputs;
}

/* ---- Bytes ------------------------------------------------------------------------------------- */

enum { GRAIN = 512 }; /* what an allocation is rounded up to */

static int64_t rounded(int64_t bytes)
{
    return (bytes + GRAIN - 1) / GRAIN * GRAIN;
}

static int64_t table_bytes(lehr_extent e)
{
    int64_t bytes = 0;
#define X(type, field, count) bytes += rounded(e.count * (int64_t)sizeof(type));
    LEHR_TABLE_FIELDS(X)
#undef X
    return bytes + rounded(e.R * (int64_t)sizeof(int32_t));
}

static int64_t data_bytes(const lehr_problem *problem, int64_t batch_points)
{
    const lehr_energy_args *e = &problem->args;
    int64_t bytes = rounded((int64_t)sizeof *e);
    for (int part = 0; part < LEHR_PART_COUNT && e->target == LEHR_TARGET_NETWORK; part++) {
        const int64_t stride = lehr_cuda_stride(problem->part[part].points);
        bytes += rounded(stride * e->network.size[0] * (int64_t)sizeof(float));
        bytes += rounded(stride * lehr_cuda_targets(e) * (int64_t)sizeof(float));
    }
    if (batch_points > 0) {
        const int64_t stride = lehr_cuda_stride(batch_points);
        bytes += rounded(stride * e->network.size[0] * (int64_t)sizeof(float)) +
                 rounded(stride * lehr_cuda_targets(e) * (int64_t)sizeof(float));
    }
    return bytes + rounded(LEHR_CUDA_CANDIDATES * (int64_t)e->parameters * (int64_t)sizeof(float));
}

static int64_t most_points(const lehr_problem *problem)
{
    int64_t most = 0;
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        most = problem->part[part].points > most ? problem->part[part].points : most;
    return most;
}

/* Of one row's activations in the tiled kernels. */
static int64_t activation_bytes(const lehr_cuda_plan *plan, const lehr_problem *problem)
{
    const int64_t stride = lehr_cuda_stride(most_points(problem));
    return stride * (plan->room.even + plan->room.odd) * (int64_t)sizeof(float);
}

/* What a row of a batch takes: two buffers of activations, perhaps packed weights. */
static int64_t batch_row_bytes(const lehr_cuda_plan *plan, const lehr_problem *problem)
{
    return 2 * rounded(activation_bytes(plan, problem) / 2 + GRAIN) +
           plan->packed_floats * (int64_t)sizeof(float);
}

static int64_t kept_bytes(const lehr_cuda_plan *plan, int64_t rows)
{
    return 2 * rows * plan->kept_floats * (int64_t)sizeof(float);
}

/* Rows of scores, states and proposals that a part of `rows` rows needs. */
static int64_t row_bytes(const lehr_cuda_plan *plan, const lehr_problem *problem, int64_t rows)
{
    const int64_t scored = rows > LEHR_CUDA_CANDIDATES ? rows : LEHR_CUDA_CANDIDATES;
    const int64_t chunks = lehr_chunks(most_points(problem));
    int64_t bytes = rounded(scored * (int64_t)sizeof(lehr_cuda_score));
    if (plan->path == LEHR_PATH_TILED)
        bytes += rounded(rows * problem->args.parameters * (int64_t)sizeof(float)) +
                 rounded(rows * (int64_t)sizeof(lehr_team_state));
    if (plan->kept_floats > 0)
        bytes += rounded(kept_bytes(plan, rows)) + rounded(rows * (int64_t)sizeof(lehr_u64));
    if (plan->batch > 0)
        bytes += 2 * rounded(scored * chunks * (int64_t)sizeof(float));
    return bytes;
}

static int64_t part_bytes(const lehr_cuda_plan *plan, const lehr_problem *problem,
                          const lehr_table *table, int32_t units)
{
    const lehr_extent size = lehr_cuda_extent(table, units);
    const int64_t groups = (int64_t)sizeof(lehr_group) * table->group_count;
    return data_bytes(problem, plan->batch_points) + table_bytes(size) + rounded(groups) +
           2 * rounded(units * (int64_t)sizeof(int32_t)) + row_bytes(plan, problem, size.R) +
           plan->batch * batch_row_bytes(plan, problem) +
           (plan->fast ? LEHR_FAST_WORKSPACE + LEHR_FAST_ALLOWANCE + GRAIN : 0);
}

/* ---- Kernels ----------------------------------------------------------------------------------- */

static lehr_cuda_room make_room(const lehr_energy_args *e)
{
    lehr_cuda_room room = {0};
    for (lehr_i32 l = 0; l < e->network.layers; l++) {
        lehr_i32 *width = l % 2 == 0 ? &room.even : &room.odd;
        *width = e->network.size[l + 1] > *width ? e->network.size[l + 1] : *width;
    }
    room.targets = e->network.layers > 0 ? lehr_cuda_targets(e) : 0;
    return room;
}

/* What a device can hold and do. */
typedef struct abilities {
    int64_t shared_bytes; /* of a block */
    int64_t free_bytes;
    int32_t processors;
} abilities;

/* Threads of a row. Warps waste the least where rows are many and small; a block keeps the weights of a large
 * row once for many threads, and fills a device with few rows. */
static int32_t wanted_threads(const lehr_problem *problem, int64_t rows, const abilities *able)
{
    const int64_t weights = problem->args.parameters * (int64_t)sizeof(float);
    const int64_t points = problem->args.target == LEHR_TARGET_NETWORK
                               ? problem->part[LEHR_PART_TRAIN].points
                               : problem->args.parameters;
    if (rows >= 16 * (int64_t)able->processors && weights <= 4096)
        return 32;
    return points <= 64 ? 32 : points <= 256 ? 64 : points <= 1024 ? 128 : 256;
}

/* The wanted team size, or a smaller one that fits; 0: none does. */
static int32_t fitting_threads(const lehr_problem *problem, const lehr_cuda_room *room,
                               int32_t wanted, const abilities *able)
{
    for (int32_t threads = wanted; threads >= 32; threads /= 2)
        if ((int64_t)lehr_scan_shared_bytes(room, problem->args.parameters, threads) <=
            able->shared_bytes)
            return threads;
    return 0;
}

static int32_t fitting_score_threads(const lehr_cuda_room *room, const abilities *able)
{
    if ((int64_t)lehr_score_shared_bytes(room, 256) <= able->shared_bytes)
        return 256;
    return (int64_t)lehr_score_shared_bytes(room, 32) <= able->shared_bytes ? 32 : 0;
}

static lehr_status choose_kernels(const lehr_backend_options *options, const lehr_problem *problem,
                                  const lehr_table *table, const abilities *able,
                                  lehr_cuda_plan *plan)
{
    const bool network = problem->args.target == LEHR_TARGET_NETWORK;
    const int32_t wanted = options->row_threads > 0 ? options->row_threads
                                                    : wanted_threads(problem, table->rows, able);
    LEHR_CHECK(wanted == 32 || wanted == 64 || wanted == 128 || wanted == 256, LEHR_ERR_ARG,
               "a row has 32, 64, 128 or 256 threads, not %d", wanted);
    plan->room = make_room(&problem->args);
    plan->row_threads = fitting_threads(problem, &plan->room, wanted, able);
    plan->score_threads = fitting_score_threads(&plan->room, able);
    plan->fast = options->numerics == LEHR_NUMERICS_FAST;
    if (plan->fast)
        plan->packed_floats = lehr_fast_packed_floats(&problem->args.network,
                                                      problem->part[LEHR_PART_TRAIN].points);
    const bool fused = !plan->fast && plan->row_threads > 0 &&
                       (options->path != LEHR_PATH_TILED || !network);
    plan->path = fused ? LEHR_PATH_FUSED : LEHR_PATH_TILED;
    LEHR_CHECK(fused || (network && options->path != LEHR_PATH_FUSED), LEHR_ERR_UNSUPPORTED,
               "%d parameters do not fit the %lld bytes that a block of this device may share",
               problem->args.parameters, (long long)able->shared_bytes);
    if (plan->path == LEHR_PATH_TILED)
        plan->score_threads = 0;
    plan->batch = plan->path == LEHR_PATH_TILED || plan->score_threads == 0 ? network : 0;
    return LEHR_OK;
}

/* Rounds of one point a thread between two looks of a fused scan at its sum; 0: none is worth it or allowed. A look takes
 * about 15 instructions of a warp and 60 with the waiting of a block's barrier, a point those of its chains and
 * some 23 a unit: no more than a 20th is spent on looks, but one is had every 8 rounds.             */
static int32_t choose_look(const lehr_backend_options *options, const lehr_problem *problem,
                           const lehr_table *table, const lehr_cuda_plan *plan)
{
    const lehr_network *n = &problem->args.network;
    const int64_t points = options->batch_points > 0 ? options->batch_points
                                                     : problem->part[LEHR_PART_TRAIN].points;
    bool early = plan->path == LEHR_PATH_FUSED && !options->whole;
    for (int32_t g = 0; g < table->group_count; g++)
        early = early && lehr_rejects_early(&problem->args, &table->group[g]);
    int64_t work = 40;
    for (lehr_i32 l = 0; l < n->layers; l++)
        work += n->size[l + 1] * ((int64_t)n->size[l] + 23);
    if (plan->kept_floats > 0) /* most proposals work out one unit */
        work = 40 + work / n->size[1];
    const int64_t cost = plan->row_threads > 32 ? 60 : 15;
    int64_t look = options->look_rounds > 0 ? options->look_rounds : 1;
    while (options->look_rounds == 0 && look < 8 && look * work < 20 * cost)
        look *= 2;
    return early && look * plan->row_threads < points ? (int32_t)look : 0;
}

/* ---- Parts ------------------------------------------------------------------------------------- */

/* The least of all devices in use. */
static lehr_status ask(const lehr_backend_options *options, abilities *out)
{
    *out = (abilities){INT64_MAX, INT64_MAX, INT32_MAX};
    const int32_t devices = options->device_count > 0 ? options->device_count : 1;
    for (int32_t i = 0; i < devices; i++) {
        const int32_t index = options->device[i];
        int shared = 0, processors = 0;
        size_t available = 0, total = 0;
        LEHR_TRY(lehr_cuda_enter(index));
        LEHR_TRY(lehr_cuda_check(
            cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, index), index,
            "asking for shared memory"));
        LEHR_TRY(lehr_cuda_check(
            cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, index), index,
            "asking for multiprocessors"));
        LEHR_TRY(lehr_cuda_check(cudaMemGetInfo(&available, &total), index, "asking for memory"));
        const int64_t free_bytes = (int64_t)(memory_share * (double)available);
        out->shared_bytes = shared < out->shared_bytes ? shared : out->shared_bytes;
        out->processors = processors < out->processors ? processors : out->processors;
        out->free_bytes = free_bytes < out->free_bytes ? free_bytes : out->free_bytes;
    }
    return LEHR_OK;
}

/* The most copies that fit, at most `wanted`. Needs grow with copies, so halving finds them. */
static int32_t fitting_units(const lehr_cuda_plan *plan, const lehr_problem *problem,
                             const lehr_table *table, int32_t wanted, int64_t budget)
{
    int32_t fits = 0, too_many = wanted + 1;
    while (too_many - fits > 1) {
        const int32_t middle = fits + (too_many - fits) / 2;
        if (part_bytes(plan, problem, table, middle) <= budget)
            fits = middle;
        else
            too_many = middle;
    }
    return fits;
}

/* Floats of a row's activations, when a run gains from keeping them: most of its moves touch one unit. The others
 * are slower than without, since they write what they would not have to. */
static int64_t wanted_floats(const lehr_backend_options *options, const lehr_problem *problem,
                             const lehr_table *table)
{
    const lehr_network *n = &problem->args.network;
    const int64_t points = options->batch_points > 0 ? options->batch_points
                                                     : problem->part[LEHR_PART_TRAIN].points;
    int64_t units = 0;
    if (problem->args.target != LEHR_TARGET_NETWORK || options->forget)
        return 0;
    for (int32_t g = 0; g < table->group_count; g++)
        if (lehr_unit_share(&table->group[g]) < 0.5f)
            return 0;
    for (lehr_i32 l = 1; l <= n->layers; l++)
        units += n->size[l];
    return units * lehr_cuda_stride(points);
}

/* Keep activations where all rows stay on their devices with them. */
static void plan_kept(const lehr_backend_options *options, const lehr_problem *problem,
                      const lehr_table *table, const abilities *able, lehr_cuda_plan *plan)
{
    const int32_t devices = options->device_count > 0 ? options->device_count : 1;
    const int32_t share = (lehr_cuda_count_units(table) + devices - 1) / devices;
    const int64_t rows = lehr_cuda_extent(table, share).R;
    plan->kept_floats = plan->fast ? 0 : wanted_floats(options, problem, table);
    plan->kept_bytes = kept_bytes(plan, rows);
    if (fitting_units(plan, problem, table, share, plan->free_bytes) < share) {
        plan->wanted_bytes = plan->kept_bytes;
        plan->kept_floats = plan->kept_bytes = 0;
    } else if (plan->kept_floats > 0 && plan->path == LEHR_PATH_FUSED) {
        const int32_t wanted = plan->row_threads > 32 ? 128 : 32;
        const bool fits = fitting_threads(problem, &plan->room, wanted, able) == wanted;
        plan->row_threads = fits ? wanted : 32;
    }
}

/* Activations of as many rows at a time as fit, but no more than there are. */
static void widen_batch(lehr_cuda_plan *plan, const lehr_problem *problem, const lehr_table *table,
                        int64_t budget)
{
    const int64_t rows = lehr_cuda_extent(table, plan->part_units).R;
    int64_t wanted = plan->path == LEHR_PATH_TILED && rows > LEHR_CUDA_CANDIDATES
                         ? rows
                         : LEHR_CUDA_CANDIDATES;
    if (wanted > 65535) /* the most that a grid's third dimension holds */
        wanted = 65535;
    const int64_t most = INT32_MAX * (int64_t)sizeof(float) / (activation_bytes(plan, problem) + 1);
    if (plan->fast && wanted > most) /* a product of no more results than 32 bits can count */
        wanted = most > 1 ? most : 1;
    const int64_t each = batch_row_bytes(plan, problem);
    const int64_t left = budget - part_bytes(plan, problem, table, plan->part_units);
    plan->batch += (int32_t)(left / each < wanted - 1 ? left / each : wanted - 1);
}

lehr_status lehr_cuda_make_plan(const lehr_backend_options *options, const lehr_problem *problem,
                                const lehr_table *table, int64_t budget_bytes, lehr_cuda_plan *out)
{
    abilities able;
    lehr_cuda_plan plan = {0};
    plan.batch_points = options->batch_points;
    LEHR_TRY(ask(options, &able));
    LEHR_TRY(choose_kernels(options, problem, table, &able, &plan));
    int64_t budget = able.free_bytes;
    if (options->memory_bytes > 0 && options->memory_bytes < budget)
        budget = options->memory_bytes;
    if (budget_bytes > 0 && budget_bytes < budget)
        budget = budget_bytes;
    const int32_t devices = options->device_count > 0 ? options->device_count : 1;
    const int32_t units = lehr_cuda_count_units(table);
    const int32_t share = (units + devices - 1) / devices;
    plan.free_bytes = budget;
    plan_kept(options, problem, table, &able, &plan);
    plan.part_units = fitting_units(&plan, problem, table, share, budget);
    plan.least_bytes = part_bytes(&plan, problem, table, 1);
    LEHR_CHECK(plan.part_units >= 1, LEHR_ERR_DEVICE,
               "one copy of %d rungs needs %lld bytes of device memory, %lld are free for it",
               table->group[0].rungs, (long long)plan.least_bytes, (long long)budget);
    plan.look = choose_look(options, problem, table, &plan);
    if (plan.batch > 0)
        widen_batch(&plan, problem, table, budget);
    plan.device_bytes = part_bytes(&plan, problem, table, plan.part_units);
    *out = plan;
    return LEHR_OK;
}
