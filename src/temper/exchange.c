/* exchange.c: diagnostics of a ladder. The swap itself is in kernels/core/temper.h. */
#include "temper/exchange.h"

#include <math.h>

/* Inverse error function for 0 <= y < 1: bisection, then Newton steps on erf. */
static double inverse_erf(double y)
{
    double low = 0, high = 6;
    for (int i = 0; i < 20; i++) {
        const double middle = 0.5 * (low + high);
        if (erf(middle) < y)
            low = middle;
        else
            high = middle;
    }
    double x = 0.5 * (low + high);
    for (int i = 0; i < 4; i++)
        x -= (erf(x) - y) / (2 / sqrt(acos(-1)) * exp(-x * x));
    return x;
}

double lehr_barrier(const double *rejection, int32_t pairs)
{
    double barrier = 0;
    for (int32_t i = 0; i < pairs; i++)
        barrier += 2 * inverse_erf(fmin(fmax(rejection[i], 0), 1 - 1e-12)) / sqrt(acos(-1));
    return barrier;
}

double lehr_round_trip_rate(const double *rejection, int32_t pairs, lehr_exchange scheme)
{
    double inefficiency = 0;
    for (int32_t i = 0; i < pairs; i++) {
        if (rejection[i] >= 1)
            return 0;
        inefficiency += rejection[i] / (1 - rejection[i]);
    }
    const double free_rate = scheme == LEHR_EXCHANGE_SEO ? 2.0 * pairs : 2;
    return 1 / (free_rate + 2 * inefficiency);
}

void lehr_flow_expected(const double *rejection, int32_t pairs, lehr_exchange scheme, double *flow)
{
    const double free_pair = scheme == LEHR_EXCHANGE_SEO,
                 end = scheme == LEHR_EXCHANGE_SEO ? 0 : 0.5;
    double below = end;
    for (int32_t i = 0; i < pairs; i++) {
        const double r = fmin(fmax(rejection[i], 0), 1 - 1e-12);
        flow[i] = below;
        below += free_pair + r / (1 - r);
    }
    for (int32_t t = 1; t < pairs; t++)
        flow[t] = 1 - flow[t] / (below + end);
    flow[0] = 1;
    flow[pairs] = 0;
}
