/* run.c: a run from its spec to its end: table, backend, and the loop of slices. What a run reports at its end
 * is in summary.c. */
#include "run/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "core/loss.h"
#include "model/objective.h"
#include "run/device.h"
#include "run/replicas.h"
#include "temper/ladder.h"
#include "temper/proposal.h"

/* Signals and clocks are looked at between slices, so a slice is predicted to take at most this long. */
static const double slice_s = 0.2;

/* Robbins-Monro gain of ln sigma, gain/t^power: large enough to cross e^3 in ten updates, summable in square. An
 * annealed row follows a falling temperature, so its gain keeps a floor. */
static const double adapt_gain = 2.0, adapt_power = 0.6, annealing_floor = 0.1;

lehr_run_spec lehr_run_spec_default(void)
{
    return (lehr_run_spec){
        .seed = 1,
        .method = LEHR_METHOD_TEMPERING,
        .copies = 2,
        .ladder = {.kind = LEHR_LADDER_GEOMETRIC, .rungs = 16, .min = 1e-4, .max = 1e-1},
        .cooling = {.kind = LEHR_COOLING_GEOMETRIC, .start = 1e-1, .end = 1e-4},
        .adapt = 0.5,
        .move_count = 2,
        .moves =
            {{.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_ALL, .k = 1, .nu = 4, .weight = 1},
             {.kind = LEHR_MOVE_GAUSSIAN,
              .scope = LEHR_SCOPE_LAYER,
              .k = 1,
              .nu = 4,
              .weight = 0.5}},
        .exchange = {.scheme = LEHR_EXCHANGE_DEO, .every = 10},
        .stop = {.scans = 20000},
        .observe = 100,
        .keep_activations = true,
        .early_rejection = true,
        .batch = {.refresh = 10},
        .backend = "auto",
    };
}

/* ---- Create ------------------------------------------------------------------------------------ */

static lehr_status check_temperatures(const lehr_run_spec *spec)
{
    switch (spec->method) {
    case LEHR_METHOD_TEMPERING: return lehr_ladder_check(&spec->ladder);
    case LEHR_METHOD_ANNEALING: return lehr_cooling_check(&spec->cooling);
    default:
        return lehr_fail(LEHR_ERR_UNSUPPORTED, "method population is not part of this version; use "
                                               "tempering or annealing");
    }
}

static lehr_status check_spec(const lehr_run *run)
{
    const lehr_run_spec *spec = &run->spec;
    LEHR_TRY(check_temperatures(spec));
    LEHR_CHECK(spec->copies >= 1, LEHR_ERR_ARG, "a run needs at least 1 copy, got %d",
               spec->copies);
    LEHR_CHECK(spec->adapt >= 0 && spec->adapt <= 1, LEHR_ERR_ARG,
               "temperatures.adapt must be between 0 and 1, got %g", spec->adapt);
    LEHR_CHECK((unsigned)spec->exchange.scheme < LEHR_EXCHANGE_COUNT && spec->exchange.every >= 1,
               LEHR_ERR_ARG, "exchange.every must be at least 1, got %d", spec->exchange.every);
    LEHR_CHECK(spec->observe >= 1, LEHR_ERR_ARG, "output.observe must be at least 1, got %lld",
               (long long)spec->observe);
    LEHR_CHECK(!spec->delayed_acceptance || run->problem->args.target == LEHR_TARGET_NETWORK,
               LEHR_ERR_ARG, "delayed acceptance needs a network on data");
    LEHR_CHECK(spec->threads >= 0 && spec->threads <= 4096, LEHR_ERR_ARG,
               "threads must be between 0 and 4096, got %d", spec->threads);
    return LEHR_OK;
}

static lehr_status count_rows(const lehr_run_spec *spec, int32_t *rungs, int32_t *rows)
{
    *rungs = spec->method == LEHR_METHOD_TEMPERING ? spec->ladder.rungs : 1;
    const int64_t product = (int64_t)*rungs * spec->copies;
    LEHR_CHECK(product <= INT32_MAX / LEHR_MOVES_MAX, LEHR_ERR_ARG,
               "%d rungs x %d copies are too many rows", *rungs, spec->copies);
    *rows = (int32_t)product;
    return LEHR_OK;
}

