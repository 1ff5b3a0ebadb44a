/* doubts.c: rules of thumb over a plan: temperatures, rungs, exchanges, looks, memory, a GPU's width. */
#include "run/doubts.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "model/objective.h"
#include "temper/ladder.h"

/* The coldest and the hottest finite temperature. */
typedef struct span {
    double cold, hot;
} span;

static span temperatures(const lehr_run_spec *spec)
{
    if (spec->method != LEHR_METHOD_TEMPERING)
        return (span){spec->cooling.end, spec->cooling.start};
    static const span nothing = {1, 1};
    double beta[LEHR_RUNGS_MAX];
    if (lehr_ladder_fill(&spec->ladder, beta) != LEHR_OK)
        return nothing;
    int32_t last = spec->ladder.rungs - 1;
    while (last > 0 && beta[last] == 0)
        last--;
    return (span){1 / beta[0], 1 / beta[last]};
}

static void add(lehr_text *out, const char *sentence)
{
    lehr_text_add(out, "%s%s", out->length > 0 ? "\n" : "", sentence);
}

/* An energy of the size that guessing gives: ln K a point for K classes, 1 for standardized targets. */
static double guess_energy(const lehr_problem *problem)
{
    const lehr_energy_args *args = &problem->args;
    const double classes = fmax(args->outputs, 2);
    const double point = args->loss == LEHR_LOSS_CROSS_ENTROPY ? log(classes) : 1;
    const int64_t points = problem->part[LEHR_PART_TRAIN].points;
    return args->reduction == LEHR_REDUCTION_SUM ? point * (double)points : point;
}

/* Sums of losses are made of floats: energies closer than some ulps cannot be told apart. */
static void doubt_coldest(span t, const lehr_problem *problem, lehr_text *out)
{
    const double energy = guess_energy(problem);
    const double grain = 16 * (double)FLT_EPSILON * energy;
    if (problem->args.network.layers == 0 || t.cold >= grain)
        return;
    char line[256];
    snprintf(line, sizeof line,
             "the coldest temperature %g is below 16 float ulps (%.2g) of an energy of %.3g",
             t.cold, grain, energy);
    add(out, line);
}

/* The barrier of a quadratic energy in P dimensions is sqrt(P/2pi) ln(Tmax/Tmin); networks leave many of their
 * directions flat, so a quarter of it is asked for. A ladder wants at least as many rungs as its barrier
 * (Syed et al. 2022, doi:10.1111/rssb.12464). */
static void doubt_rungs(const lehr_run_spec *spec, span t, const lehr_plan *plan, lehr_text *out)
{
    const double pi = 3.14159265358979323846;
    const double barrier = sqrt(plan->parameters / (2 * pi)) * log(t.hot / t.cold) / 4;
    if (spec->method != LEHR_METHOD_TEMPERING || plan->rungs >= barrier)
        return;
    char line[256];
    snprintf(line, sizeof line,
             "%d rungs from %g to %g are few for %d parameters: %.0f would be a start", plan->rungs,
             t.cold, t.hot, plan->parameters, ceil(barrier));
    add(out, line);
}

static void doubt_length(const lehr_run_spec *spec, const lehr_plan *plan, lehr_text *out)
{
    if (plan->scans == 0)
        return;
    if (spec->method == LEHR_METHOD_TEMPERING && spec->exchange.every > plan->scans)
        add(out, "the run ends before its first exchange (exchange.every)");
    if (spec->observe > plan->scans)
        add(out, "the run ends before its first observation (output.observe)");
}

static void doubt_device(const lehr_plan *plan, lehr_text *out)
{
    lehr_device_info cpu;
    lehr_backend_cpu.describe(0, &cpu);
    if (plan->table_bytes + plan->host_bytes > cpu.memory_bytes)
        add(out, "the run needs more memory than this machine has");
    if (plan->device_bytes > 0 && plan->rows / plan->devices < plan->units)
        add(out, "there are fewer rows than the GPU has multiprocessors: most of it would idle");
    if (plan->parts > 1)
        add(out, "the rows do not fit on the device at once and take turns: slower");
}

void lehr_plan_doubts(const lehr_run_spec *spec, const lehr_objective *objective,
                      const lehr_plan *plan, lehr_text *out)
{
    const span t = temperatures(spec);
    doubt_coldest(t, lehr_objective_problem(objective), out);
    if (lehr_objective_weights(objective) == LEHR_WEIGHTS_REAL)
        doubt_rungs(spec, t, plan, out);
    doubt_length(spec, plan, out);
    doubt_device(plan, out);
}
