/* sorted.c: a row's own copy of the training points, those of large loss first.
 *
 * Where a whole network moves, nothing can be kept between proposals, but early rejection gains by looking at
 * the points that decide first: on two spirals at 24 % acceptance a third of them is enough, 0.336 in the mean
 * (in tiles of 16 as they stand: a half to two thirds; sorted exactly after every acceptance: 0.331). Only
 * for points that are few and have few inputs. The order is nobody's contract: losses are put back to their
 * places before they are summed.
 *
 * Historical note: sorting only after every eighth acceptance: 0.377. By moving averages of all proposals'
 * losses, rejected ones too: 0.360.                                                                 */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "cpu/cpu.h"

enum { FLOATS_MAX = 16384, ACCEPTS = 32, BUCKETS = 256 };

static int64_t panels_of(const lehr_cpu *cpu)
{
    return (cpu->work.points + LEHR_PANEL - 1) / LEHR_PANEL;
}

/* Floats of one point in a row's copy: inputs and targets. */
static int64_t point_floats(const lehr_cpu *cpu)
{
    return cpu->args->network.size[0] + cpu->work.target_count;
}

int64_t lehr_sorted_bytes(const lehr_problem *problem, const lehr_table *table)
{
    const lehr_energy_args *e = &problem->args;
    const int64_t points = problem->part[LEHR_PART_TRAIN].points;
    const int64_t columns = e->network.size[0] + (lehr_loss_has_classes(e->loss) ? 1 : e->outputs);
    const int64_t padded = (points + LEHR_PANEL - 1) / LEHR_PANEL * LEHR_PANEL;
    if (e->target != LEHR_TARGET_NETWORK || padded * columns > FLOATS_MAX)
        return 0;
    return table->rows * padded * (columns * (int64_t)sizeof(float) + (int64_t)sizeof(lehr_u32));
}

/* Tiles of 1, 1, 2 panels, then as large as they may be: on two spirals six proposals of ten are lost in the
 * first, and what survives four panels is nearly always accepted.                                   */
lehr_status lehr_sorted_cut(lehr_cpu *cpu)
{
    const int32_t panels = (int32_t)panels_of(cpu), most = cpu->tile_panels;
    LEHR_TRY(LEHR_NEW(cpu->bound, (size_t)panels + 1, "tiles"));
    int32_t tiles = 0;
    for (int32_t at = 0; at < panels; tiles++) {
        const int32_t want = at < 4 ? (at > 0 ? at : 1) : most, next = want < most ? want : most;
        at = panels - at < next ? panels : at + next;
        cpu->bound[tiles + 1] = at;
    }
    cpu->tiles = tiles;
    return LEHR_OK;
}

/* Columns of one point, 16 apart, from one place in panels to another. */
static void copy_point(const float *from, int64_t m, float *to, int64_t n, int32_t columns)
{
    from += m / LEHR_PANEL * columns * LEHR_PANEL + m % LEHR_PANEL;
    to += n / LEHR_PANEL * columns * LEHR_PANEL + n % LEHR_PANEL;
    for (int32_t c = 0; c < columns; c++)
        to[c * LEHR_PANEL] = from[c * LEHR_PANEL];
}

static void gather(const lehr_cpu *cpu, const lehr_pile *pile)
{
    const lehr_panels *all = &cpu->work;
    for (int64_t n = 0; n < all->points; n++) {
        copy_point(all->inputs, pile->index[n], pile->inputs, n, pile->input_count);
        copy_point(all->targets, pile->index[n], pile->targets, n, pile->target_count);
    }
}

lehr_status lehr_sorted_create(lehr_cpu *cpu)
{
    const lehr_panels *all = &cpu->work;
    const int32_t rows = cpu->table->rows, inputs = cpu->args->network.size[0];
    const int64_t padded = panels_of(cpu) * LEHR_PANEL, floats = padded * point_floats(cpu);
    LEHR_TRY(LEHR_NEW(cpu->sorted, (size_t)(rows * floats), "sorted points"));
    LEHR_TRY(LEHR_NEW(cpu->sorted_index, (size_t)(rows * padded), "sorted points"));
    for (int32_t r = 0; r < rows; r++) {
        float *own = cpu->sorted + r * floats;
        const lehr_pile pile = {.inputs = own,
                                .targets = own + padded * inputs,
                                .index = cpu->sorted_index + r * padded,
                                .input_count = inputs,
                                .target_count = all->target_count,
                                .points = all->points};
        for (int64_t n = 0; n < all->points; n++)
            pile.index[n] = (lehr_u32)n;
        gather(cpu, &pile);
        cpu->known[r].pile = pile;
        cpu->known[r].part = (lehr_panels){pile.inputs, pile.targets, all->points,
                                           all->target_count};
    }
    return LEHR_OK;
}

void lehr_sorted_destroy(lehr_cpu *cpu)
{
    LEHR_FREE(cpu->bound);
    LEHR_FREE(cpu->sorted);
    LEHR_FREE(cpu->sorted_index);
}

void lehr_sorted_put_back(const lehr_known *known, const float *loss, float *out)
{
    for (int64_t n = 0; n < known->pile.points; n++)
        out[known->pile.index[n]] = loss[n];
}

/* Large losses have small numbers: their exponents, backwards. */
static uint32_t bucket_of(float loss)
{
    uint32_t bits;
    memcpy(&bits, &loss, sizeof bits);
    return (BUCKETS - 1) - (bits >> 23) % BUCKETS;
}

/* A counting sort: what falls into one bucket, within a factor of 2, stays as it is. */
static void sort(const lehr_pile *pile, const float *loss)
{
    int32_t start[BUCKETS + 1] = {0};
    for (int64_t n = 0; n < pile->points; n++)
        start[bucket_of(loss[n]) + 1]++;
    for (int b = 0; b < BUCKETS; b++)
        start[b + 1] += start[b];
    for (int64_t n = 0; n < pile->points; n++)
        pile->index[start[bucket_of(loss[n])]++] = (lehr_u32)n;
}

void lehr_sorted_learn(const lehr_cpu *cpu, lehr_known *known, float *loss, const float *put_back)
{
    if (!known->fresh || ++known->accepts == ACCEPTS) {
        known->accepts = 0;
        sort(&known->pile, put_back);
        gather(cpu, &known->pile);
        return;
    }
    for (int64_t n = known->pile.points; n < panels_of(cpu) * LEHR_PANEL; n++)
        loss[n] = -1.0f; /* what is no point stays behind */
    cpu->lanes->rise(&known->pile, loss);
}
