/* evaluate.c: first energies of a run, and scores of weights on a part of the data. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "core/sum.h"
#include "core/target.h"
#include "core/temper.h"
#include "cpu/cpu.h"

/* ---- Start ------------------------------------------------------------------------------------- */

static void start_row(void *data, int32_t worker, int64_t row)
{
    lehr_cpu *cpu = data;
    const float *theta = cpu->table->theta + row * cpu->table->parameters;
    lehr_energies e;
    double quarter = 0.0;
    switch (cpu->args->target) {
    case LEHR_TARGET_NETWORK: e = lehr_cpu_learn(cpu, worker, row, &quarter); break;
    case LEHR_TARGET_CALLBACK: e = lehr_cpu_energy_from(cpu, cpu->energy[row], theta); break;
    default: e = lehr_cpu_energy(cpu, theta); break;
    }
    if (cpu->table->group[cpu->row_group[row]].delayed)
        cpu->table->quarter[row] = quarter;
    cpu->energy[row] = e.energy;
    cpu->prior[row] = e.prior;
}

static lehr_status first_energies(lehr_cpu *cpu)
{
    const lehr_table *t = cpu->table;
    if (cpu->args->target == LEHR_TARGET_CALLBACK)
        LEHR_TRY(cpu->problem->callback(t->theta, t->rows, t->parameters, cpu->energy,
                                        cpu->problem->callback_data));
    lehr_pool_run(cpu->pool, t->rows, start_row, cpu);
    for (int32_t row = 0; row < t->rows; row++)
        LEHR_CHECK(lehr_is_finite(cpu->energy[row]) && lehr_is_finite(cpu->prior[row]),
                   LEHR_ERR_NUMERIC, "the first energy of row %d is not finite (E %g, U %g)", row,
                   cpu->energy[row], cpu->prior[row]);
    return LEHR_OK;
}

lehr_status lehr_cpu_start(lehr_cpu *cpu)
{
    lehr_table *t = cpu->table;
    lehr_known_forget(cpu);
    LEHR_TRY(first_energies(cpu));
    lehr_table_start(t, cpu->energy, cpu->prior);
#if defined(LEHR_PLANTS)
    memcpy(cpu->stale, cpu->energy, (size_t)t->rows * sizeof *cpu->stale);
#endif
    return LEHR_OK;
}

lehr_status lehr_cpu_batch(lehr_cpu *cpu, const lehr_part_data *data)
{
    const lehr_i32 inputs = cpu->args->network.size[0];
    LEHR_ASSERT(data->points <= cpu->most_points);
    lehr_pack_points(data->inputs, 0, data->points, inputs, cpu->batch[0]);
    lehr_pack_points(data->targets, 0, data->points, cpu->work.target_count, cpu->batch[1]);
    cpu->work.points = data->points;
    lehr_cpu_cut(cpu);
    lehr_known_order(cpu);
    return LEHR_OK;
}

lehr_status lehr_cpu_reweigh(lehr_cpu *cpu)
{
    lehr_known_forget(cpu);
    LEHR_TRY(first_energies(cpu));
    lehr_table_rebase(cpu->table, cpu->energy, cpu->prior);
    return LEHR_OK;
}

/* ---- Evaluate ---------------------------------------------------------------------------------- */

typedef struct scoring {
    lehr_cpu *cpu;
    const lehr_panels *part;
    const float *theta; /* [rows,P] */
    lehr_evaluation *out;
} scoring;

static lehr_evaluation reduce(const scoring *s, double loss, double hits)
{
    return (lehr_evaluation){lehr_reduce(s->cpu->args, loss, s->part->points), hits};
}

/* Losses x and hits y of the tile that starts at a panel; the last one has fewer panels. */
static void score_tile(const scoring *s, lehr_pass pass, int64_t panel, float *x, float *y)
{
    const lehr_energy_args *e = s->cpu->args;
    const int64_t left = (s->part->points + LEHR_PANEL - 1) / LEHR_PANEL - panel;
    const int32_t most = s->cpu->tile_panels;
    const lehr_tile tile = {s->part, panel, left < most ? (int32_t)left : most};
    pass.first = panel;
    s->cpu->lanes->losses(e, &tile, &pass, x);
    if (!lehr_loss_has_classes(e->loss))
        return;
    pass.touch.layer = e->network.layers; /* the outputs are there */
    s->cpu->lanes->hits(e, &tile, &pass, y);
}

static lehr_chunk_sums score_chunk(const scoring *s, int32_t worker, const float *theta,
                                   int64_t chunk)
{
    _Alignas(64) float x[LEHR_CHUNK], y[LEHR_CHUNK];
    const lehr_pass pass = {.theta = theta,
                            .touch = {0, -1},
                            .act = lehr_cpu_room(s->cpu, worker)->swing,
                            .scale = s->cpu->scale};
    const int64_t first = chunk * LEHR_CHUNK, left = s->part->points - first;
    const int count = left < LEHR_CHUNK ? (int)left : LEHR_CHUNK;
    for (int64_t n = 0; n < count; n += (int64_t)s->cpu->tile_panels * LEHR_PANEL)
        score_tile(s, pass, (first + n) / LEHR_PANEL, x + n, y + n);
    const bool classes = lehr_loss_has_classes(s->cpu->args->loss);
    return (lehr_chunk_sums){s->cpu->lanes->sum_chunk(x, count),
                             classes ? s->cpu->lanes->sum_chunk(y, count) : 0.0f};
}

