/* converge.c: stop rules. Those that depend on the trajectory are looked at on observation scans only, so they
 * fall on the same scan however a run is cut into slices. */
#include <math.h>

#include "base/status.h"
#include "run/run.h"

static lehr_status check(const lehr_stop_spec *stop)
{
    LEHR_CHECK(stop->scans >= 0 && stop->proposals >= 0 && stop->frozen >= 0 && stop->wall_s >= 0,
               LEHR_ERR_ARG, "stop rules must not be negative");
    LEHR_CHECK(stop->scans || stop->proposals || stop->frozen || stop->wall_s > 0 || stop->metric,
               LEHR_ERR_ARG, "a run needs at least one stop rule");
    LEHR_CHECK((unsigned)stop->metric < LEHR_METRIC_COUNT && !isnan(stop->value), LEHR_ERR_ARG,
               "stop.target: unknown metric or value");
    return LEHR_OK;
}

static void plan_end(lehr_run *run, int64_t scans, lehr_stop stop)
{
    if (scans < run->last_scan) {
        run->last_scan = scans;
        run->last_stop = stop;
    }
}

/* An extended run has one rule only. */
static lehr_status extend(lehr_run *run)
{
    const lehr_run_spec *spec = &run->spec;
    if (spec->extra == 0)
        return LEHR_OK;
    LEHR_CHECK(spec->held >= 1 && spec->extra > 0 && spec->extra < INT64_MAX - spec->held,
               LEHR_ERR_ARG, "a run cannot be extended at scan %lld by %lld scans",
               (long long)spec->held, (long long)spec->extra);
    run->last_scan = spec->held + spec->extra;
    run->last_stop = LEHR_STOP_SCANS;
    return LEHR_OK;
}

lehr_status lehr_stop_plan(lehr_run *run, int32_t rows)
{
    const lehr_stop_spec *stop = &run->spec.stop;
    const lehr_cooling_spec *cooling = &run->spec.cooling;
    LEHR_TRY(check(stop));
    run->last_scan = INT64_MAX;
    if (stop->scans)
        plan_end(run, stop->scans, LEHR_STOP_SCANS);
    if (stop->proposals)
        plan_end(run, stop->proposals / rows + (stop->proposals % rows != 0), LEHR_STOP_PROPOSALS);
    if (run->spec.method == LEHR_METHOD_ANNEALING && cooling->scans)
        plan_end(run, cooling->scans, LEHR_STOP_TEMPERATURE);
    LEHR_CHECK(
        run->spec.method != LEHR_METHOD_ANNEALING || run->last_scan < INT64_MAX, LEHR_ERR_ARG,
        "annealing needs stop.scans, stop.proposals or cooling.scans: the schedule has to end");
    run->planned = run->last_scan;
    return extend(run);
}

static bool target_reached(const lehr_run *run)
{
    const double value = run->spec.stop.value;
    const lehr_observation *now = &run->observation;
    switch (run->spec.stop.metric) {
    case LEHR_METRIC_ENERGY: return now->energy_best <= value;
    case LEHR_METRIC_TRAIN_LOSS: return now->best_train.loss <= value;
    case LEHR_METRIC_TRAIN_ACCURACY: return now->best_train.accuracy >= value;
    case LEHR_METRIC_VALIDATION_LOSS: return now->best_validation.loss <= value;
    case LEHR_METRIC_VALIDATION_ACCURACY: return now->best_validation.accuracy >= value;
    default: return false;
    }
}

lehr_stop lehr_stop_observed(lehr_run *run)
{
    int64_t accepts = 0;
    const lehr_group *g = lehr_run_group(run);
    for (int32_t r = 0; r < g->rows; r++)
        accepts += run->pack->table->accepts[g->first_row + r];
    if (accepts > run->accepts) {
        run->accepts = accepts;
        run->accepts_scan = run->scan;
    }
    if (run->spec.extra > 0)
        return LEHR_STOP_NONE;
    if (target_reached(run))
        return LEHR_STOP_TARGET;
    const int64_t frozen = run->spec.stop.frozen;
    return frozen && run->scan - run->accepts_scan >= frozen ? LEHR_STOP_FROZEN : LEHR_STOP_NONE;
}
