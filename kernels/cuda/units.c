/* units.c: the copies of a table, and where their arrays lie.
 *
 * A table may be what one of several processes sees of a larger one: of its first and of its last copy it then
 * has perhaps some rows only, of some groups none. The slots of a copy are always there, all of them.      */
#include "cuda/cuda.h"

bool lehr_cuda_next_unit(const lehr_table *table, lehr_cuda_unit *unit)
{
    for (unit->copy = unit->next; unit->group < table->group_count; unit->group++, unit->copy = 0) {
        const lehr_group *g = &table->group[unit->group];
        const int32_t least = g->first_row < 0 ? -g->first_row / g->rungs : 0;
        unit->copy = unit->copy > least ? unit->copy : least;
        const int64_t first = g->first_row + (int64_t)unit->copy * g->rungs;
        const int64_t end = first + g->rungs < table->rows ? first + g->rungs : table->rows;
        if (unit->copy >= g->copies || first >= end)
            continue;
        unit->row = first > 0 ? (int32_t)first : 0;
        unit->rows = (int32_t)end - unit->row;
        unit->whole = unit->rows == g->rungs;
        unit->next = unit->copy + 1;
        return true;
    }
    return false;
}

int32_t lehr_cuda_count_units(const lehr_table *table)
{
    int32_t units = 0;
    for (lehr_cuda_unit u = {0}; lehr_cuda_next_unit(table, &u);)
        units++;
    return units;
}

lehr_extent lehr_cuda_place(const lehr_table *table, const lehr_cuda_unit *unit)
{
    const lehr_group *g = &table->group[unit->group];
    const int64_t row = unit->row, slot = (int64_t)unit->copy * g->rungs;
    return (lehr_extent){.R = row,
                         .RP = row * table->parameters,
                         .RM = row * table->moves,
                         .S = g->first_slot + slot,
                         .SM = g->first_step + slot * g->moves};
}

lehr_extent lehr_cuda_size(const lehr_table *table, const lehr_cuda_unit *unit)
{
    const lehr_group *g = &table->group[unit->group];
    const int64_t rows = unit->rows, slots = g->rungs;
    return (lehr_extent){.R = rows,
                         .RP = rows * table->parameters,
                         .RM = rows * table->moves,
                         .S = slots,
                         .SM = slots * g->moves};
}

int64_t lehr_cuda_temperatures(const lehr_table *table)
{
    int64_t count = 0;
    for (int32_t g = 0; g < table->group_count; g++) {
        const int64_t end = table->group[g].first_beta + table->group[g].rungs;
        count = end > count ? end : count;
    }
    return count;
}

void lehr_cuda_add(lehr_extent *to, lehr_extent more, int64_t times)
{
    to->R += times * more.R;
    to->RP += times * more.RP;
    to->RM += times * more.RM;
    to->S += times * more.S;
    to->SM += times * more.SM;
    to->B += times * more.B;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static lehr_extent most_of(lehr_extent a, lehr_extent b)
{
    return (lehr_extent){.R = larger(a.R, b.R),
                         .RP = larger(a.RP, b.RP),
                         .RM = larger(a.RM, b.RM),
                         .S = larger(a.S, b.S),
                         .SM = larger(a.SM, b.SM)};
}

/* A window of so many copies that moves over all of them. */
lehr_extent lehr_cuda_extent(const lehr_table *table, int32_t units)
{
    lehr_extent window = {0}, most = {0};
    lehr_cuda_unit front = {0}, back = {0};
    for (int32_t i = 0; lehr_cuda_next_unit(table, &front); i++) {
        lehr_cuda_add(&window, lehr_cuda_size(table, &front), 1);
        if (i >= units && lehr_cuda_next_unit(table, &back))
            lehr_cuda_add(&window, lehr_cuda_size(table, &back), -1);
        most = most_of(most, window);
    }
    most.B = lehr_cuda_temperatures(table);
    return most;
}