/* Scan from which step sizes are frozen. An annealed row adapts to the end: it never samples. */
static uint64_t adapt_scans(const lehr_run *run)
{
    if (run->spec.method == LEHR_METHOD_ANNEALING || run->last_scan == INT64_MAX)
        return UINT64_MAX;
    return (uint64_t)(run->spec.adapt * (double)run->last_scan);
}

/* Proposals that may be rejected before their energy is known have no acceptance probability, so step sizes
 * learn from outcomes; they do so whether or not it is done, and the bits are the same. */
static lehr_i32 counts_outcomes(const lehr_run *run)
{
    const lehr_energy_args *e = &run->problem->args;
    return e->target == LEHR_TARGET_NETWORK &&
           (run->spec.delayed_acceptance || lehr_loss_is_positive(e->loss));
}

/* Geometric from the first scan of the schedule to its last one. */
static lehr_status fill_step_schedules(const lehr_run *run, lehr_group *group)
{
    const double scans = (double)group->cooling_scans;
    for (int32_t m = 0; m < group->moves; m++) {
        const lehr_move_spec *s = &run->spec.moves[m];
        lehr_move_args *move = &group->move[m];
        if (!move->scheduled)
            continue;
        LEHR_CHECK(group->cooling_scans < INT64_MAX, LEHR_ERR_ARG,
                   "moves.%d: a schedule of step sizes needs the run's length in scans", m);
        move->log_from = lehr_log64(s->scale);
        move->log_slope = lehr_log64(s->scale_to / s->scale) / (scans > 1 ? scans - 1 : 1);
    }
    return LEHR_OK;
}

static lehr_status fill_group(const lehr_run *run, int32_t rungs, int32_t rows, lehr_group *group)
{
    const lehr_run_spec *spec = &run->spec;
    const bool annealing = spec->method == LEHR_METHOD_ANNEALING;
    *group = (lehr_group){
        .key = spec->seed,
        .rows = rows,
        .rungs = rungs,
        .copies = spec->copies,
        .moves = spec->move_count,
        .every = spec->exchange.every,
        .exchange = annealing ? LEHR_EXCHANGE_NONE : (lehr_i32)spec->exchange.scheme,
        .cooling = spec->cooling.kind,
        .scheduled = annealing,
        .outcomes = counts_outcomes(run),
        .delayed = spec->delayed_acceptance,
        .cooling_scans = (lehr_u64)(spec->cooling.scans ? spec->cooling.scans : run->last_scan),
        .adapt_scans = adapt_scans(run),
        .start = spec->cooling.start,
        .end = spec->cooling.end,
        .gain = adapt_gain,
        .gain_power = adapt_power,
        .gain_floor = annealing ? annealing_floor : 0,
    };
    LEHR_TRY(lehr_moves_fill(spec->moves, spec->move_count, lehr_objective_weights(run->objective),
                             &run->problem->args.network, group->move));
    return fill_step_schedules(run, group);
}

static lehr_status fill_temperatures(lehr_run *run)
{
    lehr_table *t = run->table;
    const lehr_group *g = &t->group[0];
    if (g->scheduled)
        t->beta[0] = 1 / g->start;
    else
        LEHR_TRY(lehr_ladder_fill(&run->spec.ladder, t->beta));
    for (int32_t slot = 0; slot < g->rows; slot++)
        for (int32_t m = 0; m < g->moves; m++)
            t->log_step[(int64_t)slot * g->moves + m] = lehr_move_log_step(
                &run->spec.moves[m], &run->problem->args.network, t->parameters,
                1 / t->beta[slot % g->rungs]);
    return LEHR_OK;
}

