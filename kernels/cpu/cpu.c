/* cpu.c: the CPU backend's table of operations, and how its state is made and freed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "core/sum.h"
#include "cpu/cpu.h"

const lehr_lanes *lehr_lanes_choose(int plain)
{
#if defined(__x86_64__)
    if (!plain && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        return &lehr_lanes_v3;
#endif
    (void)plain;
    return &lehr_lanes_plain;
}

/* ---- What runs --------------------------------------------------------------------------------- */

static int32_t device_count(const char **reason)
{
    (void)reason;
    return 1;
}

/* "model name : ..." of /proc/cpuinfo; false where there is none. */
static bool read_model_name(char *out, size_t capacity)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return false;
    char line[512];
    bool found = false;
    while (!found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        const char *name = colon + 1 + strspn(colon + 1, " \t");
        snprintf(out, capacity, "%.*s", (int)strcspn(name, "\n"), name);
        found = true;
    }
    fclose(file);
    return found;
}

static void describe(int32_t device, lehr_device_info *out)
{
    (void)device;
    *out = (lehr_device_info){.backend = "cpu", .name = "CPU", .usable = true};
    read_model_name(out->name, sizeof out->name);
    snprintf(out->detail, sizeof out->detail, "%s", lehr_lanes_choose(0)->detail);
    out->threads = lehr_pool_cpus();
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
    out->memory_bytes = pages > 0 && page > 0 ? (int64_t)pages * page : 0;
}

static lehr_status check_network(const lehr_problem *problem)
{
    const lehr_energy_args *e = &problem->args;
    const lehr_network *n = &e->network;
    LEHR_CHECK(n->layers >= 1 && n->layers <= LEHR_CORE_LAYERS_MAX, LEHR_ERR_UNSUPPORTED,
               "a network needs 1 to %d layers, got %d", LEHR_CORE_LAYERS_MAX, n->layers);
    LEHR_CHECK(n->offset[n->layers] == e->parameters && n->size[n->layers] == e->outputs,
               LEHR_ERR_UNSUPPORTED,
               "the network has %d parameters and %d outputs, the problem %d and %d",
               n->offset[n->layers], n->size[n->layers], e->parameters, e->outputs);
    LEHR_CHECK(problem->part[LEHR_PART_TRAIN].points > 0, LEHR_ERR_UNSUPPORTED,
               "a network needs training points");
    LEHR_CHECK((unsigned)e->loss < LEHR_LOSS_COUNT, LEHR_ERR_UNSUPPORTED, "unknown loss %d",
               e->loss);
    return LEHR_OK;
}

static lehr_status check_target(const lehr_problem *problem)
{
    const lehr_energy_args *e = &problem->args;
    LEHR_CHECK(e->parameters >= 1, LEHR_ERR_UNSUPPORTED, "there are no parameters");
    switch (e->target) {
    case LEHR_TARGET_NETWORK: return check_network(problem);
    case LEHR_TARGET_CALLBACK:
        LEHR_CHECK(problem->callback, LEHR_ERR_UNSUPPORTED, "target callback needs a function");
        return LEHR_OK;
    case LEHR_TARGET_SPINS:
        LEHR_CHECK(e->side >= 2 && (int64_t)e->side * e->side == e->parameters,
                   LEHR_ERR_UNSUPPORTED, "spins of side %d are not %d parameters", e->side,
                   e->parameters);
        return LEHR_OK;
    case LEHR_TARGET_QUADRATIC:
    case LEHR_TARGET_MIXTURE: return LEHR_OK;
    default: return lehr_fail(LEHR_ERR_UNSUPPORTED, "unknown target %d", e->target);
    }
}

static lehr_status check_group(const lehr_group *g, lehr_i32 weights, int32_t group)
{
    LEHR_CHECK(g->rungs >= 1 && g->copies >= 1 && g->every >= 1 &&
                   (int64_t)g->rungs * g->copies == g->rows,
               LEHR_ERR_UNSUPPORTED, "group %d: %d rungs x %d copies are not %d rows", group,
               g->rungs, g->copies, g->rows);
    LEHR_CHECK(g->moves >= 1 && g->moves <= LEHR_CORE_MOVES_MAX, LEHR_ERR_UNSUPPORTED,
               "group %d: %d moves, but 1 to %d can be", group, g->moves, LEHR_CORE_MOVES_MAX);
    for (int32_t m = 0; m < g->moves; m++) {
        const bool flip = g->move[m].kind == LEHR_MOVE_FLIP;
        LEHR_CHECK((unsigned)g->move[m].kind < LEHR_MOVE_COUNT, LEHR_ERR_UNSUPPORTED,
                   "group %d: unknown move %d", group, g->move[m].kind);
        LEHR_CHECK(!flip || weights != LEHR_WEIGHTS_REAL, LEHR_ERR_UNSUPPORTED,
                   "flip moves need binary or ternary weights");
        LEHR_CHECK(flip || weights == LEHR_WEIGHTS_REAL, LEHR_ERR_UNSUPPORTED,
                   "binary and ternary weights need flip moves");
    }
    return LEHR_OK;
}

