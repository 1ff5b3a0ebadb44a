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
#include "cpu/cpu.h"

/* One row on its way through a stretch. */
typedef struct walk {
    lehr_cpu *cpu;
    const lehr_group *group;
    float *theta;  /* [P] */
    bool mirrored; /* the trial's weights equal theta */
    bool at_best;  /* so does the row's best */
    lehr_walk at;
    bool same;              /* the run makes the same move at every scan: */
    lehr_proposal proposal; /* this one */
} walk;

/* ---- One row ----------------------------------------------------------------------------------- */

/* Is there nothing to choose: neither a move nor a layer or unit for it? */
static bool is_same(const lehr_group *g)
{
    const lehr_i32 scope = g->move[0].scope;
    return g->moves == 1 && (scope == LEHR_SCOPE_ALL || scope == LEHR_SCOPE_SPARSE);
}

static walk walk_begin(lehr_cpu *cpu, const lehr_group *g, int64_t row)
{
    const lehr_table *t = cpu->table;
    walk w = {.cpu = cpu, .group = g, .theta = t->theta + row * t->parameters, .same = is_same(g)};
    lehr_walk_begin(t, g, row, &w.at);
    if (w.same)
        w.proposal = lehr_propose(g, cpu->args, 0);
    return w;
}

static void walk_end(const walk *w)
{
    lehr_walk_end(&w->at, w->group, w->cpu->table);
}

/* Begin a trial where it stands: what is to be filled in is not cleared, and nothing is copied. */
static void trial_begin(const walk *w, uint64_t scan, float *proposed, lehr_trial *t)
{
    t->proposal = w->same ? w->proposal : lehr_propose(w->group, w->cpu->args, scan);
    lehr_draft *d = &t->draft;
    d->proposal = &t->proposal;
    d->weights = w->cpu->args->weights;
    d->address = lehr_row_stream(w->group->key, scan, w->at.number);
    d->sigma = w->cpu->lanes->step(&w->at, w->group, t->proposal.move, scan);
    d->from = 0;
    d->to = t->proposal.count;
    d->theta = w->theta;
    d->proposed = proposed;
    t->touch = t->proposal.touch;
    t->log_hastings = t->quarter = 0.0;
    t->shared = false;
}

static bool is_whole(const walk *w, const lehr_proposal *p)
{
    return p->picks == 0 && p->count == w->cpu->args->parameters;
}

/* Before a proposal that does not write every parameter the others must stand there. */
static void mirror(walk *w, const lehr_trial *t)
{
    const bool whole = is_whole(w, &t->proposal);
    if (!whole && !w->mirrored)
        memcpy(t->draft.proposed, w->theta, (size_t)w->cpu->args->parameters * sizeof(float));
    w->mirrored = !whole;
}

/* Picks say where evaluation starts. */
static void aim_picks(const lehr_cpu *cpu, lehr_trial *t)
{
    if (t->proposal.picks == 0 || cpu->args->target != LEHR_TARGET_NETWORK)
        return;
    const lehr_network *n = &cpu->args->network;
    t->touch = lehr_touch_of(n, t->draft.picked[0]);
    for (lehr_i32 j = 1; j < t->proposal.picks; j++)
        t->touch = lehr_touch_both(t->touch, lehr_touch_of(n, t->draft.picked[j]));
}

static void propose(walk *w, lehr_trial *t)
{
    mirror(w, t);
    t->log_hastings = w->cpu->lanes->propose(&t->draft);
    aim_picks(w->cpu, t);
}

static void copy_span(lehr_span s, const float *from, float *to)
{
    if (s.stride == 1) {
        memcpy(to + s.first, from + s.first, (size_t)s.count * sizeof *to);
        return;
    }
    for (lehr_i32 n = 0; n < s.count; n++)
        to[s.first + n * s.stride] = from[s.first + n * s.stride];
}

/* Copy the parameters that a trial may have changed. */
static void copy_touched(const lehr_trial *t, const float *from, float *to)
{
    const lehr_proposal *p = &t->proposal;
    for (lehr_i32 j = 0; j < p->picks; j++)
        to[t->draft.picked[j]] = from[t->draft.picked[j]];
    if (p->picks > 0)
        return;
    copy_span(p->a, from, to);
    copy_span(p->b, from, to);
    copy_span(p->c, from, to);
}