lehr_status lehr_run_shape(lehr_run *run, lehr_group *group, lehr_table *shape)
{
    int32_t rungs, rows;
    LEHR_TRY(check_spec(run));
    LEHR_TRY(count_rows(&run->spec, &rungs, &rows));
    LEHR_TRY(lehr_stop_plan(run, rows));
    LEHR_TRY(lehr_batch_plan(run));
    LEHR_TRY(fill_group(run, rungs, rows, group));
    *shape = (lehr_table){.rows = rows,
                          .parameters = run->problem->args.parameters,
                          .group_count = 1,
                          .moves = group->moves,
                          .group = group};
    return LEHR_OK;
}

static lehr_status make_table(lehr_run *run, const lehr_group *group)
{
    LEHR_TRY(lehr_replicas_create(group, run->problem->args.parameters, &run->table));
    LEHR_TRY(fill_temperatures(run));
    lehr_replicas_draw(run->table, run->objective);
    return LEHR_OK;
}

/* Outputs of the largest part, for r2 and rmse. */
static lehr_status make_outputs(lehr_run *run)
{
    const lehr_dataset *data = lehr_objective_dataset(run->objective);
    if (!data || lehr_dataset_describe(data).task != LEHR_TASK_REGRESSION)
        return LEHR_OK;
    int64_t points = 1;
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        if (run->problem->part[part].points > points)
            points = run->problem->part[part].points;
    size_t count;
    LEHR_CHECK(lehr_size_mul((size_t)points, (size_t)run->problem->args.outputs, &count),
               LEHR_ERR_ARG, "%lld points with %d outputs are too many", (long long)points,
               run->problem->args.outputs);
    return LEHR_NEW(run->outputs, count, "network outputs");
}

static lehr_status make_scratch(lehr_run *run)
{
    const size_t P = (size_t)run->table->parameters;
    size_t candidates;
    LEHR_CHECK(lehr_size_mul(P, LEHR_CANDIDATES, &candidates), LEHR_ERR_ARG, "too many parameters");
    LEHR_TRY(LEHR_NEW(run->best, P, "best weights"));
    LEHR_TRY(LEHR_NEW(run->candidate, candidates, "observed weights"));
    LEHR_TRY(lehr_batch_create(run));
    return make_outputs(run);
}

/* ---- Backend ----------------------------------------------------------------------------------- */

/* Can it, and is there memory for it? */
static lehr_status try_backend(const lehr_run *run, const lehr_table *table)
{
    lehr_memory_plan plan;
    LEHR_TRY(run->backend->supports(&run->options, run->problem, table));
    return run->backend->plan(&run->options, run->problem, table, &plan);
}

static void add_notice(lehr_run *run, const char *sentence)
{
    const size_t length = strlen(run->notice);
    snprintf(run->notice + length, sizeof run->notice - length, "%s%s", length > 0 ? "; " : "",
             sentence);
}

/* What a user may not expect is said. */
static lehr_status add_notices(lehr_run *run, const lehr_table *shape)
{
    lehr_memory_plan plan = {0};
    char sentence[LEHR_NAME_MAX];
    if (run->problem->args.target == LEHR_TARGET_NETWORK)
        LEHR_TRY(run->backend->plan(&run->options, run->problem, shape, &plan));
    if (plan.wanted_bytes > 0) {
        snprintf(sentence, sizeof sentence,
                 "proposals are evaluated in full: kept activations would take %.1f GB",
                 (double)plan.wanted_bytes / 1e9);
        add_notice(run, sentence);
    }
    if (lehr_batched(run))
        add_notice(run, "mini-batches: the run optimizes, it samples no distribution");
    return LEHR_OK;
}

