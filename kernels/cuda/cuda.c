/* cuda.c: the CUDA backend's table of operations, and how its state is made and freed. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/target.h"
#include "core/temper.h"
#include "cuda/cuda.h"

/* ---- What runs --------------------------------------------------------------------------------- */

/* What the CPU can run, but for a user's own function, which is code of the host. */
static lehr_status supports(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table)
{
    lehr_backend_options exact = *options;
    exact.numerics = LEHR_NUMERICS_EXACT;
    const bool fast = options->numerics == LEHR_NUMERICS_FAST;
    LEHR_CHECK(!fast || problem->args.target == LEHR_TARGET_NETWORK, LEHR_ERR_UNSUPPORTED,
               "numerics: fast is for networks only");
    LEHR_CHECK(!fast || options->path != LEHR_PATH_FUSED, LEHR_ERR_UNSUPPORTED,
               "numerics: fast has no fused kernels");
    LEHR_CHECK(problem->args.target != LEHR_TARGET_CALLBACK, LEHR_ERR_UNSUPPORTED,
               "target callback runs on the CPU backend only");
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        LEHR_CHECK(problem->part[part].points <= INT32_MAX - LEHR_CHUNK, LEHR_ERR_UNSUPPORTED,
                   "%lld points are too many for the CUDA backend",
                   (long long)problem->part[part].points);
    return lehr_backend_cpu.supports(&exact, problem, table);
}

static lehr_status plan(const lehr_backend_options *options, const lehr_problem *problem,
                        const lehr_table *table, lehr_memory_plan *out)
{
    lehr_cuda_plan p;
    LEHR_TRY(lehr_cuda_make_plan(options, problem, table, 0, &p));
    const int32_t units = lehr_cuda_count_units(table);
    *out = (lehr_memory_plan){.device_bytes = p.device_bytes,
                              .kept_bytes = p.kept_bytes,
                              .wanted_bytes = p.wanted_bytes,
                              .free_bytes = p.free_bytes,
                              .parts = (units + p.part_units - 1) / p.part_units};
    if (p.fast)
        snprintf(out->kernels, sizeof out->kernels, "fast: cuBLAS TF32, %d rows at a time",
                 p.batch);
    else if (p.path == LEHR_PATH_FUSED)
        snprintf(out->kernels, sizeof out->kernels, "fused, %d threads a row", p.row_threads);
    else
        snprintf(out->kernels, sizeof out->kernels, "tiled, %d rows at a time", p.batch);
    return LEHR_OK;
}

/* ---- Open and close ---------------------------------------------------------------------------- */

static void close_cuda(void **state)
{
    lehr_cuda *cuda = *state;
    if (!cuda)
        return;
    for (int32_t i = 0; cuda->device && i < cuda->devices; i++)
        lehr_cuda_device_close(&cuda->device[i]);
    LEHR_FREE(cuda->device);
    LEHR_FREE(cuda->part);
    LEHR_FREE(cuda->group);
    LEHR_FREE(cuda->row_group);
    LEHR_FREE(cuda->unit_group);
    LEHR_FREE(cuda->unit_copy);
    LEHR_FREE(cuda->score);
    LEHR_FREE(cuda->staging);
    LEHR_FREE(cuda->energy);
    LEHR_FREE(cuda->prior);
    LEHR_FREE(*state);
}

/* Which group each row and each copy belongs to. */
static void number_places(lehr_cuda *cuda)
{
    int32_t unit = 0;
    for (lehr_cuda_unit u = {0}; lehr_cuda_next_unit(cuda->table, &u); unit++) {
        for (int32_t row = u.row; row < u.row + u.rows; row++)
            cuda->row_group[row] = u.group;
        cuda->unit_group[unit] = u.group;
        cuda->unit_copy[unit] = u.copy;
    }
}

/* Room for the values of a batch, inputs or targets. */
static lehr_status make_staging(lehr_cuda *cuda)
{
    const lehr_energy_args *e = &cuda->problem->args;
    const int32_t inputs = e->network.size[0], targets = lehr_cuda_targets(e);
    const int32_t stride = lehr_cuda_stride(cuda->options.batch_points);
    return LEHR_NEW(cuda->staging, (size_t)stride * (size_t)(inputs > targets ? inputs : targets),
                    "a batch for a device");
}

