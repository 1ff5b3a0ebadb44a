/* known.c: what is kept of every row between proposals, and the rooms of threads.
 *
 * Activations of all layers stand in one allocation of rows + rooms slots. A thread writes a proposal's
 * into a slot of its own; when the proposal is accepted it trades pointers with the row, layer by layer, so
 * nothing is copied.                                                                                */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "core/sum.h"
#include "cpu/cpu.h"

/* The most points that proposals are weighed on. */
static int64_t most_points(const lehr_backend_options *options, const lehr_problem *problem)
{
    return options->batch_points > 0 ? options->batch_points
                                     : problem->part[LEHR_PART_TRAIN].points;
}

static int64_t panels_of(int64_t points)
{
    return (points + LEHR_PANEL - 1) / LEHR_PANEL;
}

/* Floats of one slot. */
static int64_t slot_floats(const lehr_network *n, int64_t points)
{
    int64_t units = 0;
    for (lehr_i32 l = 1; l <= n->layers; l++)
        units += n->size[l];
    return units * panels_of(points) * LEHR_PANEL;
}

int64_t lehr_known_bytes(const lehr_backend_options *options, const lehr_problem *problem,
                         const lehr_table *table, int32_t rooms)
{
    const int64_t slot = slot_floats(&problem->args.network, most_points(options, problem));
    return ((int64_t)table->rows + rooms) * slot * (int64_t)sizeof(float);
}

bool lehr_known_wanted(const lehr_problem *problem, const lehr_table *table)
{
    if (problem->args.target != LEHR_TARGET_NETWORK)
        return false;
    for (int32_t g = 0; g < table->group_count; g++)
        for (int32_t m = 0; m < table->group[g].moves; m++) {
            const lehr_move_args *move = &table->group[g].move[m];
            if (move->scope != LEHR_SCOPE_ALL || lehr_move_picks(move) > 0)
                return true;
        }
    return false;
}

/* ---- Threads ------------------------------------------------------------------------------------ */

static int32_t widest_layer(const lehr_network *n)
{
    int32_t widest = 1;
    for (lehr_i32 l = 1; l <= n->layers; l++)
        widest = n->size[l] > widest ? n->size[l] : widest;
    return widest;
}

/* The two tiles of `swing` at `floats`, and pointers for layers. */
static lehr_status make_pointers(const lehr_network *n, int32_t panels, float *floats,
                                 lehr_scratch *out)
{
    const int64_t tile = (int64_t)widest_layer(n) * panels * LEHR_PANEL;
    const size_t layers = n->layers > 0 ? (size_t)n->layers : 1;
    LEHR_TRY(LEHR_NEW(out->act, 3 * layers, "thread scratch"));
    out->swing = out->act;
    out->spare = out->act + layers;
    out->view = out->act + 2 * layers;
    for (size_t l = 0; l < layers; l++)
        out->swing[l] = floats + (int64_t)(l % 2) * tile;
    return LEHR_OK;
}

lehr_status lehr_scratch_create(const lehr_network *network, int32_t panels, lehr_scratch *out)
{
    const int64_t tile = (int64_t)widest_layer(network) * panels * LEHR_PANEL;
    LEHR_TRY(LEHR_NEW(out->block, (size_t)(2 * tile), "thread scratch"));
    return make_pointers(network, panels, out->block, out);
}

void lehr_scratch_destroy(lehr_scratch *scratch)
{
    LEHR_FREE(scratch->block);
    LEHR_FREE(scratch->act);
    LEHR_FREE(scratch->seen);
}

static lehr_status make_scratch(const lehr_cpu *cpu, lehr_scratch *out)
{
    const lehr_network *n = &cpu->args->network;
    const int64_t theta = lehr_padded(cpu->args->parameters);
    const int64_t points = panels_of(cpu->most_points) * LEHR_PANEL;
    const int64_t tile = (int64_t)widest_layer(n) * cpu->tile_panels * LEHR_PANEL;
    LEHR_TRY(LEHR_NEW(out->block, (size_t)(theta + 2 * points + 2 * tile), "thread scratch"));
    out->proposed = out->block;
    out->loss = out->proposed + theta;
    out->column = out->loss + points;
    LEHR_TRY(LEHR_NEW(out->seen, (size_t)cpu->tiles + 1, "thread scratch"));
    return make_pointers(n, cpu->tile_panels, out->column + points, out);
}

static lehr_status make_threads(lehr_cpu *cpu)
{
    const int32_t rooms = lehr_pool_threads(cpu->pool) * cpu->together;
    LEHR_TRY(LEHR_NEW(cpu->scratch, (size_t)rooms, "thread scratch"));
    for (int32_t i = 0; i < rooms; i++) {
        cpu->scratch_count++;
        LEHR_TRY(make_scratch(cpu, &cpu->scratch[i]));
    }
    return LEHR_OK;
}

