/* memory.c: the memory of one device: data, room, and the rows of the largest part. All of it is taken when
 * a run opens. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/sum.h"
#include "cuda/cuda.h"

/* ---- Buffers ----------------------------------------------------------------------------------- */

static lehr_status take(lehr_cuda_device *d, int64_t bytes, const char *what, void **out)
{
    LEHR_ASSERT(d->buffers < LEHR_CUDA_BUFFERS);
    void *buffer = NULL;
    const cudaError_t code = cudaMalloc(&buffer, (size_t)(bytes > 0 ? bytes : 1));
    d->out_of_memory = code == cudaErrorMemoryAllocation;
    LEHR_CUDA(d, code, what);
    d->buffer[d->buffers++] = buffer;
    *out = buffer;
    return LEHR_OK;
}
#define TAKE(device, pointer, count, what)                                                         \
    take((device), (int64_t)(count) * (int64_t)sizeof *(pointer), (what), (void **)&(pointer))

/* ---- Data -------------------------------------------------------------------------------------- */

/* x[N,width] as [width,stride], the points behind the last one zero. */
static void transpose(const float *x, int64_t points, int32_t width, int32_t stride, float *out)
{
    memset(out, 0, (size_t)stride * (size_t)width * sizeof *out);
    for (int64_t n = 0; n < points; n++)
        for (int32_t i = 0; i < width; i++)
            out[(int64_t)i * stride + n] = x[n * width + i];
}

static lehr_status put_values(lehr_cuda_device *d, const float *x, int64_t points, int32_t width,
                              const float **out)
{
    const int32_t stride = lehr_cuda_stride(points);
    size_t count;
    LEHR_CHECK(lehr_size_mul((size_t)stride, (size_t)width, &count), LEHR_ERR_ARG,
               "%lld points of %d values are too many", (long long)points, width);
    float *host = NULL, *device = NULL;
    LEHR_TRY(TAKE(d, device, count, "taking memory for data"));
    LEHR_TRY(LEHR_NEW(host, count, "data for a device"));
    transpose(x, points, width, stride, host);
    const lehr_status status = lehr_cuda_check(
        cudaMemcpy(device, host, count * sizeof *host, cudaMemcpyHostToDevice), d->index,
        "copying data");
    LEHR_FREE(host);
    *out = device;
    return status;
}

static lehr_status take_batch(const lehr_cuda *cuda, lehr_cuda_device *d)
{
    if (cuda->options.batch_points == 0)
        return LEHR_OK;
    const lehr_energy_args *e = &cuda->problem->args;
    const int64_t stride = lehr_cuda_stride(cuda->options.batch_points);
    LEHR_TRY(TAKE(d, d->batch_x, stride * e->network.size[0], "taking memory for a batch"));
    return TAKE(d, d->batch_y, stride * lehr_cuda_targets(e), "taking memory for a batch");
}

static lehr_status put_data(lehr_cuda *cuda, lehr_cuda_device *d)
{
    const lehr_energy_args *e = &cuda->problem->args;
    LEHR_TRY(TAKE(d, d->energy, 1, "taking memory for data"));
    LEHR_CUDA(d, cudaMemcpy(d->energy, e, sizeof *e, cudaMemcpyHostToDevice), "copying data");
    for (int part = 0; part < LEHR_PART_COUNT && e->target == LEHR_TARGET_NETWORK; part++) {
        const lehr_part_data *data = &cuda->problem->part[part];
        lehr_cuda_points *to = &d->part[part];
        to->points = (int32_t)data->points;
        to->stride = lehr_cuda_stride(data->points);
        to->targets = lehr_cuda_targets(e);
        if (data->points == 0)
            continue;
        LEHR_TRY(put_values(d, data->inputs, data->points, e->network.size[0], &to->x));
        LEHR_TRY(put_values(d, data->targets, data->points, to->targets, &to->y));
    }
    d->work = d->part[LEHR_PART_TRAIN];
    return take_batch(cuda, d);
}

/* A batch's values, transposed on the host, into their room on a device. */
static lehr_status send_values(const lehr_cuda *cuda, const lehr_cuda_device *d, const float *x,
                               int64_t points, int32_t width, float *to)
{
    const int32_t stride = lehr_cuda_stride(points);
    transpose(x, points, width, stride, cuda->staging);
    return lehr_cuda_check(cudaMemcpy(to, cuda->staging,
                                      (size_t)stride * (size_t)width * sizeof *to,
                                      cudaMemcpyHostToDevice),
                           d->index, "copying a batch");
}

lehr_status lehr_cuda_send_batch(const lehr_cuda *cuda, lehr_cuda_device *d,
                                 const lehr_part_data *batch)
{
    const int32_t inputs = cuda->problem->args.network.size[0], targets = d->work.targets;
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    LEHR_TRY(send_values(cuda, d, batch->inputs, batch->points, inputs, d->batch_x));
    LEHR_TRY(send_values(cuda, d, batch->targets, batch->points, targets, d->batch_y));
    d->learned = false;
    d->work = (lehr_cuda_points){.x = d->batch_x,
                                 .y = d->batch_y,
                                 .points = (int32_t)batch->points,
                                 .stride = lehr_cuda_stride(batch->points),
                                 .targets = targets};
    return LEHR_OK;
}

/* ---- Rows -------------------------------------------------------------------------------------- */

