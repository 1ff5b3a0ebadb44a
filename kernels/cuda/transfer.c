/* transfer.c: rows between the host's table and a device. */
#include "base/status.h"
#include "cuda/cuda.h"

/* The groups as a part's device sees them: shifted, so that indices fall on what is there. */
static void shift_groups(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    for (int32_t g = 0; g < cuda->table->group_count; g++) {
        lehr_group *group = &cuda->group[g];
        *group = cuda->table->group[g];
        group->first_row -= (lehr_i32)part->from.R;
        group->first_slot -= part->from.S;
        group->first_step -= part->from.SM;
    }
}

static lehr_status send(lehr_cuda_device *d, void *to, const void *from, int64_t bytes)
{
    if (bytes == 0)
        return LEHR_OK;
    return lehr_cuda_check(
        cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyHostToDevice, d->stream), d->index,
        "copying rows to the device");
}

static lehr_status fetch(lehr_cuda_device *d, void *to, const void *from, int64_t bytes)
{
    if (bytes == 0)
        return LEHR_OK;
    return lehr_cuda_check(
        cudaMemcpyAsync(to, from, (size_t)bytes, cudaMemcpyDeviceToHost, d->stream), d->index,
        "copying rows from the device");
}

static lehr_status send_places(lehr_cuda *cuda, lehr_cuda_device *d, const lehr_cuda_part *part)
{
    const int64_t word = sizeof(int32_t);
    LEHR_TRY(send(d, d->table.group, cuda->group,
                  cuda->table->group_count * (int64_t)sizeof *cuda->group));
    LEHR_TRY(send(d, d->row_group, cuda->row_group + part->from.R, part->size.R * word));
    LEHR_TRY(send(d, d->unit_group, cuda->unit_group + part->first_unit, part->units * word));
    return send(d, d->unit_copy, cuda->unit_copy + part->first_unit, part->units * word);
}

/* The weights are by far the most of a row. */
static lehr_extent labels_of(const lehr_cuda_part *part)
{
    lehr_extent size = part->size;
    size.RP = 0;
    return size;
}

static lehr_status send_rows(lehr_cuda *cuda, const lehr_cuda_part *part, lehr_extent size)
{
    lehr_cuda_device *d = &cuda->device[part->device];
    const lehr_table *t = cuda->table;
#define X(type, field, count)                                                                      \
    LEHR_TRY(                                                                                      \
        send(d, d->table.field, t->field + part->from.count, size.count * (int64_t)sizeof(type)));
    LEHR_TABLE_FIELDS(X)
#undef X
    return lehr_cuda_check(cudaStreamSynchronize(d->stream), d->index,
                           "copying rows to the device");
}

static lehr_status fetch_rows(lehr_cuda *cuda, const lehr_cuda_part *part, lehr_extent size)
{
    lehr_cuda_device *d = &cuda->device[part->device];
    const lehr_table *t = cuda->table;
    LEHR_ASSERT(d->at == part);
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
#define X(type, field, count)                                                                      \
    LEHR_TRY(fetch(d, t->field + part->from.count, d->table.field,                                 \
                   size.count * (int64_t)sizeof(type)));
    LEHR_TABLE_FIELDS(X)
#undef X
    return lehr_cuda_check(cudaStreamSynchronize(d->stream), d->index,
                           "copying rows from the device");
}

lehr_status lehr_cuda_upload(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    lehr_cuda_device *d = &cuda->device[part->device];
    d->at = NULL;
    d->learned = false;
    d->table.rows = (lehr_i32)part->size.R;
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    shift_groups(cuda, part);
    LEHR_TRY(send_places(cuda, d, part));
    LEHR_TRY(send_rows(cuda, part, part->size));
    d->at = part;
    return LEHR_OK;
}

/* What is kept of the weights stays true. */
lehr_status lehr_cuda_upload_labels(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    lehr_cuda_device *d = &cuda->device[part->device];
    LEHR_ASSERT(d->at == part);
    LEHR_CUDA(d, cudaSetDevice(d->index), "choosing the device");
    return send_rows(cuda, part, labels_of(part));
}

lehr_status lehr_cuda_download(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    return fetch_rows(cuda, part, part->size);
}

lehr_status lehr_cuda_download_labels(lehr_cuda *cuda, const lehr_cuda_part *part)
{
    return fetch_rows(cuda, part, labels_of(part));
}
