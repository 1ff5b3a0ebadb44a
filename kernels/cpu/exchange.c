/* exchange.c: what happens between stretches of scans: step sizes adapt, neighboring rungs trade places. */
#include <string.h>

#include "core/adapt.h"
#include "cpu/cpu.h"

/* One group at one exchange scan. */
typedef struct settling {
    lehr_cpu *cpu;
    const lehr_group *group;
    uint64_t scan;
} settling;

/* ---- Step sizes -------------------------------------------------------------------------------- */

static void adapt_slot(lehr_table *t, const lehr_group *g, int32_t slot, const double *sum,
                       const int32_t *count)
{
    for (int32_t m = 0; m < g->moves; m++) {
        const int64_t step = g->first_step + (int64_t)slot * g->moves + m;
        if (!g->move[m].adapt || count[m] == 0)
            continue;
        const double gain = lehr_adapt_gain(g, ++t->step_updates[step]);
        t->log_step[step] = lehr_adapt_log_step(t->log_step[step], gain, sum[m] / count[m],
                                                g->move[m].target);
    }
}

/* Each rung learns from the row that held it; what rows have added up starts anew. */
static void adapt_copy(const settling *s, int32_t copy)
{
    const lehr_group *g = s->group;
    lehr_table *t = s->cpu->table;
    for (int32_t rung = 0; rung < g->rungs; rung++) {
        const int32_t slot = copy * g->rungs + rung;
        const int64_t row = g->first_row + t->slot_row[g->first_slot + slot];
        double *sum = &t->alpha_sum[row * t->moves];
        int32_t *count = &t->alpha_count[row * t->moves];
        if (s->scan + 1 <= g->adapt_scans)
            adapt_slot(t, g, slot, sum, count);
        memset(sum, 0, (size_t)t->moves * sizeof *sum);
        memset(count, 0, (size_t)t->moves * sizeof *count);
    }
}

/* ---- Swaps ------------------------------------------------------------------------------------- */

/* Energy of a row that a swap is decided by. */
static double swap_energy(const lehr_cpu *cpu, int64_t row)
{
#if defined(LEHR_PLANTS)
    if (LEHR_PLANTED(SWAP_STALE))
        return cpu->stale[row];
#endif
    return cpu->table->energy[row];
}

static void trade(const lehr_cpu *cpu, const lehr_group *g, int32_t slot)
{
    lehr_table *t = cpu->table;
    int32_t *holder = &t->slot_row[g->first_slot + slot];
    const int32_t cold = holder[0], hot = holder[1];
    holder[0] = hot;
    holder[1] = cold;
    t->rung[g->first_row + hot]--;
    t->rung[g->first_row + cold]++;
    if (LEHR_PLANTED(SWAP_COPY)) {
        const size_t P = (size_t)t->parameters;
        const size_t first = (size_t)g->first_row;
        const size_t from = first + (size_t)hot, to = first + (size_t)cold;
        memcpy(t->theta + to * P, t->theta + from * P, P * sizeof *t->theta);
        t->energy[to] = t->energy[from];
        t->prior[to] = t->prior[from];
    }
}

/* The pair (rung, rung+1) of a copy. */
static void attempt(const settling *s, int32_t copy, int32_t rung)
{
    const lehr_group *g = s->group;
    lehr_table *t = s->cpu->table;
    const int32_t slot = copy * g->rungs + rung;
    const int32_t *holder = &t->slot_row[g->first_slot + slot];
    const double *beta = &t->beta[g->first_beta + rung];
    const double ratio = lehr_swap_log_ratio(beta[0], beta[1],
                                             swap_energy(s->cpu, g->first_row + holder[0]),
                                             swap_energy(s->cpu, g->first_row + holder[1]));
    t->swap_sum[g->first_slot + slot] += lehr_probability(ratio);
    t->swap_count[g->first_slot + slot]++;
    if (ratio >= lehr_swap_ln_u(g->key, s->scan, copy, rung))
        trade(s->cpu, g, slot);
}

static void follow_trips(lehr_table *t, const lehr_group *g, int32_t copy)
{
    const int32_t *holder = &t->slot_row[g->first_slot + (int64_t)copy * g->rungs];
    for (int32_t rung = 0; rung < g->rungs; rung += g->rungs - 1) {
        const int64_t row = g->first_row + holder[rung];
        t->trips[row] += lehr_round_trip(&t->direction[row], rung, g->rungs);
    }
}

static void exchange_copy(const settling *s, int32_t copy)
{
    const lehr_group *g = s->group;
    for (int32_t rung = lehr_exchange_parity(g, s->scan, copy); rung + 1 < g->rungs; rung += 2)
        attempt(s, copy, rung);
    follow_trips(s->cpu->table, g, copy);
}

/* ---- Both -------------------------------------------------------------------------------------- */

static void settle_copy(void *data, int32_t worker, int64_t copy)
{
    (void)worker;
    const settling *s = data;
    adapt_copy(s, (int32_t)copy);
    if (s->group->exchange != LEHR_EXCHANGE_NONE && s->group->rungs > 1)
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
