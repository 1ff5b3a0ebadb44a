/* cpu_world.h: small problems with drawn data, and replica tables, for the tests of the CPU backend. */
#ifndef TESTS_CPU_WORLD_H
#define TESTS_CPU_WORLD_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "base/memory.h"
#include "core/loss.h"
#include "core/rng.h"

/* What a world is made of; zero fields mean the simplest choice. */
typedef struct world_spec {
    lehr_i32 target; /* lehr_target */
    int layers, size[6], no_bias;
    lehr_i32 activation, output, loss;
    int points, parameters; /* parameters: of targets without a network */
    lehr_i32 weights, prior;
    double l2, l1;
    int rungs, copies, every;
    int moves;
    lehr_move_args move[LEHR_CORE_MOVES_MAX];
    lehr_i32 exchange;
    int scheduled, delayed, outcomes;
    uint64_t adapt_scans;
    lehr_energy_fn callback;
    void *callback_data;
} world_spec;

typedef struct world {
    lehr_problem problem;
    lehr_table table;
    float *inputs, *targets;
} world;

static inline float world_uniform(lehr_u32 i, lehr_u32 stream)
{
    return 2.0f * lehr_uniform(lehr_draw(77, i, stream, 0, LEHR_DOMAIN_GENERATOR).w[0]) - 1.0f;
}

static inline lehr_network world_network(const world_spec *s)
{
    lehr_network n = {
        .layers = s->layers, .bias = !s->no_bias, .activation = s->activation, .output = s->output};
    for (int l = 0; l <= s->layers; l++)
        n.size[l] = s->size[l];
    for (int l = 0; l < s->layers; l++)
        n.offset[l + 1] = n.offset[l] + n.size[l] * n.size[l + 1] + (n.bias ? n.size[l + 1] : 0);
    return n;
}

static inline void *world_array(size_t count, size_t size)
{
    void *array = calloc(count ? count : 1, size);
    cr_assert(array);
    return array;
}

static inline void world_table(const world_spec *s, lehr_table *t, int P)
{
    const int rungs = s->rungs ? s->rungs : 1, copies = s->copies ? s->copies : 1,
              R = rungs * copies;
    const int M = s->moves ? s->moves : 1;
    *t = (lehr_table){.rows = R, .parameters = P, .group_count = 1, .moves = M};
#define ARRAY(field, count) t->field = world_array((size_t)(count), sizeof *t->field)
    ARRAY(group, 1), ARRAY(theta, R * P), ARRAY(energy, R), ARRAY(prior, R), ARRAY(quarter, R);
    ARRAY(best, R * P);
    ARRAY(best_energy, R), ARRAY(best_scan, R), ARRAY(rung, R), ARRAY(slot_row, R),
        ARRAY(beta, rungs);
    ARRAY(log_step, R * M), ARRAY(step_updates, R * M), ARRAY(alpha_sum, R * M);
    ARRAY(alpha_count, R * M), ARRAY(proposed, R * M), ARRAY(accepted, R * M), ARRAY(swap_sum, R);
    ARRAY(swap_count, R), ARRAY(direction, R), ARRAY(trips, R), ARRAY(from_cold, R),
        ARRAY(from_hot, R), ARRAY(nonfinite, R), ARRAY(accepts, R);
#undef ARRAY
    lehr_group *g = t->group;
    *g = (lehr_group){.key = 12345,
                      .rows = R,
                      .rungs = rungs,
                      .copies = copies,
                      .moves = M,
                      .every = s->every ? s->every : 5,
                      .exchange = s->exchange,
                      .cooling = LEHR_COOLING_GEOMETRIC,
                      .scheduled = s->scheduled,
                      .outcomes = s->outcomes,
                      .delayed = s->delayed,
                      .cooling_scans = 100,
                      .adapt_scans = s->adapt_scans,
                      .until = UINT64_MAX,
                      .start = 1.0,
                      .end = 0.01,
                      .gain = 2.0,
                      .gain_power = 0.6};
    g->move[0] = (lehr_move_args){.kind = LEHR_MOVE_GAUSSIAN, .adapt = 1, .target = 0.234};
    for (int m = 0; m < M; m++) {
        if (s->moves)
            g->move[m] = s->move[m];
        g->move[m].until = (float)(m + 1) / (float)M;
    }
    for (int r = 0; r < R; r++) {
        t->rung[r] = r % rungs;
        t->slot_row[r] = r;
        for (int m = 0; m < M; m++)
            t->log_step[r * M + m] = -1.5;
    }
    for (int r = 0; r < rungs; r++)
        t->beta[r] = 20.0 / pow(1.6, r);
}

/* First weights of a row: uniform, or the values that the kind of weights allows. */
static inline float world_weight(lehr_i32 weights, lehr_u32 i)
{
    const float u = world_uniform(i, 3);
    if (weights == LEHR_WEIGHTS_BINARY)
        return u < 0 ? -1.0f : 1.0f;
    if (weights == LEHR_WEIGHTS_TERNARY)
        return u < -0.3f ? -1.0f : u > 0.3f ? 1.0f : 0.0f;
    return u;
}