static lehr_status supports(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table)
{
    LEHR_CHECK(options->numerics == LEHR_NUMERICS_EXACT, LEHR_ERR_UNSUPPORTED,
               "numerics: fast needs the CUDA backend");
    LEHR_TRY(check_target(problem));
    for (int32_t g = 0; g < table->group_count; g++)
        LEHR_TRY(check_group(&table->group[g], problem->args.weights, g));
    return LEHR_OK;
}

/* ---- Open and close ---------------------------------------------------------------------------- */

static void close_cpu(void **state)
{
    lehr_cpu *cpu = *state;
    if (!cpu)
        return;
    lehr_pool_destroy(&cpu->pool);
    for (int32_t i = 0; i < cpu->scratch_count; i++)
        lehr_scratch_destroy(&cpu->scratch[i]);
    LEHR_FREE(cpu->scratch);
    for (int part = 0; part < LEHR_PART_COUNT; part++) {
        LEHR_FREE(cpu->packed[part][0]);
        LEHR_FREE(cpu->packed[part][1]);
    }
    LEHR_FREE(cpu->row_group);
    LEHR_FREE(cpu->energy);
    LEHR_FREE(cpu->prior);
    LEHR_FREE(cpu->log_hastings);
    LEHR_FREE(cpu->proposed);
    LEHR_FREE(cpu->chunk);
#if defined(LEHR_PLANTS)
    LEHR_FREE(cpu->stale);
#endif
    LEHR_FREE(*state);
}

static lehr_status pack_parts(lehr_cpu *cpu)
{
    const lehr_energy_args *e = cpu->args;
    if (e->target != LEHR_TARGET_NETWORK)
        return LEHR_OK;
    int64_t chunks = 0;
    for (int part = 0; part < LEHR_PART_COUNT; part++) {
        LEHR_TRY(lehr_pack_part(&cpu->problem->part[part], e->network.size[0],
                                lehr_loss_has_classes(e->loss) ? 1 : e->outputs, cpu->packed[part],
                                &cpu->part[part]));
        const int64_t needed = lehr_chunks(cpu->part[part].points);
        chunks = needed > chunks ? needed : chunks;
    }
    return LEHR_NEW(cpu->chunk, (size_t)chunks, "sums of chunks");
}

static lehr_status make_rows(lehr_cpu *cpu)
{
    const lehr_table *t = cpu->table;
    const size_t rows = (size_t)t->rows;
    LEHR_TRY(LEHR_NEW(cpu->row_group, rows, "groups of rows"));
    for (int32_t g = 0; g < t->group_count; g++)
        for (int32_t row = 0; row < t->group[g].rows; row++)
            cpu->row_group[t->group[g].first_row + row] = g;
    LEHR_TRY(LEHR_NEW(cpu->energy, rows, "energies"));
    LEHR_TRY(LEHR_NEW(cpu->prior, rows, "energies"));
#if defined(LEHR_PLANTS)
    LEHR_TRY(LEHR_NEW(cpu->stale, rows, "energies"));
#endif
    if (cpu->args->target != LEHR_TARGET_CALLBACK)
        return LEHR_OK;
    LEHR_TRY(LEHR_NEW(cpu->log_hastings, rows, "Hastings terms"));
    return LEHR_NEW(cpu->proposed, rows * (size_t)t->parameters, "proposed weights");
}

static lehr_status make_scratch(lehr_cpu *cpu, int32_t tile)
{
    const int32_t threads = lehr_pool_threads(cpu->pool);
    LEHR_TRY(LEHR_NEW(cpu->scratch, (size_t)threads, "thread scratch"));
    for (int32_t i = 0; i < threads; i++) {
        LEHR_TRY(lehr_scratch_create(cpu->args->parameters, tile, &cpu->args->network,
                                     &cpu->scratch[i]));
        cpu->scratch_count++;
    }
    return LEHR_OK;
}

