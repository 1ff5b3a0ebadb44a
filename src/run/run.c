/* run.c: one run: its spec, its part of the table, and how it goes on and ends. Where its rows stand and what moves
 * them is in pack.c, what it reports at its end in summary.c. */
#include "run/run.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "core/loss.h"
#include "core/proposal.h"
#include "core/temper.h"
#include "model/objective.h"
#include "run/follow.h"
#include "run/replicas.h"
#include "temper/ladder.h"
#include "temper/proposal.h"

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

/* ---- Its group --------------------------------------------------------------------------------- */

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
    LEHR_CHECK(!spec->delayed_acceptance || run->pack->problem->args.target == LEHR_TARGET_NETWORK,
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
    if (run->spec.method == LEHR_METHOD_ANNEALING || run->planned == INT64_MAX)
        return UINT64_MAX;
    return (uint64_t)(run->spec.adapt * (double)run->planned);
}

/* Proposals that may be rejected before their energy is known have no acceptance probability, so step sizes
 * learn from outcomes; they do so whether or not it is done, and the bits are the same. */
static lehr_i32 counts_outcomes(const lehr_run *run)
{
    const lehr_energy_args *e = &run->pack->problem->args;
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

/* Schedules that have come to their end at a scan, wherever they were then; nothing is adapted any more. */
static void hold(lehr_group *group, lehr_u64 scan)
{
    for (int32_t m = 0; m < group->moves; m++) {
        lehr_move_args *move = &group->move[m];
        if (!move->scheduled)
            continue;
        move->log_from = lehr_log64((double)lehr_scheduled_step(group, m, scan));
        move->log_slope = 0;
    }
    if (group->scheduled)
        group->end = 1 / lehr_cooling_beta(group, scan);
    group->cooling_scans = scan + 1;
    group->adapt_scans = group->adapt_scans < scan ? group->adapt_scans : scan;
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
        .cooling_scans = (lehr_u64)(spec->cooling.scans ? spec->cooling.scans : run->planned),
        .adapt_scans = adapt_scans(run),
        .until = run->last_scan == INT64_MAX ? UINT64_MAX : (lehr_u64)run->last_scan,
        .start = spec->cooling.start,
        .end = spec->cooling.end,
        .gain = adapt_gain,
        .gain_power = adapt_power,
        .gain_floor = annealing ? annealing_floor : 0,
    };
    LEHR_TRY(lehr_moves_fill(spec->moves, spec->move_count,
                             lehr_objective_weights(run->pack->objective),
                             &run->pack->problem->args.network, group->move));
    LEHR_TRY(fill_step_schedules(run, group));
    if (spec->extra > 0)
        hold(group, (lehr_u64)spec->held);
    return LEHR_OK;
}

lehr_status lehr_run_plan_group(lehr_run *run, lehr_group *group)
{
    int32_t rungs, rows;
    LEHR_TRY(check_spec(run));
    LEHR_TRY(count_rows(&run->spec, &rungs, &rows));
    LEHR_TRY(lehr_stop_plan(run, rows));
    LEHR_TRY(lehr_batch_plan(run));
    return fill_group(run, rungs, rows, group);
}

lehr_group *lehr_run_group(const lehr_run *run)
{
    return &run->pack->table->group[run - run->pack->run];
}

/* ---- Its beginning ----------------------------------------------------------------------------- */

static lehr_status fill_temperatures(lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    double *beta = t->beta + g->first_beta, *log_step = t->log_step + g->first_step;
    if (g->scheduled)
        beta[0] = 1 / g->start;
    else
        LEHR_TRY(lehr_ladder_fill(&run->spec.ladder, beta));
    for (int32_t slot = 0; slot < g->rows; slot++)
        for (int32_t m = 0; m < g->moves; m++)
            log_step[(int64_t)slot * g->moves + m] = lehr_move_log_step(
                &run->spec.moves[m], &run->pack->problem->args.network, t->parameters,
                1 / beta[slot % g->rungs]);
    return LEHR_OK;
}

lehr_status lehr_run_fill(lehr_run *run)
{
    LEHR_TRY(fill_temperatures(run));
    lehr_replicas_draw(run->pack->table, lehr_run_group(run), run->pack->objective);
    return LEHR_OK;
}

void lehr_run_begin(lehr_run *run)
{
    run->best_loss = INFINITY;
    run->best_energy = INFINITY;
    run->observed_scan = -1;
    run->due = true;
}

static bool allowed(lehr_weights kind, float w)
{
    const bool unit = w == 1 || w == -1;
    return kind == LEHR_WEIGHTS_REAL || unit || (kind == LEHR_WEIGHTS_TERNARY && w == 0);
}

