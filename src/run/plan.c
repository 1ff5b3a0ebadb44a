/* plan.c: what a run would take, from its shape alone: no table is made and no weight drawn. */
#include <string.h>

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

static void fill_device(const lehr_run *run, lehr_plan *out)
{
    lehr_device_info device;
    run->backend->describe(run->options.device[0], &device);
    lehr_text_copy(out->backend, sizeof out->backend, device.backend);
    lehr_text_copy(out->device, sizeof out->device, device.name);
    lehr_text_copy(out->notice, sizeof out->notice, run->notice);
    out->devices = run->options.device_count > 0 ? run->options.device_count : 1;
    const bool threads = run->backend == &lehr_backend_cpu && run->options.threads > 0;
    out->units = threads ? run->options.threads : device.threads;
}

static lehr_status fill_memory(const lehr_run *run, const lehr_table *shape, lehr_plan *out)
{
    lehr_memory_plan memory;
    LEHR_TRY(run->backend->plan(&run->options, run->problem, shape, &memory));
    lehr_text_copy(out->kernels, sizeof out->kernels, memory.kernels);
    out->table_bytes = lehr_replicas_bytes(shape->group, shape->parameters);
    out->host_bytes = memory.host_bytes;
    out->kept_bytes = memory.kept_bytes;
    out->wanted_bytes = memory.wanted_bytes;
    out->device_bytes = memory.device_bytes;
    out->free_bytes = memory.free_bytes;
    out->parts = memory.parts;
    return LEHR_OK;
}

lehr_status lehr_run_plan(const lehr_run_spec *spec, const lehr_objective *objective,
                          lehr_plan *out)
{
    const lehr_backend_options options = {.threads = spec->threads};
    lehr_run run = {0};
    lehr_group group;
    lehr_table shape;
    lehr_run_prepare(&run, spec, &options, objective);
    LEHR_TRY(lehr_run_shape(&run, &group, &shape));
    LEHR_TRY(lehr_run_choose(&run, &shape));
    lehr_plan plan = {.rows = group.rows,
                      .rungs = group.rungs,
                      .copies = group.copies,
                      .parameters = shape.parameters,
                      .scans = run.last_scan == INT64_MAX ? 0 : run.last_scan,
                      .multiply_adds = multiply_adds(run.problem)};
    fill_device(&run, &plan);
    LEHR_TRY(fill_memory(&run, &shape, &plan));
    *out = plan;
    return LEHR_OK;
}