static lehr_status make_host(lehr_cuda *cuda)
{
    const size_t rows = (size_t)cuda->table->rows;
    const size_t scored = rows > LEHR_CUDA_CANDIDATES ? rows : LEHR_CUDA_CANDIDATES;
    cuda->units = lehr_cuda_count_units(cuda->table);
    cuda->devices = cuda->options.device_count > 0 ? cuda->options.device_count : 1;
    LEHR_TRY(LEHR_NEW(cuda->device, (size_t)cuda->devices, "devices"));
    for (int32_t i = 0; i < cuda->devices; i++)
        cuda->device[i].index = cuda->options.device[i];
    LEHR_TRY(LEHR_NEW(cuda->part, (size_t)cuda->units, "parts of the rows"));
    LEHR_TRY(LEHR_NEW(cuda->group, (size_t)cuda->table->group_count, "groups of a part"));
    LEHR_TRY(LEHR_NEW(cuda->row_group, rows, "groups of rows"));
    LEHR_TRY(LEHR_NEW(cuda->unit_group, (size_t)cuda->units, "groups of copies"));
    LEHR_TRY(LEHR_NEW(cuda->unit_copy, (size_t)cuda->units, "groups of copies"));
    LEHR_TRY(LEHR_NEW(cuda->score, scored, "scores"));
    LEHR_TRY(make_staging(cuda));
    LEHR_TRY(LEHR_NEW(cuda->energy, rows, "energies"));
    LEHR_TRY(LEHR_NEW(cuda->prior, rows, "energies"));
    number_places(cuda);
    return LEHR_OK;
}

static void begin_part(lehr_cuda *cuda, int32_t first, const lehr_cuda_unit *unit)
{
    cuda->part[cuda->parts] = (lehr_cuda_part){.device = cuda->parts % cuda->devices,
                                               .first_unit = first,
                                               .first_whole = unit->whole ? first : first + 1,
                                               .from = lehr_cuda_place(cuda->table, unit),
                                               .size = {.B = lehr_cuda_temperatures(cuda->table)}};
    cuda->parts++;
}

/* Parts of equal numbers of copies, dealt to the devices in turn. */
static void make_parts(lehr_cuda *cuda)
{
    int32_t i = 0;
    cuda->parts = 0;
    for (lehr_cuda_unit u = {0}; lehr_cuda_next_unit(cuda->table, &u); i++) {
        if (i % cuda->plan.part_units == 0)
            begin_part(cuda, i, &u);
        lehr_cuda_part *part = &cuda->part[cuda->parts - 1];
        part->units++;
        part->wholes += u.whole;
        lehr_cuda_add(&part->size, lehr_cuda_size(cuda->table, &u), 1);
    }
}

static lehr_status open_devices(lehr_cuda *cuda, bool *too_large)
{
    lehr_status status = LEHR_OK;
    for (int32_t i = 0; status == LEHR_OK && i < cuda->devices; i++) {
        status = lehr_cuda_device_open(cuda, &cuda->device[i]);
        *too_large = cuda->device[i].out_of_memory;
    }
    for (int32_t i = 0; status != LEHR_OK && i < cuda->devices; i++)
        lehr_cuda_device_close(&cuda->device[i]);
    return status;
}

/* What is free may be in pieces, or gone by now: then half as much is planned with, down to what one copy
 * needs. Smaller parts change no bit.                                                               */
static lehr_status fill(lehr_cuda *cuda)
{
    LEHR_TRY(make_host(cuda));
    int64_t budget = 0;
    for (;;) {
        bool too_large = false;
        LEHR_TRY(
            lehr_cuda_make_plan(&cuda->options, cuda->problem, cuda->table, budget, &cuda->plan));
        make_parts(cuda);
        const lehr_status status = open_devices(cuda, &too_large);
        if (status == LEHR_OK || !too_large)
            return status;
        const lehr_cuda_plan *p = &cuda->plan;
        if (p->device_bytes <= p->least_bytes)
            return lehr_fail_prefix(status, "one copy needs %lld bytes, %lld seemed free: ",
                                    (long long)p->least_bytes, (long long)p->free_bytes);
        budget = p->device_bytes / 2 > p->least_bytes ? p->device_bytes / 2 : p->least_bytes;
    }
}