static void keep_best(walk *w, const lehr_trial *t)
{
    const lehr_table *table = w->cpu->table;
    const size_t P = (size_t)table->parameters;
    float *best = table->best + (size_t)w->at.row * P;
    const bool better = w->at.energy < w->at.best_energy;
    if (better && w->at_best)
        copy_touched(t, w->theta, best);
    else if (better)
        memcpy(best, w->theta, P * sizeof *best);
    w->at_best = better;
    if (!better)
        return;
    w->at.best_energy = w->at.energy;
    table->best_scan[w->at.row] = (int64_t)t->draft.address.scan + 1;
}

static void settle(walk *w, const lehr_trial *t, lehr_decision d)
{
    lehr_walk_count(&w->at, t->proposal.move, d);
    if (d.accept) {
        w->at.energy = t->energies.energy;
        w->at.prior = t->energies.prior;
        w->at.quarter = t->quarter;
        copy_touched(t, t->draft.proposed, w->theta);
        keep_best(w, t);
    } else if (!is_whole(w, &t->proposal)) {
        copy_touched(t, w->theta, t->draft.proposed);
    }
}

static lehr_decision decide(const walk *w, const lehr_trial *t)
{
    const lehr_question q = w->cpu->lanes->question(&w->at, w->group, t->draft.address,
                                                    t->log_hastings, t->energies);
    return w->cpu->lanes->decide(&q);
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

static void know_row(lehr_cpu *cpu, int32_t worker, int64_t row)
{
    double quarter;
    if (cpu->args->target == LEHR_TARGET_NETWORK && !cpu->known[row].fresh)
        lehr_cpu_learn(cpu, worker, row, &quarter);
}

static void step_row(walk *w, int32_t worker, uint64_t scan)
{
    lehr_trial t;
    lehr_scratch *room = lehr_cpu_room(w->cpu, worker);
    trial_begin(w, scan, room->proposed, &t);
    propose(w, &t);
    if (w->cpu->args->target == LEHR_TARGET_NETWORK) {
        settle(w, &t, lehr_cpu_judge(w->cpu, room, &w->at, w->group, &t));
    } else {
        t.energies = lehr_cpu_energy(w->cpu, t.draft.proposed);
        settle(w, &t, decide(w, &t));
    }
}

static void walk_row(void *data, int32_t worker, int64_t row)
{
    const stretch *s = data;
    if (lehr_rests(group_of(s->cpu, row), s->from))
        return;
    know_row(s->cpu, worker, row);
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    for (uint64_t scan = s->from; scan < s->to; scan++)
        step_row(&w, worker, scan);
    walk_end(&w);
}

/* ---- Threads over bands of rows ------------------------------------------------------------------ */

/* Do all of them move one and the same unit over the inputs? */
static bool moves_one_unit(const lehr_trial *t, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (t[i].touch.layer != 0 || t[i].touch.unit < 0 || t[i].touch.unit != t[0].touch.unit)
            return false;
    return true;
}

static void step_band(walk *w, int32_t worker, int32_t count, uint64_t scan)
{
    lehr_cpu *cpu = w->cpu;
    lehr_scratch *room = lehr_cpu_room(cpu, worker);
    lehr_trial t[LEHR_TOGETHER_MAX];
    lehr_decision d[LEHR_TOGETHER_MAX];
    const lehr_walk *at[LEHR_TOGETHER_MAX];
    for (int32_t i = 0; i < count; i++) {
        trial_begin(&w[i], scan, room[i].proposed, &t[i]);
        propose(&w[i], &t[i]);
        at[i] = &w[i].at;
    }
    if (moves_one_unit(t, count))
        lehr_cpu_judge_band(cpu, worker, at, t, count, d);
    else
        for (int32_t i = 0; i < count; i++)
            d[i] = lehr_cpu_judge(cpu, &room[i], at[i], w->group, &t[i]);
    for (int32_t i = 0; i < count; i++)
        settle(&w[i], &t[i], d[i]);
}

static void walk_band(void *data, int32_t worker, int64_t number)
{
    const stretch *s = data;
    const lehr_band band = s->cpu->band[number];
    walk w[LEHR_TOGETHER_MAX];
    for (int32_t i = 0; i < band.count; i++) {
        know_row(s->cpu, worker, band.first + i);
        w[i] = walk_begin(s->cpu, group_of(s->cpu, band.first), band.first + i);
    }
    for (uint64_t scan = s->from; scan < s->to; scan++)
        step_band(w, worker, band.count, scan);
    for (int32_t i = 0; i < band.count; i++)
        walk_end(&w[i]);
}

/* ---- Threads over the points of one row --------------------------------------------------------- */

/* The dense proposal of one row, in pieces of whole noise groups. */
typedef struct piece_work {
    const lehr_cpu *cpu;
    const lehr_trial *trial;
    lehr_i32 size;
} piece_work;

static void propose_piece(void *data, int32_t worker, int64_t piece)
{
    (void)worker;
    const piece_work *work = data;
    lehr_draft draft = work->trial->draft;
    draft.from = (lehr_i32)(piece * work->size);
    draft.to = draft.from + work->size < draft.to ? draft.from + work->size : draft.to;
    work->cpu->lanes->propose(&draft);
}

enum { NOISE_GROUP = 128, PIECE_WORTH_THREADS = 4096 };

static void propose_shared(walk *w, lehr_trial *t)
{
    const lehr_i32 count = t->proposal.count;
    if (t->proposal.picks > 0 || count < PIECE_WORTH_THREADS) {
        propose(w, t);
        return;
    }
    mirror(w, t);
    const lehr_i32 threads = lehr_pool_threads(w->cpu->pool);
    const lehr_i32 size = (count / threads / NOISE_GROUP + 1) * NOISE_GROUP;
    piece_work work = {w->cpu, t, size};
    lehr_pool_run(w->cpu->pool, (count + size - 1) / size, propose_piece, &work);
}

static void walk_row_shared(const stretch *s, int64_t row)
{
    if (lehr_rests(group_of(s->cpu, row), s->from))
        return;
    know_row(s->cpu, 0, row);
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    for (uint64_t scan = s->from; scan < s->to; scan++) {
        lehr_trial t;
        trial_begin(&w, scan, s->cpu->scratch[0].proposed, &t);
        t.shared = true;
        propose_shared(&w, &t);
        settle(&w, &t, lehr_cpu_judge(s->cpu, s->cpu->scratch, &w.at, w.group, &t));
    }
    walk_end(&w);
}

static int shares_points(const lehr_cpu *cpu)
{
    return cpu->args->target == LEHR_TARGET_NETWORK &&
           cpu->table->rows < lehr_pool_threads(cpu->pool) && lehr_chunks(cpu->work.points) > 1;
}

/* ---- A user's callback -------------------------------------------------------------------------- */

static void callback_trial(const walk *w, uint64_t scan, lehr_trial *t)
{
    lehr_cpu *cpu = w->cpu;
    trial_begin(w, scan, cpu->proposed + w->at.row * cpu->table->parameters, t);
    t->log_hastings = cpu->log_hastings[w->at.row];
}

static void callback_propose(void *data, int32_t worker, int64_t row)
{
    (void)worker;
    const stretch *s = data;
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    lehr_trial t;
    callback_trial(&w, s->from, &t);
    propose(&w, &t);
    s->cpu->log_hastings[row] = t.log_hastings;
}

/* Which parameters were picked is worked out a second time. */
static void callback_decide(void *data, int32_t worker, int64_t row)
{
    (void)worker;
    const stretch *s = data;
    walk w = walk_begin(s->cpu, group_of(s->cpu, row), row);
    lehr_trial t;
    callback_trial(&w, s->from, &t);
    for (lehr_i32 j = 0; j < t.proposal.picks; j++)
        t.draft.picked[j] = lehr_pick_index(&t.proposal, lehr_pick_words(t.draft.address, j));
    t.energies = lehr_cpu_energy_from(s->cpu, s->cpu->energy[row], t.draft.proposed);
    settle(&w, &t, decide(&w, &t));
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
        const bool together = cpu->together > 1;
        lehr_pool_run(cpu->pool, together ? cpu->bands : cpu->table->rows,
                      together ? walk_band : walk_row, &s);
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
        lehr_cpu_settle(cpu, next - 1);
        scan = next;
    }
    return LEHR_OK;
}