static inline world world_create(world_spec s)
{
    world w = {0};
    lehr_energy_args *e = &w.problem.args;
    *e = (lehr_energy_args){.target = s.target,
                            .parameters = s.parameters,
                            .weights = s.weights,
                            .loss = s.loss,
                            .prior = s.prior,
                            .side = (int)lround(sqrt(s.parameters)),
                            .outputs = 1,
                            .noise = 0.5f,
                            .delta = 0.7f,
                            .mode = 0.8f,
                            .mode_log_odds = 0.4f,
                            .l2 = s.l2,
                            .l1 = s.l1,
                            .prior_scale = 1.5};
    w.problem.callback = s.callback;
    w.problem.callback_data = s.callback_data;
    if (s.layers > 0) {
        e->network = world_network(&s);
        e->parameters = e->network.offset[s.layers];
        e->outputs = s.size[s.layers];
    }
    if (s.points > 0) {
        const int D = s.size[0], N = s.points, classes = lehr_loss_has_classes(s.loss);
        const int Y = classes ? 1 : e->outputs, C = e->outputs > 1 ? e->outputs : 2;
        w.inputs = world_array((size_t)(N * D), sizeof(float));
        w.targets = world_array((size_t)(N * Y), sizeof(float));
        for (int i = 0; i < N * D; i++)
            w.inputs[i] = world_uniform((lehr_u32)i, 1);
        for (int i = 0; i < N * Y; i++) {
            const lehr_u32 word = lehr_draw(77, (lehr_u32)i, 2, 0, LEHR_DOMAIN_GENERATOR).w[1];
            w.targets[i] = classes ? (float)lehr_index(word, (lehr_u32)C)
                                   : world_uniform((lehr_u32)i, 2);
        }
        for (int part = 0; part < 2; part++) /* no test part */
            w.problem.part[part] = (lehr_part_data){w.inputs, w.targets, N};
    }
    world_table(&s, &w.table, e->parameters);
    for (int i = 0; i < w.table.rows * e->parameters; i++)
        w.table.theta[i] = world_weight(s.weights, (lehr_u32)i);
    return w;
}

static inline void world_destroy(world *w)
{
    lehr_table *t = &w->table;
    void *arrays[] = {t->group,    t->theta,       t->energy,       t->prior,      t->best,
                      t->quarter,  t->best_energy, t->best_scan,    t->rung,       t->slot_row,
                      t->beta,     t->log_step,    t->step_updates, t->alpha_sum,  t->alpha_count,
                      t->proposed, t->accepted,    t->swap_sum,     t->swap_count, t->direction,
                      t->trips,    t->from_cold,   t->from_hot,     t->nonfinite,  t->accepts,
                      w->inputs,   w->targets};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

/* Name of the first array that differs, bit for bit; NULL when none does. */
static inline const char *world_difference(const lehr_table *a, const lehr_table *b)
{
    const size_t R = (size_t)a->rows, P = (size_t)a->parameters, S = R * (size_t)a->moves;
#define SAME(field, count)                                                                         \
    if (memcmp(a->field, b->field, (count) * sizeof *a->field) != 0)                               \
    return #field
    SAME(theta, R * P);
    SAME(energy, R);
    SAME(prior, R);
    SAME(quarter, R);
    SAME(best, R * P);
    SAME(best_energy, R);
    SAME(best_scan, R);
    SAME(rung, R);
    SAME(slot_row, R);
    SAME(log_step, S);
    SAME(step_updates, S);
    SAME(alpha_sum, S);
    SAME(alpha_count, S);
    SAME(proposed, S);
    SAME(accepted, S);
    SAME(swap_sum, R);
    SAME(swap_count, R);
    SAME(direction, R);
    SAME(trips, R);
    SAME(from_cold, R);
    SAME(from_hot, R);
    SAME(nonfinite, R);
    SAME(accepts, R);
#undef SAME
    return NULL;
}

/* Open, start, do `scans` scans in slices of `cut`, close. */
static inline void world_run(world *w, lehr_backend_options options, uint64_t scans, uint64_t cut)
{
    void *state = NULL;
    cr_assert_eq(lehr_backend_cpu.supports(&options, &w->problem, &w->table), LEHR_OK, "%s",
                 lehr_error());
    cr_assert_eq(lehr_backend_cpu.open(&options, &w->problem, &w->table, &state), LEHR_OK, "%s",
                 lehr_error());
    cr_assert_eq(lehr_backend_cpu.start(state), LEHR_OK, "%s", lehr_error());
    for (uint64_t scan = 0; scan < scans; scan += cut)
        cr_assert_eq(lehr_backend_cpu.slice(state, scan, scans - scan < cut ? scans - scan : cut),
                     LEHR_OK, "%s", lehr_error());
    lehr_backend_cpu.close(&state);
    cr_assert_null(state);
}

#endif
