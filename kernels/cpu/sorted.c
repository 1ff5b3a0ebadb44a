/* sorted.c: a row's own copy of the training points, those of large loss first.
 *
 * Where a whole network moves, nothing can be kept between proposals, but early rejection gains by looking at
 * the points that decide first: on two spirals at 23 % acceptance a third of them is enough (in tiles of 16
 * as they stand: a half to two thirds). Only for points that are few and have few inputs. The order is
 * nobody's contract: losses are put back to their places before they are summed.                    */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "cpu/cpu.h"

enum { FLOATS_MAX = 16384, ACCEPTS = 8, BUCKETS = 2048 };

static int64_t panels_of(const lehr_cpu *cpu)
{
    return (cpu->work.points + LEHR_PANEL - 1) / LEHR_PANEL;
}

/* Floats of one point in a row's copy: inputs, targets, and its loss. */
static int64_t point_floats(const lehr_cpu *cpu)
{
    return cpu->args->network.size[0] + cpu->work.target_count + 1;
}

int64_t lehr_sorted_bytes(const lehr_problem *problem, const lehr_table *table)
{
    const lehr_energy_args *e = &problem->args;
    const int64_t points = problem->part[LEHR_PART_TRAIN].points;
    const int64_t columns = e->network.size[0] + (lehr_loss_has_classes(e->loss) ? 1 : e->outputs) +
                            1;
    const int64_t floats = (points + LEHR_PANEL - 1) / LEHR_PANEL * LEHR_PANEL * columns;
    if (e->target != LEHR_TARGET_NETWORK || floats > FLOATS_MAX)
        return 0;
    return table->rows * (floats * (int64_t)sizeof(float) + points * (int64_t)sizeof(int32_t));
}

/* Tiles of 1, 1, 2, 4, ... panels until they are as large as they may be: most proposals are lost early. */
int32_t lehr_sorted_bound(const lehr_cpu *cpu, int32_t tile)
{
    const int32_t panels = (int32_t)panels_of(cpu), most = cpu->tile_panels;
    int32_t bound = tile > 0, next = 1;
    for (int32_t i = 1; i < tile && bound < panels; i++) {
        bound += next;
        next = 2 * next < most ? 2 * next : most;
    }
    return bound < panels ? bound : panels;
}

int32_t lehr_sorted_tiles(const lehr_cpu *cpu)
{
    int32_t tiles = 1;
    while (lehr_sorted_bound(cpu, tiles) < panels_of(cpu))
        tiles++;
    return tiles;
}

/* Columns of one point, 16 apart, from one place in panels to another. */
static void copy_point(const float *from, int64_t m, float *to, int64_t n, int32_t columns)
{
    from += m / LEHR_PANEL * columns * LEHR_PANEL + m % LEHR_PANEL;
    to += n / LEHR_PANEL * columns * LEHR_PANEL + n % LEHR_PANEL;
    for (int32_t c = 0; c < columns; c++)
        to[c * LEHR_PANEL] = from[c * LEHR_PANEL];
}

static void gather(const lehr_cpu *cpu, const lehr_known *known)
{
    const lehr_panels *all = &cpu->work;
    for (int64_t n = 0; n < all->points; n++) {
        copy_point(all->inputs, known->index[n], known->inputs, n, cpu->args->network.size[0]);
        copy_point(all->targets, known->index[n], known->targets, n, all->target_count);
    }
}

lehr_status lehr_sorted_create(lehr_cpu *cpu)
{
    const lehr_panels *all = &cpu->work;
    const int32_t rows = cpu->table->rows;
    const int64_t panel_points = panels_of(cpu) * LEHR_PANEL;
    const int64_t floats = panel_points * point_floats(cpu);
    LEHR_TRY(LEHR_NEW(cpu->sorted, (size_t)(rows * floats), "sorted points"));
    LEHR_TRY(LEHR_NEW(cpu->sorted_index, (size_t)(rows * all->points), "sorted points"));
    for (int32_t r = 0; r < rows; r++) {
        lehr_known *known = &cpu->known[r];
        known->inputs = cpu->sorted + r * floats;
        known->targets = known->inputs + panel_points * cpu->args->network.size[0];
        known->point_loss = known->targets + panel_points * all->target_count;
        known->index = cpu->sorted_index + r * all->points;
        known->part = (lehr_panels){known->inputs, known->targets, all->points, all->target_count};
        for (int64_t n = 0; n < all->points; n++)
            known->index[n] = (int32_t)n;
        gather(cpu, known);
    }
    return LEHR_OK;
}

void lehr_sorted_destroy(lehr_cpu *cpu)
{
    LEHR_FREE(cpu->sorted);
    LEHR_FREE(cpu->sorted_index);
}

void lehr_sorted_put_back(const lehr_known *known, const float *loss, float *out)
{
    for (int64_t n = 0; n < known->part.points; n++)
        out[known->index[n]] = loss[n];
}

/* Large losses have small numbers. Losses are not negative, so their bits are in order. */
static uint32_t bucket_of(float loss)
{
    uint32_t bits;
    memcpy(&bits, &loss, sizeof bits);
    return (BUCKETS - 1) - (bits >> 20) % BUCKETS;
}

/* A counting sort: what falls into one bucket, within an eighth of each other, stays as it is. */
static void sort(lehr_known *known)
{
    int32_t start[BUCKETS + 1] = {0};
    const int64_t points = known->part.points;
    for (int64_t n = 0; n < points; n++)
        start[bucket_of(known->point_loss[n]) + 1]++;
    for (int b = 0; b < BUCKETS; b++)
        start[b + 1] += start[b];
    for (int64_t n = 0; n < points; n++)
        known->index[start[bucket_of(known->point_loss[n])]++] = (int32_t)n;
}

void lehr_sorted_learn(const lehr_cpu *cpu, lehr_known *known, const float *loss)
{
    memcpy(known->point_loss, loss, (size_t)known->part.points * sizeof *loss);
    if (known->fresh && ++known->accepts < ACCEPTS)
        return;
    known->accepts = 0;
    sort(known);
    gather(cpu, known);
}
