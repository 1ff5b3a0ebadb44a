/* plan.c: what runs would take, from its shape alone: no table is made and no weight drawn. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "model/objective.h"
#include "run/replicas.h"
#include "run/run.h"

static int64_t multiply_adds(const lehr_problem *problem)
{
    const lehr_network *n = &problem->args.network;
    int64_t weights = 0;
    for (lehr_i32 l = 0; l < n->layers; l++)
        weights += (int64_t)n->size[l] * n->size[l + 1];
    return weights * problem->part[LEHR_PART_TRAIN].points;
}

static void fill_device(const lehr_pack *pack, lehr_plan *out)
{
    lehr_device_info device;
    pack->backend->describe(pack->options.device[0], &device);
    lehr_text_copy(out->backend, sizeof out->backend, device.backend);
    lehr_text_copy(out->device, sizeof out->device, device.name);
    lehr_text_copy(out->notice, sizeof out->notice, pack->notice);
    out->devices = pack->options.device_count > 0 ? pack->options.device_count : 1;
    const bool threads = pack->backend == &lehr_backend_cpu && pack->options.threads > 0;
    out->units = threads ? pack->options.threads : device.threads;
}

static lehr_status fill_memory(const lehr_pack *pack, const lehr_table *shape, lehr_plan *out)
{
    lehr_memory_plan memory;
    LEHR_TRY(pack->backend->plan(&pack->options, pack->problem, shape, &memory));
    lehr_text_copy(out->kernels, sizeof out->kernels, memory.kernels);
    out->table_bytes = lehr_replicas_bytes(shape);
    out->host_bytes = memory.host_bytes;
    out->kept_bytes = memory.kept_bytes;
    out->wanted_bytes = memory.wanted_bytes;
    out->device_bytes = memory.device_bytes;
    out->free_bytes = memory.free_bytes;
    out->parts = memory.parts;
    return LEHR_OK;
}

static int64_t longest(const lehr_pack *pack)
{
    int64_t scans = 0;
    for (int32_t i = 0; i < pack->count; i++)
        scans = pack->run[i].last_scan > scans ? pack->run[i].last_scan : scans;
    return scans == INT64_MAX ? 0 : scans;
}

static lehr_status plan_pack(lehr_pack *pack, lehr_group *groups, lehr_plan *out)
{
    lehr_table shape;
    LEHR_TRY(lehr_pack_shape(pack, groups, &shape));
    LEHR_TRY(lehr_pack_choose(pack, &shape));
    lehr_plan plan = {.rows = shape.rows,
                      .rungs = groups[0].rungs,
                      .copies = groups[0].copies,
                      .parameters = shape.parameters,
                      .scans = longest(pack),
                      .multiply_adds = multiply_adds(pack->problem)};
    fill_device(pack, &plan);
    LEHR_TRY(fill_memory(pack, &shape, &plan));
    *out = plan;
    return LEHR_OK;
}

lehr_status lehr_pack_plan(const lehr_run_spec *specs, int32_t count,
                           const lehr_objective *objective, lehr_plan *out)
{
    lehr_pack *pack = NULL;
    lehr_group *groups = NULL;
    LEHR_TRY(lehr_pack_new(specs, count, &(lehr_backend_options){.threads = specs->threads},
                           objective, &pack));
    lehr_status status = LEHR_NEW(groups, (size_t)count, "groups");
    if (status == LEHR_OK)
        status = plan_pack(pack, groups, out);
    LEHR_FREE(groups);
    lehr_pack_destroy(&pack);
    return status;
}

lehr_status lehr_run_plan(const lehr_run_spec *spec, const lehr_objective *objective,
                          lehr_plan *out)
{
    return lehr_pack_plan(spec, 1, objective, out);
}
