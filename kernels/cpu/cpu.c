/* cpu.c: the CPU backend's table of operations, and how its state is made and freed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/early.h"
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
        LEHR_CHECK((unsigned)g->move[m].scope < LEHR_SCOPE_COUNT, LEHR_ERR_UNSUPPORTED,
                   "group %d: unknown scope %d", group, g->move[m].scope);
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
    lehr_known_destroy(cpu);
    lehr_pool_destroy(&cpu->pool);
    for (int part = 0; part < LEHR_PART_COUNT; part++) {
        LEHR_FREE(cpu->packed[part][0]);
        LEHR_FREE(cpu->packed[part][1]);
    }
    LEHR_FREE(cpu->batch[0]);
    LEHR_FREE(cpu->batch[1]);
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

/* Room for batches; without them proposals are weighed on the training part. */
static lehr_status make_batch(lehr_cpu *cpu, int64_t points)
{
    cpu->work = cpu->part[LEHR_PART_TRAIN];
    cpu->most_points = points > 0 ? points : cpu->work.points;
    if (points == 0)
        return LEHR_OK;
    const size_t padded = ((size_t)points + LEHR_PANEL - 1) / LEHR_PANEL * LEHR_PANEL;
    const int32_t inputs = cpu->args->network.size[0], targets = cpu->work.target_count;
    LEHR_TRY(LEHR_NEW(cpu->batch[0], padded * (size_t)inputs, "batch"));
    LEHR_TRY(LEHR_NEW(cpu->batch[1], padded * (size_t)targets, "batch"));
    cpu->work = (lehr_panels){cpu->batch[0], cpu->batch[1], points, targets};
    return LEHR_OK;
}

static lehr_status make_rows(lehr_cpu *cpu)
{
    const lehr_table *t = cpu->table;
    const size_t rows = (size_t)t->rows;
    LEHR_TRY(LEHR_NEW(cpu->row_group, rows, "groups of rows"));
    for (int32_t g = 0; g < t->group_count; g++) {
        const int32_t first = t->group[g].first_row, end = first + t->group[g].rows;
        for (int32_t row = first > 0 ? first : 0; row < end && row < t->rows; row++)
            cpu->row_group[row] = g;
    }
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

/* Bytes of activations that may be kept: half of the machine's memory unless the caller says. */
static int64_t keep_limit(const lehr_backend_options *options)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
    if (options->memory_bytes > 0)
        return options->memory_bytes;
    return pages > 0 && page > 0 ? (int64_t)pages * page / 2 : INT64_MAX;
}

/* May proposals be rejected before their energy is whole? */
static bool rejects_early(const lehr_problem *problem, const lehr_table *table)
{
    for (int32_t g = 0; g < table->group_count; g++)
        if (!lehr_rejects_early(&problem->args, &table->group[g]))
            return false;
    return true;
}

static bool delays(const lehr_table *table)
{
    for (int32_t g = 0; g < table->group_count; g++)
        if (table->group[g].delayed)
            return true;
    return false;
}

/* Points of the tiles of a run: a quarter's boundary lies between tiles. */
static int32_t run_tile(const lehr_backend_options *options, const lehr_problem *problem,
                        const lehr_table *table)
{
    const int32_t tile = options->point_tile > 0 ? options->point_tile
                                                 : choose_tile(&problem->args.network);
    return delays(table) && tile > LEHR_QUARTER ? LEHR_QUARTER : tile;
}

/* Are activations kept between proposals, with so many rooms? */
static bool keeps(const lehr_backend_options *options, const lehr_problem *problem,
                  const lehr_table *table, int32_t rooms)
{
    return !options->forget && lehr_known_wanted(problem, table) &&
           lehr_known_bytes(options, problem, table, rooms) <= keep_limit(options);
}

/* Rows that walk together: only where activations are kept, and for all of them. */
static int32_t rows_together(const lehr_backend_options *options, const lehr_problem *problem,
                             const lehr_table *table, int32_t threads)
{
    const int32_t rows = lehr_band_rows(options, problem, table, threads);
    return rows > 1 && keeps(options, problem, table, threads * rows) ? rows : 1;
}

void lehr_cpu_cut(lehr_cpu *cpu)
{
    const int32_t points = cpu->tile_panels * LEHR_PANEL;
    const int64_t N = cpu->work.points, first = lehr_quarter_count(N);
    cpu->tiles = (int32_t)((N + points - 1) / points);
    if (delays(cpu->table))
        cpu->quarter_tiles = (int32_t)((first + points - 1) / points);
}

