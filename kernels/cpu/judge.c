/* judge.c: proposals of a network: weighed over the points, decided, and known if accepted.
 *
 * A proposal starts at the layer or unit that it touches; what lies below stands in the row's activations. The
 * points are visited tile by tile; where losses are never negative, a proposal is rejected as soon as its
 * energy can only be too high. Every path gives the decision, and when accepted the energies, of one
 * full pass in the defined order.                                                                    */
#include <stdatomic.h>
#include <string.h>

#include "core/early.h"
#include "core/sum.h"
#include "cpu/cpu.h"

typedef struct judging {
    lehr_cpu *cpu;
    const lehr_walk *walk;
    lehr_trial *trial;
    lehr_scratch *scratch; /* of the thread that judges */
    lehr_known *known;
    lehr_pass pass;
    lehr_sizes sizes;
    lehr_question question; /* its `de` is to be filled in */
    int32_t visited;        /* tiles, in the row's order */
    double some;            /* sum of their losses, in double */
    bool shared;
} judging;

/* ---- Points ------------------------------------------------------------------------------------ */

static lehr_tile tile_of(const lehr_cpu *cpu, const lehr_known *known, int32_t number)
{
    const lehr_panels *part = &cpu->work;
    if (cpu->sorts) {
        const int32_t from = cpu->bound[number];
        return (lehr_tile){&known->part, from, cpu->bound[number + 1] - from};
    }
    const int64_t first = (int64_t)number * cpu->tile_panels;
    const int64_t left = (part->points + LEHR_PANEL - 1) / LEHR_PANEL - first;
    return (lehr_tile){part, first, (int32_t)(left < cpu->tile_panels ? left : cpu->tile_panels)};
}

/* Points of a tile, without the padding. */
static int tile_points(const lehr_tile *tile)
{
    const int64_t left = tile->part->points - tile->panel * LEHR_PANEL;
    const int64_t all = (int64_t)tile->count * LEHR_PANEL;
    return (int)(left < all ? left : all);
}

/* Losses of one tile; their sum. */
static double visit(const judging *j, lehr_scratch *scratch, int32_t number)
{
    const lehr_cpu *cpu = j->cpu;
    const lehr_tile tile = tile_of(cpu, j->known, number);
    float *loss = j->scratch->loss + tile.panel * LEHR_PANEL;
    lehr_pass pass = j->pass;
    if (!cpu->keeps) {
        pass.act = scratch->swing;
        pass.first = tile.panel;
    }
    cpu->lanes->losses(cpu->args, &tile, &pass, loss);
    j->scratch->seen[number] = 1;
    return cpu->early ? cpu->lanes->sum_some(loss, tile_points(&tile)) : 0.0;
}

static double energy_of(const judging *j, double loss_sum, int64_t points)
{
    return lehr_loss_energy(j->cpu->args, j->sizes, loss_sum, points);
}

/* Can nothing that is not yet visited save the proposal? */
static bool is_lost(const judging *j, double some)
{
    lehr_question q = j->question;
    q.de = energy_of(j, lehr_sum_floor(some), j->cpu->work.points) - j->walk->energy;
    const lehr_decision d = j->cpu->lanes->decide(&q);
    return d.finite && !d.accept;
}

static bool visit_alone(judging *j, int32_t end, bool early)
{
    while (j->visited < end) {
        j->some += visit(j, j->scratch, j->known->order[j->visited++]);
        if (early && j->visited < j->cpu->tiles && is_lost(j, j->some))
            return false;
    }
    return true;
}

/* The same by all threads: which tiles are visited before the end may differ, the decision may not. */
typedef struct crowd {
    judging *j;
    _Atomic double some;
    atomic_bool lost;
    bool early;
} crowd;