static lehr_status choose(lehr_run *run, const lehr_table *shape)
{
    const char *name = run->spec.backend;
    LEHR_TRY(
        lehr_device_choose(name, &run->options, &run->backend, run->notice, sizeof run->notice));
    const bool can_change = name[0] == '\0' || strcmp(name, "auto") == 0;
    if (!can_change || run->backend == &lehr_backend_cpu)
        return run->backend->supports(&run->options, run->problem, shape);
    const lehr_status status = try_backend(run, shape);
    if (status != LEHR_ERR_UNSUPPORTED && status != LEHR_ERR_DEVICE)
        return status;
    snprintf(run->notice, sizeof run->notice, "backend auto: cpu (%s)", lehr_error());
    run->options.device_count = 0;
    run->backend = &lehr_backend_cpu;
    return run->backend->supports(&run->options, run->problem, shape);
}

lehr_status lehr_run_choose(lehr_run *run, const lehr_table *shape)
{
    LEHR_TRY(choose(run, shape));
    return add_notices(run, shape);
}

const char *lehr_run_notice(const lehr_run *run)
{
    return run->notice;
}

/* ---- First energies ---------------------------------------------------------------------------- */

static lehr_status start(lehr_run *run)
{
    if (lehr_batched(run))
        LEHR_TRY(lehr_batch_draw(run));
    LEHR_TRY(run->backend->start(run->state));
    run->best_loss = INFINITY;
    run->best_energy = INFINITY;
    run->observed_scan = -1;
    return lehr_run_observe(run);
}

static lehr_status fill(lehr_run *run)
{
    lehr_group group;
    lehr_table shape;
    LEHR_TRY(lehr_run_shape(run, &group, &shape));
    LEHR_TRY(lehr_run_choose(run, &shape));
    LEHR_TRY(make_table(run, &group));
    LEHR_TRY(make_scratch(run));
    LEHR_TRY(run->backend->open(&run->options, run->problem, run->table, &run->state));
    if (run->backend->notice && run->notice[0] == '\0')
        lehr_text_copy(run->notice, sizeof run->notice, run->backend->notice(run->state));
    return start(run);
}

void lehr_run_prepare(lehr_run *run, const lehr_run_spec *spec, const lehr_backend_options *options,
                      const lehr_objective *objective)
{
    run->spec = *spec;
    run->options = *options;
    run->options.numerics = spec->numerics;
    run->options.whole |= !spec->early_rejection;
    run->options.forget |= !spec->keep_activations;
    if (lehr_cache_set(&run->cache, spec->cache_dir))
        run->options.cache = (lehr_cache_fns){lehr_cache_get, lehr_cache_put, &run->cache};
    run->objective = objective;
    run->problem = lehr_objective_problem(objective);
}

lehr_status lehr_run_create_with(const lehr_run_spec *spec, const lehr_backend_options *options,
                                 const lehr_objective *objective, lehr_run **out)
{
    lehr_run *run = NULL;
    LEHR_TRY(LEHR_NEW(run, 1, "run"));
    lehr_run_prepare(run, spec, options, objective);
    const lehr_status status = fill(run);
    if (status != LEHR_OK) {
        lehr_run_destroy(&run);
        return status;
    }
    *out = run;
    return LEHR_OK;
}

lehr_status lehr_run_create(const lehr_run_spec *spec, const lehr_objective *objective,
                            lehr_run **out)
{
    const lehr_backend_options options = {.threads = spec->threads};
    return lehr_run_create_with(spec, &options, objective, out);
}

void lehr_run_destroy(lehr_run **run)
{
    if (!*run)
        return;
    if ((*run)->state)
        (*run)->backend->close(&(*run)->state);
    lehr_replicas_destroy(&(*run)->table);
    LEHR_FREE((*run)->best);
    LEHR_FREE((*run)->candidate);
    LEHR_FREE((*run)->outputs);
    lehr_batch_destroy(*run);
    LEHR_FREE(*run);
}

static bool allowed(lehr_weights kind, float w)
{
    const bool unit = w == 1 || w == -1;
    return kind == LEHR_WEIGHTS_REAL || unit || (kind == LEHR_WEIGHTS_TERNARY && w == 0);
}

