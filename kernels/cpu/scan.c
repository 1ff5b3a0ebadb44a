/* scan.c: slices of scans: every row proposes, weighs, decides.
 *
 * A slice is cut into stretches at the exchange scans of its groups. Inside a stretch rows do not meet, so
 * each goes through all scans of the stretch at once (threads over rows), or, when rows are few and points
 * many, one row after the other with all threads sharing its points. Both give the same bits. A user's
 * callback wants all rows at once: there the scans are outside.                                     */
#include <string.h>

#include "base/status.h"
#include "core/sum.h"
#include "core/settle.h"
#include "core/walk.h"
#include "cpu/cpu.h"

/* One row on its way through a stretch. */
typedef struct walk {
    lehr_cpu *cpu;
    const lehr_group *group;
    float *theta; /* [P] */
    lehr_walk at;
} walk;

/* A proposal of one row. */
typedef struct trial {
    lehr_proposal proposal;
    uint64_t scan;
    float *theta; /* [P] proposed */
    double log_hastings;
    lehr_energies energies;
} trial;

/* ---- One row ----------------------------------------------------------------------------------- */

static walk walk_begin(lehr_cpu *cpu, const lehr_group *g, int64_t row)
{
    const lehr_table *t = cpu->table;
    walk w = {.cpu = cpu, .group = g, .theta = t->theta + row * t->parameters};
    lehr_walk_begin(t, g, row, &w.at);
    return w;
}

static void walk_end(const walk *w)
{
    lehr_walk_end(&w->at, w->group, w->cpu->table);
}

static lehr_stream address_of(const walk *w, uint64_t scan)
{
    return lehr_row_stream(w->group->key, scan, w->at.number);
}

/* Fill the proposed weights of one row. */
static void propose(const walk *w, trial *t)
{
    const lehr_proposal *p = &t->proposal;
    const lehr_i32 P = w->cpu->args->parameters;
    if (p->picks > 0 || p->lo > 0 || p->hi < P) /* else every one is written */
        memcpy(t->theta, w->theta, (size_t)P * sizeof *t->theta);
    t->log_hastings = w->cpu->lanes->propose(p, w->cpu->args->weights, address_of(w, t->scan),
                                             w->at.sigma[p->move], w->theta, t->theta);
}

/* Write theta' over theta, where the move touched it. */
static void take(const walk *w, const trial *t)
{
    const lehr_proposal *p = &t->proposal;
    const lehr_stream a = address_of(w, t->scan);
    for (lehr_i32 j = 0; j < p->picks; j++) {
        const lehr_i32 i = lehr_pick_index(p, lehr_pick_words(a, j));
        w->theta[i] = t->theta[i];
    }
    if (p->picks == 0)
        memcpy(w->theta + p->lo, t->theta + p->lo, (size_t)(p->hi - p->lo) * sizeof *t->theta);
}

static void keep_best(walk *w, uint64_t scan)
{
    lehr_table *t = w->cpu->table;
    if (w->at.energy >= w->at.best_energy)
        return;
    const size_t P = (size_t)t->parameters;
    memcpy(t->best + (size_t)w->at.row * P, w->theta, P * sizeof *t->best);
    w->at.best_energy = w->at.energy;
    t->best_scan[w->at.row] = (int64_t)scan + 1;
}

static void decide(walk *w, const trial *t)
{
    const lehr_lanes *lanes = w->cpu->lanes;
    const double beta = w->group->scheduled ? lanes->cooling_beta(w->group, t->scan) : w->at.beta;
    const lehr_question question = {beta, t->energies.energy - w->at.energy,
                                    t->energies.prior - w->at.prior, t->log_hastings,
                                    address_of(w, t->scan)};
    const lehr_decision d = lanes->decide(&question);
    lehr_walk_count(&w->at, t->proposal.move, d);
    if (!d.accept)
        return;
    w->at.energy = t->energies.energy;
    w->at.prior = t->energies.prior;
    take(w, t);
    keep_best(w, t->scan);
}

/* ---- Threads over rows ------------------------------------------------------------------------- */

/* Scans [from,to) of every row. */
typedef struct stretch {
    lehr_cpu *cpu;
    uint64_t from, to;
} stretch;

static const lehr_group *group_of(const lehr_cpu *cpu, int64_t row)
{
    return &cpu->table->group[cpu->row_group[row]];
}

static void walk_row(void *data, int32_t worker, int64_t row)
{
    const stretch *s = data;
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    trial t = {.theta = s->cpu->scratch[worker].proposed};
    for (t.scan = s->from; t.scan < s->to; t.scan++) {
        t.proposal = lehr_propose(w.group, s->cpu->args, t.scan);
        propose(&w, &t);
        t.energies = lehr_cpu_energy(s->cpu, worker, t.theta);
        decide(&w, &t);
    }
    walk_end(&w);
}

/* ---- Threads over the points of one row --------------------------------------------------------- */

/* The dense proposal of one row, in pieces of whole noise groups. */
typedef struct piece_work {
    const walk *walk;
    const trial *trial;
    lehr_i32 size;
} piece_work;

