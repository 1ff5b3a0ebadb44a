/* exchange.c: what happens between stretches of scans: step sizes adapt, neighboring rungs trade places. */
#include <string.h>

#include "core/settle.h"
#include "cpu/cpu.h"

/* All groups at one scan. */
typedef struct settling {
    lehr_cpu *cpu;
    uint64_t scan;
} settling;

/* Energies that swaps are decided by. */
static const double *swap_energies(const lehr_cpu *cpu)
{
#if defined(LEHR_PLANTS)
    if (LEHR_PLANTED(SWAP_STALE))
        return cpu->stale;
#endif
    return cpu->table->energy;
}

/* Are all rows of a copy in the table? A copy that is cut is its owners' to settle. */
static bool is_here(const lehr_cpu *cpu, int64_t first, int32_t rungs)
{
    return first >= 0 && first + rungs <= cpu->table->rows;
}

static void settle_copy(const settling *s, const lehr_group *g, int64_t copy)
{
    const int64_t first = g->first_row + copy * g->rungs;
    if (!is_here(s->cpu, first, g->rungs))
        return;
    lehr_settle_copy(s->cpu->table, g, s->scan, (int32_t)copy, swap_energies(s->cpu));
#if defined(LEHR_PLANTS)
    memcpy(s->cpu->stale + first, s->cpu->table->energy + first,
           (size_t)g->rungs * sizeof *s->cpu->stale);
#endif
}

/* Copies are independent: many rows, of whichever groups, are worth waking the pool. */
enum { STRIP_ROWS = 64, ROWS_WORTH_THREADS = 512 };

/* The copies that begin in a strip of rows. */
static void settle_strip(void *data, int32_t worker, int64_t strip)
{
    (void)worker;
    const settling *s = data;
    const lehr_table *t = s->cpu->table;
    const int64_t first = strip * STRIP_ROWS, left = t->rows - first;
    for (int64_t row = first; row < first + (left < STRIP_ROWS ? left : STRIP_ROWS); row++) {
        const lehr_group *g = &t->group[s->cpu->row_group[row]];
        const int64_t inside = row - g->first_row;
        if (inside % g->rungs == 0 && lehr_settles(g, s->scan))
            settle_copy(s, g, inside / g->rungs);
    }
}

static bool any_settles(const lehr_table *t, uint64_t scan)
{
    for (int32_t g = 0; g < t->group_count; g++)
        if (lehr_settles(&t->group[g], scan))
            return true;
    return false;
}

void lehr_cpu_settle(lehr_cpu *cpu, uint64_t scan)
{
    settling s = {cpu, scan};
    const int64_t rows = cpu->table->rows, strips = (rows + STRIP_ROWS - 1) / STRIP_ROWS;
    if (!any_settles(cpu->table, scan))
        return;
    if (rows >= ROWS_WORTH_THREADS)
        lehr_pool_run(cpu->pool, strips, settle_strip, &s);
    for (int64_t strip = 0; rows < ROWS_WORTH_THREADS && strip < strips; strip++)
        settle_strip(&s, 0, strip);
}