/* Points of a tile: the most, up to 256, whose activations of two layers stay within 128 kB. Small nets gain
 * from long loops, wide ones lose their weights from L2.                                            */
static int32_t choose_tile(const lehr_network *network)
{
    int32_t widest = 1, tile = 256;
    for (lehr_i32 l = 1; l <= network->layers; l++)
        widest = network->size[l] > widest ? network->size[l] : widest;
    while (tile > 64 && (int64_t)tile * widest > 16384)
        tile /= 2;
    return tile;
}

static lehr_status fill(lehr_cpu *cpu, const lehr_backend_options *options)
{
    const int32_t tile = options->point_tile > 0 ? options->point_tile
                                                 : choose_tile(&cpu->args->network);
    LEHR_CHECK(tile % LEHR_PANEL == 0 && LEHR_CHUNK % tile == 0, LEHR_ERR_ARG,
               "a point tile must be a multiple of %d that divides %d, got %d", LEHR_PANEL,
               LEHR_CHUNK, tile);
    cpu->lanes = lehr_lanes_choose(options->plain);
    LEHR_TRY(pack_parts(cpu));
    LEHR_TRY(make_rows(cpu));
    LEHR_TRY(lehr_pool_create(options->threads, &cpu->pool));
    return make_scratch(cpu, tile);
}

static lehr_status open_cpu(const lehr_backend_options *options, const lehr_problem *problem,
                            lehr_table *table, void **out)
{
    lehr_cpu *cpu = NULL;
    LEHR_TRY(LEHR_NEW(cpu, 1, "CPU backend"));
    cpu->problem = problem;
    cpu->args = &problem->args;
    cpu->table = table;
    void *state = cpu;
    const lehr_status status = fill(cpu, options);
    if (status != LEHR_OK) {
        close_cpu(&state);
        return status;
    }
    *out = state;
    return LEHR_OK;
}

/* The rooms of threads and the packed data. */
static lehr_status plan_cpu(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table, lehr_memory_plan *out)
{
    (void)table;
    const lehr_network *n = &problem->args.network;
    const int64_t threads = options->threads > 0 ? options->threads : lehr_pool_cpus();
    int64_t widest = 1, values = 0;
    for (lehr_i32 l = 1; l <= n->layers; l++)
        widest = n->size[l] > widest ? n->size[l] : widest;
    for (int part = 0; part < LEHR_PART_COUNT && n->layers > 0; part++)
        values += problem->part[part].points * (n->size[0] + problem->args.outputs);
    const int64_t room = problem->args.parameters + 2 * widest * choose_tile(n);
    *out = (lehr_memory_plan){.host_bytes = (threads * room + values) * (int64_t)sizeof(float),
                              .parts = 1};
    snprintf(out->kernels, sizeof out->kernels, "%s", lehr_lanes_choose(options->plain)->detail);
    return LEHR_OK;
}

/* ---- The table --------------------------------------------------------------------------------- */

static lehr_status start_cpu(void *state)
{
    const fenv_t callers = lehr_fp_enter();
    const lehr_status status = lehr_cpu_start(state);
    lehr_fp_leave(&callers);
    return status;
}

static lehr_status slice_cpu(void *state, uint64_t scan, uint64_t scans)
{
    const fenv_t callers = lehr_fp_enter();
    const lehr_status status = lehr_cpu_slice(state, scan, scans);
    lehr_fp_leave(&callers);
    return status;
}

static lehr_status evaluate_cpu(void *state, lehr_part part, const float *theta, int32_t rows,
                                lehr_evaluation *out)
{
    const fenv_t callers = lehr_fp_enter();
    const lehr_status status = lehr_cpu_evaluate(state, part, theta, rows, out);
    lehr_fp_leave(&callers);
    return status;
}

/* Rows are used where they are. */
static lehr_status stay(void *state)
{
    (void)state;
    return LEHR_OK;
}

static int32_t threads_of(const void *state)
{
    return lehr_pool_threads(((const lehr_cpu *)state)->pool);
}

const lehr_backend lehr_backend_cpu = {
    .name = "cpu",
    .device_count = device_count,
    .describe = describe,
    .supports = supports,
    .plan = plan_cpu,
    .open = open_cpu,
    .close = close_cpu,
    .start = start_cpu,
    .slice = slice_cpu,
    .evaluate = evaluate_cpu,
    .push = stay,
    .pull = stay,
    .threads = threads_of,
};
