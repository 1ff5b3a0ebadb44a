/* energy.c: E and U of one set of weights, but for the loss of a network (judge.c). */
#include <string.h>

#include "core/sum.h"
#include "core/target.h"
#include "cpu/cpu.h"

/* What is added up over the parameters. */
typedef enum element { ELEMENT_SQUARE, ELEMENT_SIZE, ELEMENT_VALUE } element;

double lehr_cpu_sum(const lehr_cpu *cpu, const float *x, int64_t n)
{
    double total = 0.0;
    for (int64_t start = 0; start < n; start += LEHR_CHUNK)
        total += (double)cpu->lanes->sum_chunk(x + start, n - start < LEHR_CHUNK ? (int)(n - start)
                                                                                 : LEHR_CHUNK);
    return total;
}

double lehr_cpu_quarter_sum(const lehr_cpu *cpu, const float *loss)
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

/* lehr_sum of one element function over theta[n], chunk by chunk. */
static double sum_elements(const lehr_cpu *cpu, element kind, const float *theta, int64_t n)
{
    double total = 0.0;
    for (int64_t start = 0; start < n; start += LEHR_CHUNK) {
        float x[LEHR_CHUNK];
        const int count = n - start < LEHR_CHUNK ? (int)(n - start) : LEHR_CHUNK;
        for (int i = 0; i < count && kind == ELEMENT_SQUARE; i++)
            x[i] = lehr_square(theta[start + i]);
        for (int i = 0; i < count && kind == ELEMENT_SIZE; i++)
            x[i] = lehr_abs(theta[start + i]);
        total += (double)cpu->lanes->sum_chunk(kind == ELEMENT_VALUE ? theta + start : x, count);
    }
    return total;
}

static double spin_energy(const lehr_cpu *cpu, const float *spin)
{
    const int64_t sites = cpu->args->parameters;
    double total = 0.0;
    for (int64_t start = 0; start < sites; start += LEHR_CHUNK) {
        float x[LEHR_CHUNK];
        const int count = sites - start < LEHR_CHUNK ? (int)(sites - start) : LEHR_CHUNK;
        for (int i = 0; i < count; i++)
            x[i] = lehr_spin_bonds(spin, cpu->args->side, (lehr_i32)start + i);
        total += (double)cpu->lanes->sum_chunk(x, count);
    }
    return total;
}

lehr_sizes lehr_cpu_sizes(const lehr_cpu *cpu, const float *theta)
{
    const lehr_energy_args *e = cpu->args;
    const lehr_i32 P = e->parameters;
    return (lehr_sizes){lehr_needs_squares(e) ? sum_elements(cpu, ELEMENT_SQUARE, theta, P) : 0.0,
                        lehr_needs_sizes(e) ? sum_elements(cpu, ELEMENT_SIZE, theta, P) : 0.0};
}

lehr_energies lehr_cpu_energy_from(const lehr_cpu *cpu, double energy, const float *theta)
{
    const lehr_energy_args *e = cpu->args;
    const lehr_sizes s = lehr_cpu_sizes(cpu, theta);
    if (e->target == LEHR_TARGET_QUADRATIC)
        energy = lehr_quadratic_end(s.squares);
    if (e->target == LEHR_TARGET_MIXTURE)
        energy = lehr_mixture_end(e, s.squares,
                                  sum_elements(cpu, ELEMENT_VALUE, theta, e->parameters));
    return (lehr_energies){lehr_energy_end(e, energy, s.squares, s.sizes),
                           lehr_prior_end(e, s.squares, s.sizes)};
}

lehr_energies lehr_cpu_energy(const lehr_cpu *cpu, const float *theta)
{
    const bool spins = cpu->args->target == LEHR_TARGET_SPINS;
    return lehr_cpu_energy_from(cpu, spins ? spin_energy(cpu, theta) : 0.0, theta);
}
