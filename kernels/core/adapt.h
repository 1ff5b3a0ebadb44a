/* adapt.h: step sizes follow acceptance (Robbins and Monro 1951, doi:10.1214/aoms/1177729586).      */
#ifndef LEHR_CORE_ADAPT_H
#define LEHR_CORE_ADAPT_H

#include "core/args.h"
#include "core/real.h"

#define LEHR_LOG_STEP_MIN (-30.0)
#define LEHR_LOG_STEP_MAX 10.0

/* Gain of update number `update` >= 1: gain/t^power, but not below the floor. */
LEHR_FN double lehr_adapt_gain(const lehr_group *g, lehr_i64 update)
{
    const double t_power = lehr_exp64(g->gain_power * lehr_log64((double)update));
    const double gain = g->gain / t_power;
    return gain > g->gain_floor ? gain : g->gain_floor;
}

/* ln sigma after an update with the mean acceptance probability `alpha`, the target `wanted`. */
LEHR_FN double lehr_adapt_log_step(double log_step, double gain, double alpha, double wanted)
{
    const double next = log_step + gain * (alpha - wanted);
    const double low = next < LEHR_LOG_STEP_MIN ? LEHR_LOG_STEP_MIN : next;
    return low > LEHR_LOG_STEP_MAX ? LEHR_LOG_STEP_MAX : low;
}

#endif