static lehr_status open_cuda(const lehr_backend_options *options, const lehr_problem *problem,
                             lehr_table *table, void **out)
{
    lehr_cuda *cuda = NULL;
    LEHR_TRY(LEHR_NEW(cuda, 1, "CUDA backend"));
    cuda->problem = problem;
    cuda->table = table;
    cuda->options = *options;
    for (int32_t g = 0; g < table->group_count; g++)
        cuda->delayed |= table->group[g].delayed;
    void *state = cuda;
    const lehr_status status = fill(cuda);
    if (status != LEHR_OK) {
        close_cuda(&state);
        return status;
    }
    *out = state;
    return LEHR_OK;
}

/* ---- The table --------------------------------------------------------------------------------- */

/* Parts that take turns on a device live in the host's table between slices. */
static bool stays(const lehr_cuda *cuda)
{
    return cuda->parts <= cuda->devices;
}

static lehr_status push(void *state)
{
    lehr_cuda *cuda = state;
    for (int32_t p = 0; stays(cuda) && p < cuda->parts; p++)
        LEHR_TRY(lehr_cuda_upload(cuda, &cuda->part[p]));
    return LEHR_OK;
}

static lehr_status pull(void *state)
{
    lehr_cuda *cuda = state;
    for (int32_t p = 0; stays(cuda) && p < cuda->parts; p++)
        LEHR_TRY(lehr_cuda_download(cuda, &cuda->part[p]));
    return LEHR_OK;
}

static lehr_status push_labels(void *state)
{
    lehr_cuda *cuda = state;
    for (int32_t p = 0; stays(cuda) && p < cuda->parts; p++)
        LEHR_TRY(lehr_cuda_upload_labels(cuda, &cuda->part[p]));
    return LEHR_OK;
}

static lehr_status pull_labels(void *state)
{
    lehr_cuda *cuda = state;
    for (int32_t p = 0; stays(cuda) && p < cuda->parts; p++)
        LEHR_TRY(lehr_cuda_download_labels(cuda, &cuda->part[p]));
    return LEHR_OK;
}

/* First energies of the rows of one part from a quarter of the points. */
static lehr_status weigh_quarters(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    lehr_cuda_device *d = &cuda->device[part->device];
    const lehr_cuda_scoring scoring = {&d->work, d->table.theta, (int32_t)part->size.R, 1};
    LEHR_TRY(lehr_cuda_score_rows(cuda, d, &scoring));
    for (int32_t row = 0; row < scoring.rows; row++)
        cuda->table->quarter[part->from.R + row] = cuda->score[row].energy;
    return LEHR_OK;
}

/* First energies of the rows of one part. */
static lehr_status weigh_part(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    lehr_cuda_device *d = &cuda->device[part->device];
    const int32_t rows = (int32_t)part->size.R;
    const lehr_cuda_scoring scoring = {&d->work, d->table.theta, rows, 0};
    LEHR_TRY(lehr_cuda_upload(cuda, part));
    if (cuda->delayed)
        LEHR_TRY(weigh_quarters(cuda, part));
    LEHR_TRY(lehr_cuda_score_rows(cuda, d, &scoring));
    for (int32_t row = 0; row < rows; row++) {
        const int64_t at = part->from.R + row;
        cuda->energy[at] = cuda->score[row].energy;
        cuda->prior[at] = cuda->score[row].prior;
        LEHR_CHECK(lehr_is_finite(cuda->energy[at]) && lehr_is_finite(cuda->prior[at]),
                   LEHR_ERR_NUMERIC, "the first energy of row %lld is not finite (E %g, U %g)",
                   (long long)at, cuda->energy[at], cuda->prior[at]);
    }
    return LEHR_OK;
}