lehr_status lehr_share_start_from(lehr_run *run, float *theta)
{
    lehr_pack *pack = run->pack;
    const lehr_table *t = pack->table;
    const lehr_group *g = lehr_run_group(run);
    const size_t P = (size_t)t->parameters;
    LEHR_TRY(pack->comm->broadcast(pack->comm, 0, theta, (int64_t)(P * sizeof *theta)));
    LEHR_TRY(lehr_share_pull(pack));
    for (int32_t r = 0; r < g->rows; r++)
        memcpy(t->theta + (size_t)(g->first_row + r) * P, theta, P * sizeof *theta);
    LEHR_TRY(lehr_pack_push(pack));
    return lehr_pack_start(pack);
}

lehr_status lehr_run_start_from(lehr_run *run, const float *theta)
{
    const int32_t P = run->pack->table->parameters;
    LEHR_CHECK(run->scan == 0, LEHR_ERR_ARG, "first weights can only be set before the first scan");
    for (int32_t i = 0; i < P; i++)
        LEHR_CHECK(allowed(lehr_objective_weights(run->pack->objective), theta[i]), LEHR_ERR_ARG,
                   "first weight %d is %g, which this kind of weights does not allow", i,
                   (double)theta[i]);
    memcpy(run->best, theta, (size_t)P * sizeof *theta);
    LEHR_TRY(lehr_lead(run->pack, LEHR_ORDER_START_FROM, run, 0));
    return lehr_led(run->pack, lehr_share_start_from(run, run->best));
}

/* ---- Its way ----------------------------------------------------------------------------------- */

int64_t lehr_run_scans_left(const lehr_run *run)
{
    int64_t scans = run->spec.observe - run->scan % run->spec.observe;
    if (scans > lehr_batch_scans_left(run))
        scans = lehr_batch_scans_left(run);
    return scans < run->last_scan - run->scan ? scans : run->last_scan - run->scan;
}

static lehr_stop stop_between_slices(const lehr_run *run)
{
    if (run->scan >= run->last_scan)
        return run->last_stop;
    if (atomic_load(&run->pack->interrupted))
        return LEHR_STOP_SIGNAL;
    return run->spec.extra == 0 && run->spec.stop.wall_s > 0 && run->wall_s >= run->spec.stop.wall_s
               ? LEHR_STOP_WALL
               : LEHR_STOP_NONE;
}

/* At its planned end its rows rest of themselves; earlier, their group says so, and the pack has to be told. */
static lehr_status end(lehr_run *run, lehr_stop why)
{
    lehr_group *g = lehr_run_group(run);
    run->stop = why;
    if (run->pack->count == 1 || lehr_rests(g, (lehr_u64)run->scan))
        return LEHR_OK;
    if (!run->pack->pulled)
        LEHR_TRY(lehr_share_pull(run->pack));
    g->until = (lehr_u64)run->scan;
    run->pack->untold = true;
    return LEHR_OK;
}

void lehr_run_look(lehr_run *run)
{
    run->coming = stop_between_slices(run);
    /* The end is always looked at; a signal is none. */
    const bool ends = run->coming != LEHR_STOP_NONE && run->coming != LEHR_STOP_SIGNAL;
    run->due = (ends || run->scan % run->spec.observe == 0) && run->observed_scan != run->scan;
}

lehr_status lehr_run_conclude(lehr_run *run)
{
    const bool rules = run->due && run->scan % run->spec.observe == 0;
    const lehr_stop seen = rules ? lehr_stop_observed(run) : LEHR_STOP_NONE;
    const lehr_stop why = seen != LEHR_STOP_NONE ? seen : run->coming;
    run->due = false;
    return why != LEHR_STOP_NONE ? end(run, why) : LEHR_OK;
}

lehr_status lehr_run_advance(lehr_run *run, int64_t scans, lehr_stop *stop)
{
    bool moving;
    LEHR_CHECK(run->pack->count == 1, LEHR_ERR_ARG,
               "a run of a pack of %d moves with it, by lehr_pack_advance", run->pack->count);
    LEHR_TRY(lehr_pack_advance(run->pack, scans, &moving));
    *stop = run->stop;
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
    atomic_store(&run->pack->interrupted, 1);
}

lehr_stop lehr_run_stopped(const lehr_run *run)
{
    return run->stop;
}

lehr_status lehr_share_halt(lehr_run *run, lehr_stop why)
{
    if (run->stop == LEHR_STOP_NONE)
        LEHR_TRY(end(run, why));
    return lehr_pack_tell(run->pack);
}

lehr_status lehr_run_halt(lehr_run *run, lehr_stop why)
{
    LEHR_TRY(lehr_lead(run->pack, LEHR_ORDER_HALT, run, why));
    return lehr_led(run->pack, lehr_share_halt(run, why));
}

const char *lehr_run_notice(const lehr_run *run)
{
    return run->pack->notice;
}
