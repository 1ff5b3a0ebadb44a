/* exchange.c: what happens between stretches of scans: step sizes adapt, neighboring rungs trade places. */
#include <string.h>

#include "core/settle.h"
#include "cpu/cpu.h"

/* One group at one exchange scan. */
typedef struct settling {
    lehr_cpu *cpu;
    const lehr_group *group;
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

static void settle_copy(void *data, int32_t worker, int64_t copy)
{
    (void)worker;
    const settling *s = data;
    const lehr_group *g = s->group;
    const int64_t first = g->first_row + copy * g->rungs;
    if (!is_here(s->cpu, first, g->rungs))
        return;
    lehr_settle_copy(s->cpu->table, g, s->scan, (int32_t)copy, swap_energies(s->cpu));
#if defined(LEHR_PLANTS)
    memcpy(s->cpu->stale + first, s->cpu->table->energy + first,
           (size_t)g->rungs * sizeof *s->cpu->stale);
#endif
}

/* Copies are independent: many rows are worth waking the pool. */
enum { ROWS_WORTH_THREADS = 512 };

void lehr_cpu_settle(lehr_cpu *cpu, const lehr_group *group, uint64_t scan)
{
    settling s = {cpu, group, scan};
    if (group->rows >= ROWS_WORTH_THREADS)
        lehr_pool_run(cpu->pool, group->copies, settle_copy, &s);
    for (int32_t copy = 0; group->rows < ROWS_WORTH_THREADS && copy < group->copies; copy++)
        settle_copy(&s, 0, copy);
}