static lehr_status take_table(const lehr_cuda *cuda, lehr_cuda_device *d)
{
    const lehr_extent e = lehr_cuda_extent(cuda->table, cuda->plan.part_units);
    lehr_table *t = &d->table;
    t->parameters = cuda->table->parameters;
    t->group_count = cuda->table->group_count;
    t->moves = cuda->table->moves;
    LEHR_TRY(TAKE(d, t->group, t->group_count, "taking memory for groups"));
#define X(type, field, count) LEHR_TRY(TAKE(d, t->field, e.count, "taking memory for rows"));
    LEHR_TABLE_FIELDS(X)
#undef X
    LEHR_TRY(TAKE(d, d->row_group, e.R, "taking memory for rows"));
    LEHR_TRY(TAKE(d, d->unit_group, cuda->plan.part_units, "taking memory for copies"));
    return TAKE(d, d->unit_copy, cuda->plan.part_units, "taking memory for copies");
}

/* Of the tiled kernels: activations of a batch, sums of chunks, and for scans proposals and states. */
static lehr_status take_tiled(const lehr_cuda *cuda, lehr_cuda_device *d, int64_t rows,
                              int64_t scored)
{
    const lehr_cuda_plan *plan = &cuda->plan;
    lehr_tiled_args *t = &d->tiled;
    int64_t most = 0;
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        most = d->part[part].stride > most ? d->part[part].stride : most;
    t->even_row = most * plan->room.even;
    t->odd_row = most * plan->room.odd;
    LEHR_TRY(TAKE(d, t->even, plan->batch * t->even_row, "taking memory for activations"));
    LEHR_TRY(TAKE(d, t->odd, plan->batch * t->odd_row, "taking memory for activations"));
    LEHR_TRY(TAKE(d, t->losses, scored * lehr_chunks(most), "taking memory for sums"));
    LEHR_TRY(TAKE(d, t->hits, scored * lehr_chunks(most), "taking memory for sums"));
    if (plan->path != LEHR_PATH_TILED)
        return LEHR_OK;
    LEHR_TRY(TAKE(d, t->proposed, rows * d->table.parameters, "taking memory for proposals"));
    return TAKE(d, t->state, rows, "taking memory for rows");
}

static lehr_status take_kept(const lehr_cuda *cuda, lehr_cuda_device *d, int64_t rows)
{
    if (cuda->plan.kept_floats == 0)
        return LEHR_OK;
    d->kept.place = cuda->plan.kept_floats;
    LEHR_TRY(TAKE(d, d->kept.act, 2 * rows * d->kept.place, "taking memory for activations"));
    return TAKE(d, d->kept.side, rows, "taking memory for activations");
}

/* Of numerics fast: cuBLAS, and what it is given. */
static lehr_status take_fast(const lehr_cuda *cuda, lehr_cuda_device *d)
{
    const lehr_cuda_plan *plan = &cuda->plan;
    char *workspace = NULL;
    float *packed = NULL;
    LEHR_TRY(TAKE(d, workspace, LEHR_FAST_WORKSPACE, "taking memory for cuBLAS"));
    if (plan->packed_floats > 0)
        LEHR_TRY(TAKE(d, packed, plan->batch * plan->packed_floats, "taking memory for weights"));
    return lehr_fast_open(d->index, d->stream, workspace, packed, &d->fast);
}

static lehr_status prepare_kernels(const lehr_cuda *cuda, lehr_cuda_device *d)
{
    const lehr_cuda_plan *plan = &cuda->plan;
    const lehr_i32 P = cuda->table->parameters;
    if (plan->path == LEHR_PATH_FUSED)
        LEHR_CUDA(d,
                  lehr_scan_prepare(plan->row_threads, plan->kept_floats > 0, d->scan_kernel,
                                    lehr_scan_shared_bytes(&plan->room, P, plan->row_threads)),
                  "preparing kernels");
    if (plan->score_threads > 0)
        LEHR_CUDA(d,
                  lehr_score_prepare(plan->score_threads,
                                     lehr_score_shared_bytes(&plan->room, plan->score_threads)),
                  "preparing kernels");
    return LEHR_OK;
}

lehr_status lehr_cuda_device_open(lehr_cuda *cuda, lehr_cuda_device *d)
{
    LEHR_TRY(lehr_cuda_enter(d->index));
    LEHR_CUDA(d, cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking), "making a stream");
    LEHR_TRY(put_data(cuda, d));
    LEHR_TRY(take_table(cuda, d));
    const int64_t rows = lehr_cuda_extent(cuda->table, cuda->plan.part_units).R;
    const int64_t scored = rows > LEHR_CUDA_CANDIDATES ? rows : LEHR_CUDA_CANDIDATES;
    LEHR_TRY(TAKE(d, d->candidate, LEHR_CUDA_CANDIDATES * (int64_t)cuda->table->parameters,
                  "taking memory for scores"));
    LEHR_TRY(TAKE(d, d->score, scored, "taking memory for scores"));
    if (cuda->plan.batch > 0)
        LEHR_TRY(take_tiled(cuda, d, rows, scored));
    if (cuda->plan.fast)
        LEHR_TRY(take_fast(cuda, d));
    LEHR_TRY(take_kept(cuda, d, rows));
    LEHR_TRY(lehr_cuda_specialize(cuda, d));
    return prepare_kernels(cuda, d);
}

void lehr_cuda_device_close(lehr_cuda_device *d)
{
    if (cudaSetDevice(d->index) != cudaSuccess)
        (void)cudaGetLastError(); /* what is lost stays lost; the rest is given back all the same */
    lehr_fast_close(&d->fast);
    while (d->buffers > 0)
        (void)cudaFree(d->buffer[--d->buffers]);
    if (d->library)
        (void)cudaLibraryUnload(d->library);
    if (d->stream)
        (void)cudaStreamDestroy(d->stream);
    (void)cudaGetLastError();
    *d = (lehr_cuda_device){.index = d->index};
}