static void visit_item(void *data, int32_t worker, int64_t item)
{
    crowd *c = data;
    if (atomic_load_explicit(&c->lost, memory_order_relaxed))
        return;
    judging *j = c->j;
    const double more = visit(j, lehr_cpu_room(j->cpu, worker), j->known->order[j->visited + item]);
    double before = atomic_load(&c->some);
    while (!atomic_compare_exchange_weak(&c->some, &before, before + more))
        ;
    if (c->early && is_lost(j, before + more))
        atomic_store_explicit(&c->lost, true, memory_order_relaxed);
}

static bool visit_together(judging *j, int32_t end, bool early)
{
    crowd c = {.j = j, .some = j->some, .early = early};
    lehr_pool_run(j->cpu->pool, end - j->visited, visit_item, &c);
    j->visited = end;
    j->some = c.some;
    return !c.lost;
}

/* Visit tiles up to the end-th of the order; false: the proposal is lost, which is only seen when early. */
static bool visit_until(judging *j, int32_t end, bool early)
{
    return j->shared ? visit_together(j, end, early) : visit_alone(j, end, early);
}

static double quarter_energy(const judging *j)
{
    return energy_of(j, lehr_cpu_quarter_sum(j->cpu, j->scratch->loss),
                     lehr_quarter_count(j->cpu->work.points));
}

static double whole_energy(const judging *j)
{
    const int64_t points = j->cpu->work.points;
    const float *loss = j->scratch->loss;
    if (j->cpu->sorts) {
        lehr_sorted_put_back(j->known, loss, j->scratch->column);
        loss = j->scratch->column;
    }
    return energy_of(j, lehr_cpu_sum(j->cpu, loss, points), points);
}

/* ---- What is known ----------------------------------------------------------------------------- */

/* The tiles of a stretch of the order, those of large loss first. */
static void sort_order(const lehr_known *known, int32_t from, int32_t to)
{
    int32_t *order = known->order;
    for (int32_t i = from + 1; i < to; i++) {
        const int32_t tile = order[i];
        int32_t at = i;
        for (; at > from && known->loss[order[at - 1]] < known->loss[tile]; at--)
            order[at] = order[at - 1];
        order[at] = tile;
    }
}

static void know_losses(const judging *j)
{
    const lehr_cpu *cpu = j->cpu;
    if (cpu->sorts)
        lehr_sorted_learn(cpu, j->known, j->scratch->loss, j->scratch->column);
    if (!cpu->early || cpu->visit_seed || cpu->sorts)
        return;
    for (int32_t i = 0; i < cpu->tiles; i++) {
        const lehr_tile tile = tile_of(cpu, j->known, i);
        j->known->loss[i] = cpu->lanes->sum_some(j->scratch->loss + tile.panel * LEHR_PANEL,
                                                 tile_points(&tile));
    }
    sort_order(j->known, 0, cpu->quarter_tiles);
    sort_order(j->known, cpu->quarter_tiles, cpu->tiles);
}

/* What this proposal worked out is now the row's. */
static void know(const judging *j)
{
    const lehr_touch touch = j->pass.touch;
    const lehr_i32 layers = j->cpu->args->network.layers;
    for (lehr_i32 l = touch.layer + (touch.unit >= 0); j->cpu->keeps && l < layers; l++) {
        float *old = j->known->act[l];
        j->known->act[l] = j->scratch->spare[l];
        j->scratch->spare[l] = old;
    }
    know_losses(j);
}

/* Put the outputs of a touched unit back. */
static void undo(const judging *j)
{
    const lehr_touch touch = j->pass.touch;
    if (!j->cpu->keeps || touch.unit < 0)
        return;
    const int64_t width = j->cpu->args->network.size[touch.layer + 1];
    for (int32_t i = 0; i < j->cpu->tiles; i++) {
        if (!j->scratch->seen[i])
            continue;
        const lehr_tile tile = tile_of(j->cpu, j->known, i);
        for (int64_t p = tile.panel; p < tile.panel + tile.count; p++)
            memcpy(j->known->act[touch.layer] + (p * width + touch.unit) * LEHR_PANEL,
                   j->scratch->column + p * LEHR_PANEL, LEHR_PANEL * sizeof(float));
    }
}