/* Bytes of rows' own points, where a run sorts them: it rejects early, keeps nothing else, and they fit. */
static int64_t sorted_bytes(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table, bool kept)
{
    const int64_t bytes = lehr_sorted_bytes(problem, table);
    const bool early = !options->whole && rejects_early(problem, table);
    const bool free_order = !delays(table) && options->visit_seed == 0 &&
                            options->batch_points == 0;
    return early && free_order && !kept && bytes <= keep_limit(options) ? bytes : 0;
}

static lehr_status fill(lehr_cpu *cpu, const lehr_backend_options *options)
{
    const int32_t tile = run_tile(options, cpu->problem, cpu->table);
    LEHR_CHECK(tile % LEHR_PANEL == 0 && LEHR_CHUNK % tile == 0, LEHR_ERR_ARG,
               "a point tile must be a multiple of %d that divides %d, got %d", LEHR_PANEL,
               LEHR_CHUNK, tile);
    cpu->lanes = lehr_lanes_choose(options->plain);
    LEHR_TRY(pack_parts(cpu));
    LEHR_TRY(make_batch(cpu, options->batch_points));
    LEHR_TRY(make_rows(cpu));
    LEHR_TRY(lehr_pool_create(options->threads, &cpu->pool));
    cpu->scale = lehr_loss_prepare(cpu->args);
    cpu->tile_panels = tile / LEHR_PANEL;
    lehr_cpu_cut(cpu);
    cpu->early = !options->whole && rejects_early(cpu->problem, cpu->table);
    cpu->visit_seed = options->visit_seed;
    const int32_t threads = lehr_pool_threads(cpu->pool);
    cpu->together = rows_together(options, cpu->problem, cpu->table, threads);
    cpu->keeps = keeps(options, cpu->problem, cpu->table, threads * cpu->together);
    cpu->sorts = sorted_bytes(options, cpu->problem, cpu->table, cpu->keeps) > 0;
    if (cpu->sorts)
        LEHR_TRY(lehr_sorted_cut(cpu));
    return lehr_known_create(cpu);
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

/* The rooms of threads, the packed data, and what is kept. */
static lehr_status plan_cpu(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table, lehr_memory_plan *out)
{
    const lehr_network *n = &problem->args.network;
    const int32_t threads = options->threads > 0 ? options->threads : lehr_pool_cpus();
    int64_t widest = 1, values = 0;
    for (lehr_i32 l = 1; l <= n->layers; l++)
        widest = n->size[l] > widest ? n->size[l] : widest;
    for (int part = 0; part < LEHR_PART_COUNT && n->layers > 0; part++)
        values += problem->part[part].points * (n->size[0] + problem->args.outputs);
    const int64_t room = problem->args.parameters + 2 * widest * choose_tile(n) +
                         2 * problem->part[LEHR_PART_TRAIN].points;
    const bool wanted = lehr_known_wanted(problem, table) && !options->forget;
    const int32_t rooms = threads * rows_together(options, problem, table, threads);
    const int64_t kept = wanted ? lehr_known_bytes(options, problem, table, rooms) : 0;
    const bool fits = keeps(options, problem, table, rooms);
    *out = (lehr_memory_plan){
        .kept_bytes = fits ? kept : 0, .wanted_bytes = fits ? 0 : kept, .parts = 1};
    out->host_bytes = (rooms * room + values) * (int64_t)sizeof(float) + out->kept_bytes +
                      sorted_bytes(options, problem, table, wanted && fits);
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

static lehr_status batch_cpu(void *state, const lehr_part_data *data)
{
    return lehr_cpu_batch(state, data);
}

static lehr_status reweigh_cpu(void *state)
{
    const fenv_t callers = lehr_fp_enter();
    const lehr_status status = lehr_cpu_reweigh(state);
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

/* Rows are used where they are; what is known of them is known no more. */
static lehr_status push_cpu(void *state)
{
    lehr_known_forget(state);
    return LEHR_OK;
}

static lehr_status nothing(void *state)
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
    .batch = batch_cpu,
    .reweigh = reweigh_cpu,
    .slice = slice_cpu,
    .evaluate = evaluate_cpu,
    .push = push_cpu,
    .pull = nothing,
    .push_labels = nothing,
    .pull_labels = nothing,
    .threads = threads_of,
};
