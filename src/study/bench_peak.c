/* bench_peak.c: the rate of fused multiply-adds that one core reaches when nothing else holds
 * it up.
 *
 * Twelve independent accumulators hide the latency of the instruction: current cores need 8 to
 * 10. The loop is the bench's own: the bound never depends on the kernels that are compared
 * with it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "study/bench.h"

enum { ACCUMULATORS = 12, LANES = 8, ROUNDS = 1 << 16 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* x -> 0.5 x + 0.25 stays at 0.5: no subnormal, no overflow, whatever the number of rounds. */
static const float factor = 0.5f, addend = 0.25f;

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2,fma"))) static void fma_rounds(lanes x[ACCUMULATORS])
{
    const __m256 a = _mm256_set1_ps(factor), b = _mm256_set1_ps(addend);
    __m256 acc[ACCUMULATORS];
    for (int i = 0; i < ACCUMULATORS; i++)
        acc[i] = (__m256)x[i];
    for (int n = 0; n < ROUNDS; n++)
        for (int i = 0; i < ACCUMULATORS; i++)
            acc[i] = _mm256_fmadd_ps(acc[i], a, b);
    for (int i = 0; i < ACCUMULATORS; i++)
        x[i] = (lanes)acc[i];
}

static bool has_fma(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
static void fma_rounds(lanes x[ACCUMULATORS])
{
    (void)x;
}

static bool has_fma(void)
{
    return false;
}
#endif

/* Without that instruction set: a multiplication and an addition, as wide as the compiler
 * makes them. */
static void plain_rounds(lanes x[ACCUMULATORS])
{
    const lanes a = factor - (lanes){0}, b = addend - (lanes){0};
    for (int n = 0; n < ROUNDS; n++)
        for (int i = 0; i < ACCUMULATORS; i++)
            x[i] = x[i] * a + b;
}

double lehr_bench_peak(double seconds)
{
    /* A pointer that the compiler cannot see through: the loops are not dropped. */
    void (*const volatile rounds)(lanes *) = has_fma() ? fma_rounds : plain_rounds;
    const double flop = 2.0 * LANES * ACCUMULATORS * ROUNDS;
    lanes x[ACCUMULATORS] = {{0}};
    rounds(x);
    int64_t calls = 0;
    const double begin_s = lehr_clock_core_s();
    double spent_s = 0;
    while (spent_s < seconds || calls == 0) {
        rounds(x);
        calls++;
        spent_s = lehr_clock_core_s() - begin_s;
    }
    return flop * (double)calls / spent_s;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double lehr_bench_median(double *values, int32_t count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}