/* ---- Judging ----------------------------------------------------------------------------------- */

static void begin(judging *j, lehr_cpu *cpu, lehr_scratch *scratch, lehr_known *known,
                  const float *theta, lehr_touch touch)
{
    if (!cpu->keeps)
        touch = (lehr_touch){0, -1};
    for (lehr_i32 l = 0; cpu->keeps && l < cpu->args->network.layers; l++) {
        const bool stays = l < touch.layer || (l == touch.layer && touch.unit >= 0);
        scratch->view[l] = stays ? known->act[l] : scratch->spare[l];
    }
    memset(scratch->seen, 0, (size_t)cpu->tiles);
    j->cpu = cpu;
    j->scratch = scratch;
    j->known = known;
    j->pass = (lehr_pass){.theta = theta,
                          .touch = touch,
                          .act = scratch->view,
                          .column = scratch->column,
                          .scale = cpu->scale};
    j->sizes = lehr_cpu_sizes(cpu, theta);
    j->visited = 0;
    j->some = 0.0;
}

/* A proposal comes before the judge. */
static void open_case(judging *j, lehr_cpu *cpu, lehr_scratch *room, const lehr_walk *walk,
                      lehr_trial *trial)
{
    begin(j, cpu, room, &cpu->known[walk->row], trial->draft.proposed, trial->touch);
    const lehr_group *group = &cpu->table->group[cpu->row_group[walk->row]];
    j->walk = walk;
    j->trial = trial;
    j->shared = trial->shared;
    trial->energies = (lehr_energies){walk->energy,
                                      lehr_prior_end(cpu->args, j->sizes.squares, j->sizes.sizes)};
    j->question = cpu->lanes->question(walk, group, trial->draft.address, trial->log_hastings,
                                       trial->energies);
}

/* The decision of a delayed run from a quarter of the points, which have been visited. */
static lehr_decision decide_quarter(judging *j)
{
    lehr_trial *t = j->trial;
    t->quarter = quarter_energy(j);
    double log_hastings = t->log_hastings;
    const lehr_decision d = lehr_walk_first(j->walk, j->question, t->quarter, &log_hastings);
    j->question.log_hastings = log_hastings;
    j->question.ln_u = lehr_accept_ln_u(t->draft.address, 1);
    return d;
}

/* The decision when all points have been visited. */
static lehr_decision decide_whole(judging *j)
{
    j->trial->energies.energy = whole_energy(j);
    j->question.de = j->trial->energies.energy - j->walk->energy;
    return j->cpu->lanes->decide(&j->question);
}

static void close_case(const judging *j, lehr_decision d)
{
    if (d.accept)
        know(j);
    else
        undo(j);
}

static const lehr_decision pending = {1, 1, 1.0};

lehr_decision lehr_cpu_judge(lehr_cpu *cpu, lehr_scratch *room, const lehr_walk *walk,
                             const lehr_group *group, lehr_trial *trial)
{
    judging j;
    open_case(&j, cpu, room, walk, trial);
    lehr_decision d = pending;
    if (group->delayed) {
        visit_until(&j, cpu->quarter_tiles, false);
        d = decide_quarter(&j);
    }
    if (d.accept)
        d = visit_until(&j, cpu->tiles, cpu->early) ? decide_whole(&j) : lehr_early_rejection();
    close_case(&j, d);
    return d;
}

/* ---- A band of rows ------------------------------------------------------------------------------ */

/* Proposals that touch the same unit of the first layer; those whose d accepts are still before the judge. */
typedef struct band {
    lehr_cpu *cpu;
    judging j[LEHR_TOGETHER_MAX];
    lehr_decision d[LEHR_TOGETHER_MAX];
    int32_t count;
    lehr_units *units;
} band;