/* ---- Rows --------------------------------------------------------------------------------------- */

static void deal_slot(const lehr_network *n, int64_t floats_per_unit, float *slot, float **act)
{
    for (lehr_i32 l = 0; l < n->layers; l++) {
        act[l] = slot;
        slot += floats_per_unit * n->size[l + 1];
    }
}

static lehr_status keep_activations(lehr_cpu *cpu)
{
    const lehr_network *n = &cpu->args->network;
    const int64_t points = cpu->most_points, slot = slot_floats(n, points);
    const int64_t unit = panels_of(points) * LEHR_PANEL;
    const int32_t rows = cpu->table->rows, rooms = cpu->scratch_count;
    size_t floats;
    LEHR_CHECK(lehr_size_mul((size_t)slot, (size_t)rows + (size_t)rooms, &floats), LEHR_ERR_ARG,
               "the activations of %d rows are too many", rows);
    LEHR_TRY(LEHR_NEW(cpu->kept, floats, "activations"));
    LEHR_TRY(LEHR_NEW(cpu->known_act, (size_t)rows * (size_t)n->layers, "activations"));
    for (int32_t r = 0; r < rows; r++) {
        cpu->known[r].act = cpu->known_act + (int64_t)r * n->layers;
        deal_slot(n, unit, cpu->kept + r * slot, cpu->known[r].act);
    }
    for (int32_t i = 0; i < rooms; i++)
        deal_slot(n, unit, cpu->kept + (rows + i) * slot, cpu->scratch[i].spare);
    return LEHR_OK;
}

/* First order: as they stand, the quarter's tiles before the others where a run looks at them first. */
static void first_order(const lehr_cpu *cpu, int32_t *order)
{
    int32_t at = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = 0; i < cpu->tiles; i++) {
            const int64_t point = (int64_t)i * cpu->tile_panels * LEHR_PANEL;
            const bool first = cpu->quarter_tiles > 0 && point / LEHR_QUARTER % 4 == 0;
            if (first == (pass == 0))
                order[at++] = i;
        }
}

static void shuffle(int32_t *order, int32_t count, uint32_t state)
{
    for (int32_t i = count - 1; i > 0; i--) {
        state = state * 1664525u + 1013904223u;
        const int32_t other = (int32_t)((state >> 8) % (uint32_t)(i + 1)), mine = order[i];
        order[i] = order[other];
        order[other] = mine;
    }
}

void lehr_known_order(lehr_cpu *cpu)
{
    for (int32_t r = 0; r < cpu->table->rows; r++) {
        int32_t *order = cpu->known[r].order;
        first_order(cpu, order);
        if (cpu->visit_seed) {
            shuffle(order, cpu->quarter_tiles, cpu->visit_seed + (uint32_t)r);
            shuffle(order + cpu->quarter_tiles, cpu->tiles - cpu->quarter_tiles,
                    cpu->visit_seed - (uint32_t)r);
        }
    }
}

static lehr_status make_rows(lehr_cpu *cpu)
{
    const size_t rows = (size_t)cpu->table->rows, tiles = (size_t)cpu->tiles;
    LEHR_TRY(LEHR_NEW(cpu->known, rows, "replicas"));
    if (tiles == 0)
        return LEHR_OK;
    LEHR_TRY(LEHR_NEW(cpu->known_order, rows * tiles, "orders of tiles"));
    LEHR_TRY(LEHR_NEW(cpu->known_loss, rows * tiles, "losses of tiles"));
    for (size_t r = 0; r < rows; r++) {
        lehr_known *known = &cpu->known[r];
        known->order = cpu->known_order + r * tiles;
        known->loss = cpu->known_loss + r * tiles;
    }
    lehr_known_order(cpu);
    if (cpu->keeps)
        return keep_activations(cpu);
    return cpu->sorts ? lehr_sorted_create(cpu) : LEHR_OK;
}

lehr_status lehr_known_create(lehr_cpu *cpu)
{
    LEHR_TRY(make_threads(cpu));
    LEHR_TRY(lehr_band_create(cpu));
    return make_rows(cpu);
}

void lehr_known_destroy(lehr_cpu *cpu)
{
    for (int32_t i = 0; i < cpu->scratch_count; i++)
        lehr_scratch_destroy(&cpu->scratch[i]);
    LEHR_FREE(cpu->scratch);
    LEHR_FREE(cpu->known);
    LEHR_FREE(cpu->known_act);
    LEHR_FREE(cpu->kept);
    LEHR_FREE(cpu->known_order);
    LEHR_FREE(cpu->known_loss);
    lehr_sorted_destroy(cpu);
    lehr_band_destroy(cpu);
}

void lehr_known_forget(lehr_cpu *cpu)
{
    for (int32_t r = 0; r < cpu->table->rows; r++)
        cpu->known[r].fresh = false;
}
