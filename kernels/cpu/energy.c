/* energy.c: E and U of one set of weights. */

#include "core/sum.h"
#include "core/target.h"
#include "cpu/cpu.h"

/* What is added up over the parameters. */
typedef enum element { ELEMENT_SQUARE, ELEMENT_SIZE, ELEMENT_VALUE } element;

/* lehr_sum of one element function over theta[n], chunk by chunk. */
static double sum_elements(element kind, const float *theta, int64_t n)
{
    double total = 0.0;
    for (int64_t start = 0; start < n; start += LEHR_CHUNK) {
        float x[LEHR_CHUNK];
        const int count = n - start < LEHR_CHUNK ? (int)(n - start) : LEHR_CHUNK;
        for (int i = 0; i < count && kind == ELEMENT_SQUARE; i++)
            x[i] = lehr_square(theta[start + i]);
        for (int i = 0; i < count && kind == ELEMENT_SIZE; i++)
            x[i] = lehr_abs(theta[start + i]);
        total += (double)lehr_sum_chunk(kind == ELEMENT_VALUE ? theta + start : x, count);
    }
    return total;
}

static double spin_energy(const float *spin, lehr_i32 side)
{
    const int64_t sites = (int64_t)side * side;
    double total = 0.0;
    for (int64_t start = 0; start < sites; start += LEHR_CHUNK) {
        float x[LEHR_CHUNK];
        const int count = sites - start < LEHR_CHUNK ? (int)(sites - start) : LEHR_CHUNK;
        for (int i = 0; i < count; i++)
            x[i] = lehr_spin_bonds(spin, side, (lehr_i32)start + i);
        total += (double)lehr_sum_chunk(x, count);
    }
    return total;
}

static double network_energy(const lehr_cpu *cpu, int32_t worker, const float *theta)
{
    const lehr_panels *part = &cpu->part[LEHR_PART_TRAIN];
    double sum = 0.0;
    for (int64_t chunk = 0; chunk < lehr_chunks(part->points); chunk++)
        sum += (double)cpu->lanes->chunk_loss(cpu->args, theta, part, chunk,
                                              &cpu->scratch[worker].tile);
    return lehr_reduce(cpu->args, sum, part->points);
}

/* From the energy of a network, spins or a callback; the other targets are made of the sums here. */
static lehr_energies finish(const lehr_cpu *cpu, double target, const float *theta)
{
    const lehr_energy_args *e = cpu->args;
    const double squares = lehr_needs_squares(e)
                               ? sum_elements(ELEMENT_SQUARE, theta, e->parameters)
                               : 0.0;
    const double sizes = lehr_needs_sizes(e) ? sum_elements(ELEMENT_SIZE, theta, e->parameters)
                                             : 0.0;
    if (e->target == LEHR_TARGET_QUADRATIC)
        target = lehr_quadratic_end(squares);
    if (e->target == LEHR_TARGET_MIXTURE)
        target = lehr_mixture_end(e, squares, sum_elements(ELEMENT_VALUE, theta, e->parameters));
    return (lehr_energies){lehr_energy_end(e, target, squares, sizes),
                           lehr_prior_end(e, squares, sizes)};
}

lehr_energies lehr_cpu_energy(const lehr_cpu *cpu, int32_t worker, const float *theta)
{
    double target = 0.0;
    if (cpu->args->target == LEHR_TARGET_NETWORK)
        target = network_energy(cpu, worker, theta);
    if (cpu->args->target == LEHR_TARGET_SPINS)
        target = spin_energy(theta, cpu->args->side);
    return finish(cpu, target, theta);
}

lehr_energies lehr_cpu_energy_from(const lehr_cpu *cpu, double energy, const float *theta)
{
    return finish(cpu, energy, theta);
}

/* ---- One row, all threads ---------------------------------------------------------------------- */

typedef struct shared_work {
    lehr_cpu *cpu;
    const float *theta;
} shared_work;

static void shared_chunk(void *data, int32_t worker, int64_t chunk)
{
    const shared_work *w = data;
    w->cpu->chunk[chunk].loss = w->cpu->lanes->chunk_loss(w->cpu->args, w->theta,
                                                          &w->cpu->part[LEHR_PART_TRAIN], chunk,
                                                          &w->cpu->scratch[worker].tile);
}

lehr_energies lehr_cpu_energy_shared(lehr_cpu *cpu, const float *theta)
{
    if (cpu->args->target != LEHR_TARGET_NETWORK)
        return lehr_cpu_energy(cpu, 0, theta);
    const lehr_panels *part = &cpu->part[LEHR_PART_TRAIN];
    const int64_t chunks = lehr_chunks(part->points);
    shared_work work = {cpu, theta};
    lehr_pool_run(cpu->pool, chunks, shared_chunk, &work);
    double sum = 0.0;
    for (int64_t chunk = 0; chunk < chunks; chunk++)
        sum += (double)cpu->chunk[chunk].loss;
    return finish(cpu, lehr_reduce(cpu->args, sum, part->points), theta);
}