static lehr_status start(void *state)
{
    lehr_cuda *cuda = state;
    for (int32_t p = 0; p < cuda->parts; p++)
        LEHR_TRY(weigh_part(cuda, &cuda->part[p]));
    lehr_table_start(cuda->table, cuda->energy, cuda->prior);
    return push(cuda);
}

static lehr_status batch(void *state, const lehr_part_data *data)
{
    lehr_cuda *cuda = state;
    for (int32_t i = 0; i < cuda->devices; i++)
        LEHR_TRY(lehr_cuda_send_batch(cuda, &cuda->device[i], data));
    return LEHR_OK;
}

/* The table comes back and goes again: its energies are worked out part by part. */
static lehr_status reweigh(void *state)
{
    lehr_cuda *cuda = state;
    LEHR_TRY(pull(cuda));
    for (int32_t p = 0; p < cuda->parts; p++)
        LEHR_TRY(weigh_part(cuda, &cuda->part[p]));
    lehr_table_rebase(cuda->table, cuda->energy, cuda->prior);
    return push(cuda);
}

static lehr_status slice(void *state, uint64_t scan, uint64_t scans)
{
    return lehr_cuda_slice(state, scan, scans);
}

static lehr_status evaluate_some(lehr_cuda *cuda, lehr_part part, const float *theta, int32_t rows,
                                 lehr_evaluation *out)
{
    lehr_cuda_device *d = &cuda->device[0];
    const lehr_energy_args *e = &cuda->problem->args;
    const size_t bytes = (size_t)rows * (size_t)e->parameters * sizeof *theta;
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    LEHR_CUDA(d, cudaMemcpyAsync(d->candidate, theta, bytes, cudaMemcpyHostToDevice, d->stream),
              "copying weights");
    const lehr_cuda_scoring scoring = {&d->part[part], d->candidate, rows, 0};
    LEHR_TRY(lehr_cuda_score_rows(cuda, d, &scoring));
    for (int32_t row = 0; row < rows; row++) {
        const lehr_cuda_score *s = &cuda->score[row];
        out[row] = e->target == LEHR_TARGET_NETWORK
                       ? (lehr_evaluation){lehr_reduce(e, s->loss, d->part[part].points), s->hits}
                       : (lehr_evaluation){s->energy, 0.0};
    }
    return LEHR_OK;
}

static lehr_status evaluate(void *state, lehr_part part, const float *theta, int32_t rows,
                            lehr_evaluation *out)
{
    lehr_cuda *cuda = state;
    LEHR_CHECK(cuda->problem->args.target != LEHR_TARGET_NETWORK ||
                   cuda->problem->part[part].points > 0,
               LEHR_ERR_ARG, "this part of the data has no points");
    const int64_t P = cuda->problem->args.parameters;
    for (int32_t row = 0; row < rows; row += LEHR_CUDA_CANDIDATES) {
        const int32_t left = rows - row;
        const int32_t count = left < LEHR_CUDA_CANDIDATES ? left : LEHR_CUDA_CANDIDATES;
        LEHR_TRY(evaluate_some(cuda, part, theta + row * P, count, out + row));
    }
    return LEHR_OK;
}

/* The host waits: one thread. */
static int32_t threads(const void *state)
{
    (void)state;
    return 1;
}

static const char *notice(const void *state)
{
    const lehr_cuda *cuda = state;
    for (int32_t i = 0; i < cuda->devices; i++)
        if (cuda->device[i].notice)
            return cuda->device[i].notice;
    return "";
}

const lehr_backend lehr_backend_cuda = {
    .name = "cuda",
    .device_count = lehr_cuda_device_count,
    .describe = lehr_cuda_describe,
    .supports = supports,
    .plan = plan,
    .open = open_cuda,
    .close = close_cuda,
    .start = start,
    .batch = batch,
    .reweigh = reweigh,
    .slice = slice,
    .evaluate = evaluate,
    .push = push,
    .pull = pull,
    .push_labels = push_labels,
    .pull_labels = pull_labels,
    .threads = threads,
    .notice = notice,
};
