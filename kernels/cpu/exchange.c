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

static void exchange_copy(const settling *s, int32_t copy)
{
    const lehr_group *g = s->group;
    const lehr_table *t = s->cpu->table;
    const int32_t first = lehr_exchange_parity(g, s->scan, copy);
    for (int32_t rung = first; rung + 1 < g->rungs; rung += 2)
        lehr_settle_pair(t, g, s->scan, copy * g->rungs + rung, swap_energies(s->cpu));
    lehr_settle_trips(t, g, copy);
}

static void settle_copy(void *data, int32_t worker, int64_t copy)
{
    (void)worker;
    const settling *s = data;
    const lehr_group *g = s->group;
    for (int32_t rung = 0; rung < g->rungs; rung++)
        lehr_settle_steps(s->cpu->table, g, s->scan, (int32_t)copy * g->rungs + rung);
    if (lehr_exchanges(g))
        exchange_copy(s, (int32_t)copy);
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
#if defined(LEHR_PLANTS)
    memcpy(cpu->stale + group->first_row, cpu->table->energy + group->first_row,
           (size_t)group->rows * sizeof *cpu->stale);
#endif
}