lehr_status lehr_run_start_from(lehr_run *run, const float *theta)
{
    const int32_t P = run->table->parameters;
    LEHR_CHECK(run->scan == 0, LEHR_ERR_ARG, "first weights can only be set before the first scan");
    for (int32_t i = 0; i < P; i++)
        LEHR_CHECK(allowed(lehr_objective_weights(run->objective), theta[i]), LEHR_ERR_ARG,
                   "first weight %d is %g, which this kind of weights does not allow", i,
                   (double)theta[i]);
    for (int32_t r = 0; r < run->table->rows; r++)
        memcpy(run->table->theta + (size_t)r * (size_t)P, theta, (size_t)P * sizeof *theta);
    LEHR_TRY(run->backend->push(run->state));
    return start(run);
}

/* ---- The loop ---------------------------------------------------------------------------------- */

/* Scans of the next slice: at most `wanted`, never across an observation or the end. */
static int64_t slice_scans(const lehr_run *run, int64_t wanted)
{
    int64_t scans = run->spec.observe - run->scan % run->spec.observe;
    if (scans > lehr_batch_scans_left(run))
        scans = lehr_batch_scans_left(run);
    if (scans > run->last_scan - run->scan)
        scans = run->last_scan - run->scan;
    if (wanted > 0 && wanted < scans)
        scans = wanted;
    const double affordable = run->scan_s > 0 ? slice_s / run->scan_s : run->table->group[0].every;
    return (double)scans > affordable ? (int64_t)fmax(affordable, 1) : scans;
}

static lehr_status run_slice(lehr_run *run, int64_t scans)
{
    const double begin_s = lehr_clock_s();
    LEHR_TRY(lehr_batch_refresh(run));
    LEHR_TRY(run->backend->slice(run->state, (uint64_t)run->scan, (uint64_t)scans));
    const double spent_s = lehr_clock_s() - begin_s;
    run->scan += scans;
    run->wall_s += spent_s;
    run->scan_s = spent_s / (double)scans;
    return LEHR_OK;
}

static lehr_stop stop_between_slices(const lehr_run *run)
{
    if (run->scan >= run->last_scan)
        return run->last_stop;
    if (atomic_load(&run->interrupted))
        return LEHR_STOP_SIGNAL;
    return run->spec.stop.wall_s > 0 && run->wall_s >= run->spec.stop.wall_s ? LEHR_STOP_WALL
                                                                             : LEHR_STOP_NONE;
}

static lehr_status observe(lehr_run *run)
{
    const double begin_s = lehr_clock_s();
    LEHR_TRY(lehr_run_observe(run));
    run->wall_s += lehr_clock_s() - begin_s;
    return LEHR_OK;
}

lehr_status lehr_run_advance(lehr_run *run, int64_t scans, lehr_stop *stop)
{
    if (run->stop == LEHR_STOP_NONE && run->scan < run->last_scan)
        LEHR_TRY(run_slice(run, slice_scans(run, scans)));
    lehr_stop now = stop_between_slices(run);
    if (run->scan % run->spec.observe == 0 && run->observed_scan != run->scan) {
        LEHR_TRY(observe(run));
        const lehr_stop observed = lehr_stop_observed(run);
        now = observed != LEHR_STOP_NONE ? observed : now;
    }
    if (now != LEHR_STOP_NONE && run->observed_scan != run->scan)
        LEHR_TRY(observe(run)); /* the end is always looked at */
    run->stop = *stop = now;
    return LEHR_OK;
}

lehr_status lehr_run_go(lehr_run *run, lehr_observe_fn observe_fn, void *data)
{
    lehr_stop stop = LEHR_STOP_NONE;
    while (stop == LEHR_STOP_NONE) {
        const int64_t observed = run->observed_scan;
        LEHR_TRY(lehr_run_advance(run, 0, &stop));
        if (observe_fn && run->observed_scan != observed)
            LEHR_TRY(observe_fn(&run->observation, run, data));
    }
    return LEHR_OK;
}

void lehr_run_interrupt(lehr_run *run)
{
    atomic_store(&run->interrupted, 1);
}
