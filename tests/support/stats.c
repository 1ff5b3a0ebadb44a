/* stats.c: see stats.h. Its own test is laws/test_stats.c, against published critical values. */
#include "support/stats.h"

#include <math.h>
#include <stddef.h>

/* ---- Random numbers ---- */

uint64_t stats_next(stats_rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double stats_uniform(stats_rng *rng)
{
    return ((double)(stats_next(rng) >> 12) + 0.5) * 0x1p-52;
}

double stats_normal(stats_rng *rng)
{
    const double radius = sqrt(-2 * log(stats_uniform(rng)));
    return radius * cos(2 * acos(-1) * stats_uniform(rng));
}

int32_t stats_pick(stats_rng *rng, const double *cumulated, int32_t count)
{
    const double u = stats_uniform(rng) * cumulated[count - 1];
    int32_t low = 0, high = count - 1;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (cumulated[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- Tails ---- */

/* Continued fraction by the modified Lentz method (Thompson and Barnett 1986): one factor per
 * call. */
typedef struct lentz {
    double c, d, value;
} lentz;

static lentz lentz_start(double b)
{
    const double tiny = 1e-300;
    const double first = b != 0 ? b : tiny;
    return (lentz){first, 0, first};
}

static double lentz_step(lentz *f, double a, double b)
{
    const double tiny = 1e-300;
    f->d = b + a * f->d;
    f->d = 1 / (f->d != 0 ? f->d : tiny);
    f->c = b + a / f->c;
    f->c = f->c != 0 ? f->c : tiny;
    const double factor = f->c * f->d;
    f->value *= factor;
    return fabs(factor - 1);
}

/* Upper regularized incomplete gamma function: series for small x, else its continued fraction. */
static double gamma_tail(double a, double x)
{
    if (x <= 0)
        return 1;
    const double front = exp(-x + a * log(x) - lgamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int n = 1; n < 10000 && term > sum * 1e-17; n++)
            sum += term *= x / (a + n);
        return 1 - sum * front;
    }
    lentz f = lentz_start(x + 1 - a);
    for (int n = 1; n < 10000; n++)
        if (lentz_step(&f, -n * (n - a), x + 2 * n + 1 - a) < 1e-16)
            break;
    return front / f.value;
}

double stats_chi2_tail(double chi2, double df)
{
    return gamma_tail(df / 2, chi2 / 2);
}

double stats_normal_tail(double z)
{
    return erfc(fabs(z) / sqrt(2));
}

/* The fraction of the incomplete beta function, which converges fast for x < (a+1)/(a+b+2). */
static double beta_fraction(double a, double b, double x)
{
    lentz f = lentz_start(1);
    for (int m = 0; m < 10000; m++) {
        lentz_step(&f, -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1);
        const double k = m + 1;
        if (lentz_step(&f, k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)), 1) < 1e-16)
            break;
    }
    return 1 / f.value;
}

double stats_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    const double front = exp(a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stats_student_tail(double t, double df)
{
    return stats_beta(df / 2, 0.5, df / (df + t * t));
}

/* ---- Running moments ---- */

void stats_add(stats_moments *m, double x)
{
    m->n++;
    const double delta = x - m->mean;
    m->mean += delta / (double)m->n;
    m->squares += delta * (x - m->mean);
}

double stats_variance(const stats_moments *m)
{
    return m->squares / (double)(m->n - 1);
}

double stats_error(const stats_moments *m)
{
    return sqrt(stats_variance(m) / (double)m->n);
}

double stats_z(const stats_moments *m, double expected)
{
    const double difference = m->mean - expected;
    return difference == 0 ? 0 : difference / stats_error(m);
}

/* ---- Counts ---- */

double stats_chi2_counts(const int64_t *observed, const double *probability, int32_t cells,
                         int32_t *df)
{
    double all = 0, total = 0, chi2 = 0;
    for (int32_t i = 0; i < cells; i++) {
        all += (double)observed[i];
        total += probability[i];
        if (probability[i] <= 0 && observed[i] > 0)
            return 0;
    }
    /* A cell is closed once it expects 10 and what is left expects 10 too: so the last one does
     * as well. */
    int32_t used = 0;
    double seen = 0, expected = 0, left = all;
    for (int32_t i = 0; i < cells; i++) {
        const double share = all * probability[i] / total;
        seen += (double)observed[i];
        expected += share;
        left -= share;
        const int last = i + 1 == cells;
        if ((expected < 10 || left < 10) && !last)
            continue;
        if (expected > 0)
            chi2 += (seen - expected) * (seen - expected) / expected;
        used++;
        seen = expected = 0;
    }
    if (df)
        *df = used - 1;
    return used > 1 ? stats_chi2_tail(chi2, used - 1) : 1;
}

void stats_bin(stats_bins *bins, double u)
{
    const int32_t i = (int32_t)(u * STATS_BINS);
    bins->count[i < 0 ? 0 : i >= STATS_BINS ? STATS_BINS - 1 : i]++;
}

double stats_bins_p(const stats_bins *bins)
{
    double uniform[STATS_BINS];
    for (int i = 0; i < STATS_BINS; i++)
        uniform[i] = 1;
    return stats_chi2_counts(bins->count, uniform, STATS_BINS, NULL);
}

/* ---- Two samples ---- */

/* Gradient and Hessian of the log likelihood at (a, b), over one sample with the given label. */
typedef struct logistic_sums {
    double ga, gb, aa, ab, bb;
} logistic_sums;

static void add_sample(logistic_sums *s, const double *x, int32_t n, double label, double a,
                       double b)
{
    for (int32_t i = 0; i < n; i++) {
        const double p = 1 / (1 + exp(-(a + b * x[i]))), w = p * (1 - p);
        s->ga += label - p;
        s->gb += (label - p) * x[i];
        s->aa += w;
        s->ab += w * x[i];
        s->bb += w * x[i] * x[i];
    }
}

stats_slope stats_logistic(const double *first, const double *second, int32_t n)
{
    double a = 0, b = 0, error = INFINITY;
    for (int step = 0; step < 30; step++) { /* Newton: the likelihood is concave */
        logistic_sums s = {0};
        add_sample(&s, first, n, 0, a, b);
        add_sample(&s, second, n, 1, a, b);
        const double determinant = s.aa * s.bb - s.ab * s.ab;
        a += (s.bb * s.ga - s.ab * s.gb) / determinant;
        b += (s.aa * s.gb - s.ab * s.ga) / determinant;
        error = sqrt(s.aa / determinant);
    }
    return (stats_slope){b, error};
}

double stats_correlation_z(const double *x, const double *y, int32_t n)
{
    stats_moments mx = {0}, my = {0};
    for (int32_t i = 0; i < n; i++) {
        stats_add(&mx, x[i]);
        stats_add(&my, y[i]);
    }
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += (x[i] - mx.mean) * (y[i] - my.mean);
    return sum / sqrt(mx.squares * my.squares) * sqrt(n);
}
