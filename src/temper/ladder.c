/* ladder.c: temperatures of a ladder, and the checks of a cooling schedule. The schedule itself is evaluated by
 * every backend at every scan, so its formula is in kernels/core/temper.h. */
#include "temper/ladder.h"

#include <math.h>

#include "base/status.h"
#include "core/real.h"

/* A listed temperature at least this high stands for beta = 0. */
static const double infinite_temperature = 1e300;

static lehr_status check_list(const lehr_ladder_spec *spec)
{
    LEHR_CHECK(spec->rungs <= LEHR_LADDER_LIST_MAX, LEHR_ERR_ARG,
               "a listed ladder holds at most %d temperatures, got %d", LEHR_LADDER_LIST_MAX,
               spec->rungs);
    for (int32_t t = 0; t < spec->rungs; t++) {
        const double below = t > 0 ? spec->list[t - 1] : 0;
        LEHR_CHECK(spec->list[t] > below && isfinite(spec->list[t]), LEHR_ERR_ARG,
                   "listed temperatures must be positive and rise, got %g after %g", spec->list[t],
                   below);
    }
    return LEHR_OK;
}

lehr_status lehr_ladder_check(const lehr_ladder_spec *spec)
{
    LEHR_CHECK(spec->rungs >= 2, LEHR_ERR_ARG, "a ladder needs at least 2 rungs, got %d",
               spec->rungs);
    LEHR_CHECK(spec->rungs <= LEHR_RUNGS_MAX, LEHR_ERR_ARG, "a ladder has at most %d rungs, got %d",
               LEHR_RUNGS_MAX, spec->rungs);
    if (spec->kind == LEHR_LADDER_LIST)
        return check_list(spec);
    LEHR_CHECK(0 < spec->min && spec->min < spec->max && isfinite(spec->max), LEHR_ERR_ARG,
               "a ladder needs 0 < min < max, got min %g, max %g", spec->min, spec->max);
    return LEHR_OK;
}

lehr_status lehr_ladder_fill(const lehr_ladder_spec *spec, double *beta)
{
    LEHR_TRY(lehr_ladder_check(spec));
    if (spec->kind == LEHR_LADDER_LIST) {
        for (int32_t t = 0; t < spec->rungs; t++)
            beta[t] = spec->list[t] >= infinite_temperature ? 0 : 1 / spec->list[t];
        return LEHR_OK;
    }
    /* core's log and exp, not libm's: betas decide bits, and libm's last digits depend on the machine */
    const double step = lehr_log64(spec->max / spec->min) / (spec->rungs - 1);
    for (int32_t t = 0; t < spec->rungs; t++)
        beta[t] = lehr_exp64(-step * t) / spec->min;
    return LEHR_OK;
}

lehr_status lehr_cooling_check(const lehr_cooling_spec *spec)
{
    LEHR_CHECK(0 < spec->end && spec->end <= spec->start && isfinite(spec->start), LEHR_ERR_ARG,
               "cooling needs 0 < end <= start, got start %g, end %g", spec->start, spec->end);
    LEHR_CHECK(spec->scans >= 0, LEHR_ERR_ARG, "cooling.scans must not be negative, got %lld",
               (long long)spec->scans);
    return LEHR_OK;
}
