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
        const int32_t from = lehr_sorted_bound(cpu, number);
        return (lehr_tile){&known->part, from, lehr_sorted_bound(cpu, number + 1) - from};
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
    const double more = visit(j, &j->cpu->scratch[worker], j->known->order[j->visited + item]);
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

/* lehr_sum over the points of the quarter. */
static double quarter_sum(const lehr_cpu *cpu, const float *loss)
{
    const int64_t count = lehr_quarter_count(cpu->work.points);
    double sum = 0.0;
    for (int64_t start = 0; start < count; start += LEHR_CHUNK) {
        float x[LEHR_CHUNK];
        const int64_t left = count - start, here = left < LEHR_CHUNK ? left : LEHR_CHUNK;
        for (int64_t m = 0; m < here; m += LEHR_QUARTER) {
            const int64_t some = here - m < LEHR_QUARTER ? here - m : LEHR_QUARTER;
            memcpy(x + m, loss + lehr_quarter_point(start + m), (size_t)some * sizeof *x);
        }
        sum += (double)cpu->lanes->sum_chunk(x, (int)here);
    }
    return sum;
}

static double quarter_energy(const judging *j)
{
    return energy_of(j, quarter_sum(j->cpu, j->scratch->loss),
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
        lehr_sorted_learn(cpu, j->known, j->scratch->column);
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

static judging begin(lehr_cpu *cpu, lehr_scratch *scratch, lehr_known *known, const float *theta,
                     lehr_touch touch)
{
    if (!cpu->keeps)
        touch = (lehr_touch){0, -1};
    for (lehr_i32 l = 0; cpu->keeps && l < cpu->args->network.layers; l++) {
        const bool stays = l < touch.layer || (l == touch.layer && touch.unit >= 0);
        scratch->view[l] = stays ? known->act[l] : scratch->spare[l];
    }
    memset(scratch->seen, 0, (size_t)cpu->tiles);
    return (judging){.cpu = cpu,
                     .scratch = scratch,
                     .known = known,
                     .pass = {.theta = theta,
                              .touch = touch,
                              .act = scratch->view,
                              .column = scratch->column,
                              .scale = cpu->scale},
                     .sizes = lehr_cpu_sizes(cpu, theta)};
}

/* The decision of a delayed run from a quarter of the points. */
static lehr_decision judge_quarter(judging *j, lehr_trial *t)
{
    visit_until(j, j->cpu->quarter_tiles, false);
    t->quarter = quarter_energy(j);
    double log_hastings = t->log_hastings;
    const lehr_decision d = lehr_walk_first(j->walk, j->question, t->quarter, &log_hastings);
    j->question.log_hastings = log_hastings;
    j->question.ln_u = lehr_accept_ln_u(t->draft.address, 1);
    return d;
}

static lehr_decision judge_whole(judging *j, lehr_trial *t)
{
    if (!visit_until(j, j->cpu->tiles, j->cpu->early))
        return lehr_early_rejection();
    t->energies.energy = whole_energy(j);
    j->question.de = t->energies.energy - j->walk->energy;
    return j->cpu->lanes->decide(&j->question);
}

lehr_decision lehr_cpu_judge(lehr_cpu *cpu, int32_t worker, const lehr_walk *walk,
                             const lehr_group *group, lehr_trial *trial)
{
    judging j = begin(cpu, &cpu->scratch[worker], &cpu->known[walk->row], trial->draft.proposed,
                      trial->touch);
    j.walk = walk;
    j.shared = trial->shared;
    trial->energies = (lehr_energies){walk->energy,
                                      lehr_prior_end(cpu->args, j.sizes.squares, j.sizes.sizes)};
    j.question = cpu->lanes->question(walk, group, trial->draft.address, trial->log_hastings,
                                      trial->energies);
    lehr_decision d = {1, 1, 1.0};
    if (group->delayed)
        d = judge_quarter(&j, trial);
    if (d.accept)
        d = judge_whole(&j, trial);
    if (d.accept)
        know(&j);
    else
        undo(&j);
    return d;
}

lehr_energies lehr_cpu_learn(lehr_cpu *cpu, int32_t worker, int64_t row, double *quarter)
{
    const float *theta = cpu->table->theta + row * cpu->table->parameters;
    judging j = begin(cpu, &cpu->scratch[worker], &cpu->known[row], theta, (lehr_touch){0, -1});
    for (int32_t i = 0; i < cpu->tiles; i++)
        visit(&j, j.scratch, i);
    *quarter = quarter_energy(&j);
    const double energy = whole_energy(&j);
    know(&j);
    j.known->fresh = true;
    return (lehr_energies){energy, lehr_prior_end(cpu->args, j.sizes.squares, j.sizes.sizes)};
}