static void propose_piece(void *data, int32_t worker, int64_t piece)
{
    (void)worker;
    const piece_work *work = data;
    const walk *w = work->walk;
    const trial *t = work->trial;
    lehr_proposal p = t->proposal;
    const int64_t from = piece * work->size, to = from + work->size;
    p.lo = from > p.lo ? (lehr_i32)from : p.lo;
    p.hi = to < p.hi ? (lehr_i32)to : p.hi;
    if (p.lo < p.hi)
        w->cpu->lanes->propose(&p, w->cpu->args->weights, address_of(w, t->scan),
                               w->at.sigma[p.move], w->theta, t->theta);
}

enum { NOISE_GROUP = 128, PIECE_WORTH_THREADS = 4096 };

static void propose_shared(const walk *w, trial *t)
{
    const lehr_i32 P = w->cpu->args->parameters;
    if (t->proposal.picks > 0 || t->proposal.lo > 0 || t->proposal.hi < P ||
        P < PIECE_WORTH_THREADS) {
        propose(w, t);
        return;
    }
    const lehr_i32 threads = lehr_pool_threads(w->cpu->pool);
    const lehr_i32 size = (P / threads / NOISE_GROUP + 1) * NOISE_GROUP;
    piece_work work = {w, t, size};
    t->log_hastings = 0.0;
    lehr_pool_run(w->cpu->pool, (P + size - 1) / size, propose_piece, &work);
}

static void walk_row_shared(const stretch *s, int64_t row)
{
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    trial t = {.theta = s->cpu->scratch[0].proposed};
    for (t.scan = s->from; t.scan < s->to; t.scan++) {
        t.proposal = lehr_propose(w.group, s->cpu->args, t.scan);
        propose_shared(&w, &t);
        t.energies = lehr_cpu_energy_shared(s->cpu, t.theta);
        decide(&w, &t);
    }
    walk_end(&w);
}

static int shares_points(const lehr_cpu *cpu)
{
    return cpu->args->target == LEHR_TARGET_NETWORK &&
           cpu->table->rows < lehr_pool_threads(cpu->pool) &&
           lehr_chunks(cpu->part[LEHR_PART_TRAIN].points) > 1;
}

/* ---- A user's callback -------------------------------------------------------------------------- */

static trial callback_trial(lehr_cpu *cpu, int64_t row, uint64_t scan)
{
    trial t = {.proposal = lehr_propose(group_of(cpu, row), cpu->args, scan),
               .scan = scan,
               .theta = cpu->proposed + row * cpu->table->parameters,
               .log_hastings = cpu->log_hastings[row]};
    return t;
}

static void callback_propose(void *data, int32_t worker, int64_t row)
{
    (void)worker;
    const stretch *s = data;
    const walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    trial t = callback_trial(s->cpu, row, s->from);
    propose(&w, &t);
    s->cpu->log_hastings[row] = t.log_hastings;
}

static void callback_decide(void *data, int32_t worker, int64_t row)
{
    (void)worker;
    const stretch *s = data;
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    trial t = callback_trial(s->cpu, row, s->from);
    t.energies = lehr_cpu_energy_from(s->cpu, s->cpu->energy[row], t.theta);
    decide(&w, &t);
    walk_end(&w);
}

/* One scan of all rows; when the callback fails the table is as it was before this scan. */
static lehr_status callback_scan(lehr_cpu *cpu, uint64_t scan)
{
    const lehr_table *t = cpu->table;
    stretch s = {cpu, scan, scan + 1};
    lehr_pool_run(cpu->pool, t->rows, callback_propose, &s);
    LEHR_TRY(cpu->problem->callback(cpu->proposed, t->rows, t->parameters, cpu->energy,
                                    cpu->problem->callback_data));
    lehr_pool_run(cpu->pool, t->rows, callback_decide, &s);
    return LEHR_OK;
}

/* ---- Slices ------------------------------------------------------------------------------------ */

static lehr_status explore(lehr_cpu *cpu, uint64_t from, uint64_t to)
{
    stretch s = {cpu, from, to};
    if (cpu->args->target == LEHR_TARGET_CALLBACK) {
        for (uint64_t scan = from; scan < to; scan++)
            LEHR_TRY(callback_scan(cpu, scan));
        return LEHR_OK;
    }
    if (!shares_points(cpu)) {
        lehr_pool_run(cpu->pool, cpu->table->rows, walk_row, &s);
        return LEHR_OK;
    }
    for (int64_t row = 0; row < cpu->table->rows; row++)
        walk_row_shared(&s, row);
    return LEHR_OK;
}

lehr_status lehr_cpu_slice(lehr_cpu *cpu, uint64_t scan, uint64_t scans)
{
    const lehr_table *t = cpu->table;
    for (const uint64_t end = scan + scans; scan < end;) {
        const uint64_t next = lehr_stretch_end(t, scan, end);
        LEHR_TRY(explore(cpu, scan, next));
        for (int32_t g = 0; g < t->group_count; g++)
            if (lehr_settles(&t->group[g], next - 1))
                lehr_cpu_settle(cpu, &t->group[g], next - 1);
        scan = next;
    }
    return LEHR_OK;
}