/* The units of those that are left, side by side. */
static void gather_units(band *b)
{
    const lehr_network *n = &b->cpu->args->network;
    const lehr_i32 unit = b->j[0].pass.touch.unit, inputs = n->size[0];
    lehr_units *u = b->units;
    u->rows = 0;
    for (int32_t i = 0; i < b->count; i++) {
        const float *theta = b->j[i].pass.theta;
        if (!b->d[i].accept)
            continue;
        memcpy(u->weights + u->rows * inputs, theta + unit * inputs,
               (size_t)inputs * sizeof *theta);
        if (u->bias)
            u->bias[u->rows] = theta[lehr_bias_offset(n, 0) + unit];
        u->rows++;
    }
}

/* One tile of all that are left; false: one of them is lost. */
static bool visit_tile(band *b, int32_t number, bool early)
{
    const lehr_cpu *cpu = b->cpu;
    const lehr_tile tile = tile_of(cpu, b->j[0].known, number);
    const lehr_units *u = b->units;
    const float *sums = u->sums;
    bool all = true;
    cpu->lanes->units(u, &tile);
    for (int32_t i = 0; i < b->count; i++) {
        judging *j = &b->j[i];
        if (!b->d[i].accept)
            continue;
        j->pass.sums = sums;
        j->pass.sums_step = u->rows * LEHR_PANEL;
        sums += LEHR_PANEL;
        j->some += visit(j, j->scratch, number);
        if (early && is_lost(j, j->some)) {
            b->d[i] = lehr_early_rejection();
            all = false;
        }
    }
    return all;
}

/* Tiles [from,to) of the first row's order, which serves all. */
static void visit_tiles(band *b, int32_t from, int32_t to, bool early)
{
    const lehr_cpu *cpu = b->cpu;
    gather_units(b);
    for (int32_t at = from; at < to && b->units->rows > 0; at++)
        if (!visit_tile(b, b->j[0].known->order[at], early && at + 1 < cpu->tiles))
            gather_units(b);
}

void lehr_cpu_judge_band(lehr_cpu *cpu, int32_t worker, const lehr_walk *const *walk,
                         lehr_trial *trial, int32_t count, lehr_decision *d)
{
    band b = {.cpu = cpu, .count = count, .units = &cpu->units[worker]};
    const lehr_group *group = &cpu->table->group[cpu->row_group[walk[0]->row]];
    const int32_t first = group->delayed ? cpu->quarter_tiles : 0;
    for (int32_t i = 0; i < count; i++) {
        open_case(&b.j[i], cpu, lehr_cpu_room(cpu, worker) + i, walk[i], &trial[i]);
        b.d[i] = pending;
    }
    visit_tiles(&b, 0, first, false);
    for (int32_t i = 0; group->delayed && i < count; i++)
        b.d[i] = decide_quarter(&b.j[i]);
    visit_tiles(&b, first, cpu->tiles, cpu->early);
    for (int32_t i = 0; i < count; i++) {
        d[i] = b.d[i].accept ? decide_whole(&b.j[i]) : b.d[i];
        close_case(&b.j[i], d[i]);
    }
}

/* ---- Learning ------------------------------------------------------------------------------------ */

lehr_energies lehr_cpu_learn(lehr_cpu *cpu, int32_t worker, int64_t row, double *quarter)
{
    const float *theta = cpu->table->theta + row * cpu->table->parameters;
    judging j;
    begin(&j, cpu, lehr_cpu_room(cpu, worker), &cpu->known[row], theta, (lehr_touch){0, -1});
    for (int32_t i = 0; i < cpu->tiles; i++)
        visit(&j, j.scratch, i);
    *quarter = quarter_energy(&j);
    const double energy = whole_energy(&j);
    know(&j);
    j.known->fresh = true;
    return (lehr_energies){energy, lehr_prior_end(cpu->args, j.sizes.squares, j.sizes.sizes)};
}