static void score_row(void *data, int32_t worker, int64_t row)
{
    const scoring *s = data;
    const float *theta = s->theta + row * s->cpu->table->parameters;
    double loss = 0.0, hits = 0.0;
    for (int64_t chunk = 0; chunk < lehr_chunks(s->part->points); chunk++) {
        const lehr_chunk_sums sums = score_chunk(s, worker, theta, chunk);
        loss += (double)sums.loss;
        hits += (double)sums.hits;
    }
    s->out[row] = reduce(s, loss, hits);
}

static void score_shared_chunk(void *data, int32_t worker, int64_t chunk)
{
    const scoring *s = data;
    s->cpu->chunk[chunk] = score_chunk(s, worker, s->theta, chunk);
}

/* Multiply-adds that take about as long as waking the other threads. */
enum { WORTH_WAKING = 200000 };

/* One row at a time, its chunks over the threads: the same bits. */
static void score_shared(scoring s, int32_t rows)
{
    const int64_t chunks = lehr_chunks(s.part->points);
    for (int32_t row = 0; row < rows; row++, s.theta += s.cpu->table->parameters) {
        lehr_pool_run(s.cpu->pool, chunks, score_shared_chunk, &s);
        double loss = 0.0, hits = 0.0;
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            loss += (double)s.cpu->chunk[chunk].loss;
            hits += (double)s.cpu->chunk[chunk].hits;
        }
        s.out[row] = reduce(&s, loss, hits);
    }
}

/* Targets without data: the loss is the energy, on every part. */
static void score_target_row(void *data, int32_t worker, int64_t row)
{
    const scoring *s = data;
    const float *theta = s->theta + row * s->cpu->table->parameters;
    (void)worker;
    s->out[row] = (lehr_evaluation){lehr_cpu_energy(s->cpu, theta).energy, 0.0};
}

static lehr_status score_callback(const lehr_cpu *cpu, const float *theta, int32_t rows,
                                  lehr_evaluation *out)
{
    for (int32_t row = 0; row < rows; row++, theta += cpu->table->parameters) {
        double energy = (double)NAN;
        LEHR_TRY(cpu->problem->callback(theta, 1, cpu->table->parameters, &energy,
                                        cpu->problem->callback_data));
        out[row] = (lehr_evaluation){energy, 0.0};
    }
    return LEHR_OK;
}

lehr_status lehr_cpu_evaluate(lehr_cpu *cpu, lehr_part part, const float *theta, int32_t rows,
                              lehr_evaluation *out)
{
    scoring s = {cpu, &cpu->part[part], theta, out};
    if (cpu->args->target == LEHR_TARGET_CALLBACK)
        return score_callback(cpu, theta, rows, out);
    if (cpu->args->target != LEHR_TARGET_NETWORK) {
        lehr_pool_run(cpu->pool, rows, score_target_row, &s);
        return LEHR_OK;
    }
    LEHR_CHECK(s.part->points > 0, LEHR_ERR_ARG, "this part of the data has no points");
    if (rows * s.part->points * cpu->table->parameters < WORTH_WAKING)
        for (int32_t row = 0; row < rows; row++)
            score_row(&s, 0, row);
    else if (rows < lehr_pool_threads(cpu->pool))
        score_shared(s, rows);
    else
        lehr_pool_run(cpu->pool, rows, score_row, &s);
    return LEHR_OK;
}

/* ---- Outputs ----------------------------------------------------------------------------------- */

typedef struct showing {
    lehr_cpu *cpu;
    const lehr_panels *part;
    const float *theta; /* [rows,P] */
    float *out;         /* [rows,N,K] */
} showing;

static void show_row(void *data, int32_t worker, int64_t row)
{
    const showing *s = data;
    const lehr_energy_args *e = s->cpu->args;
    const int64_t points = s->part->points, most = (int64_t)s->cpu->tile_panels * LEHR_PANEL;
    lehr_pass pass = {.theta = s->theta + row * e->parameters,
                      .touch = {0, -1},
                      .act = lehr_cpu_room(s->cpu, worker)->swing};
    float *out = s->out + row * points * e->outputs;
    for (int64_t n = 0; n < points; n += most, out += most * e->outputs) {
        const int64_t count = points - n < most ? points - n : most;
        pass.first = n / LEHR_PANEL;
        const lehr_tile tile = {s->part, pass.first,
                                (int32_t)((count + LEHR_PANEL - 1) / LEHR_PANEL)};
        lehr_unpack_points(s->cpu->lanes->outputs(&e->network, &tile, &pass), count, e->outputs,
                           out);
    }
}

void lehr_cpu_outputs(lehr_cpu *cpu, lehr_part part, const float *theta, int32_t rows, float *out)
{
    showing s = {cpu, &cpu->part[part], theta, out};
    lehr_pool_run(cpu->pool, rows, show_row, &s);
}
