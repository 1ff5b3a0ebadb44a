/* summary.c: what a run reports: scores, step sizes, ladder, hash. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "core/temper.h"
#include "model/objective.h"
#include "run/comm.h"
#include "run/replicas.h"
#include "run/run.h"
#include "temper/exchange.h"

lehr_move_report lehr_run_move(const lehr_run *run, int32_t move, int32_t rung)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    int64_t proposed = 0, accepted = 0;
    double log_step = 0;
    for (int32_t c = 0; c < g->copies; c++) {
        const int64_t i = g->first_step + ((int64_t)c * g->rungs + rung) * g->moves + move;
        proposed += t->proposed[i];
        accepted += t->accepted[i];
        log_step += t->log_step[i];
    }
    const bool flips = g->move[move].kind == LEHR_MOVE_FLIP;
    return (lehr_move_report){
        .scale = flips ? NAN : exp(log_step / g->copies),
        .acceptance = proposed ? (double)accepted / (double)proposed : NAN,
        .proposals = proposed,
    };
}

double lehr_run_swap(const lehr_run *run, int32_t rung)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    double sum = 0;
    int64_t count = 0;
    for (int32_t c = 0; c < g->copies; c++) {
        const int64_t slot = g->first_slot + c * g->rungs + rung;
        sum += t->swap_sum[slot];
        count += t->swap_count[slot];
    }
    return count ? sum / (double)count : NAN;
}

double lehr_run_flow(const lehr_run *run, int32_t rung)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    int64_t cold = 0, hot = 0;
    for (int32_t c = 0; c < g->copies; c++) {
        const int64_t slot = g->first_slot + c * g->rungs + rung;
        cold += t->from_cold[slot];
        hot += t->from_hot[slot];
    }
    return cold + hot ? (double)cold / (double)(cold + hot) : NAN;
}

double lehr_run_temperature(const lehr_run *run, int32_t rung)
{
    const lehr_group *g = lehr_run_group(run);
    const double beta = g->scheduled ? lehr_cooling_beta(g, (lehr_u64)run->scan)
                                     : run->pack->table->beta[g->first_beta + rung];
    return 1 / beta;
}

/* Barrier and predicted rate are means over copies; trips are counted over all of them. */
static void summarize_exchange(const lehr_run *run, lehr_run_summary *out)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    out->barrier = out->tau_predicted = out->tau_observed = NAN;
    for (int32_t r = 0; r < g->rows; r++)
        out->round_trips += t->trips[g->first_row + r];
    const int64_t exchanges = run->scan / g->every;
    if (g->exchange == LEHR_EXCHANGE_NONE || exchanges < 2)
        return;
    double rejection[LEHR_RUNGS_MAX];
    out->barrier = out->tau_predicted = 0;
    for (int32_t c = 0; c < g->copies; c++) {
        for (int32_t i = 0; i + 1 < g->rungs; i++) {
            const int64_t slot = g->first_slot + c * g->rungs + i;
            rejection[i] = t->swap_count[slot] ? 1 - t->swap_sum[slot] / (double)t->swap_count[slot]
                                               : 1;
        }
        out->barrier += lehr_barrier(rejection, g->rungs - 1) / g->copies;
        out->tau_predicted += lehr_round_trip_rate(rejection, g->rungs - 1,
                                                   (lehr_exchange)g->exchange) /
                              g->copies;
    }
    out->tau_observed = (double)out->round_trips / (double)exchanges / g->copies;
}

static void summarize_rows(const lehr_run *run, lehr_run_summary *out)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    out->nonfinite_row = -1;
    out->energy_best = INFINITY;
    for (int32_t r = g->rows - 1; r >= 0; r--) {
        const int32_t row = g->first_row + r;
        out->nonfinite += t->nonfinite[row];
        if (t->nonfinite[row])
            out->nonfinite_row = r;
        out->energy_best = fmin(out->energy_best, t->best_energy[row]);
    }
}

lehr_status lehr_run_summarize(lehr_run *run, lehr_run_summary *out)
{
    LEHR_TRY(lehr_pack_pull_weights(run->pack));
    const lehr_group *g = lehr_run_group(run);
    lehr_run_summary summary = {
        .stop = run->stop,
        .scans = run->scan,
        .proposals = run->scan * g->rows,
        .wall_s = run->wall_s,
        .rows = g->rows,
        .rungs = g->rungs,
        .copies = g->copies,
        .parameters = run->pack->table->parameters,
        .moves = g->moves,
        .threads = run->pack->backend->threads(run->pack->state),
        .ranks = run->pack->comm->ranks,
        .gpus = run->pack->gpus,
        .best_scan = run->best_scan,
        .state_hash = lehr_replicas_hash(run->pack->table, g),
        .numerics = run->spec.numerics,
    };
    lehr_text_copy(summary.backend, sizeof summary.backend, run->pack->where);
    lehr_text_copy(summary.device, sizeof summary.device, run->pack->device);
    summarize_rows(run, &summary);
    summarize_exchange(run, &summary);
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        LEHR_TRY(lehr_run_score(run, (lehr_part)part, run->best, &summary.best[part]));
    *out = summary;
    return LEHR_OK;
}

lehr_status lehr_run_best(const lehr_run *run, float *theta)
{
    memcpy(theta, run->best, (size_t)run->pack->table->parameters * sizeof *theta);
    return LEHR_OK;
}

lehr_status lehr_run_row(lehr_run *run, int32_t row, float *theta, double *energy, int32_t *rung)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    LEHR_CHECK(row >= 0 && row < g->rows, LEHR_ERR_ARG, "row %d of %d", row, g->rows);
    LEHR_TRY(lehr_pack_pull_weights(run->pack));
    row += g->first_row;
    if (theta)
        memcpy(theta, t->theta + (size_t)row * (size_t)t->parameters,
               (size_t)t->parameters * sizeof *theta);
    if (energy)
        *energy = t->energy[row];
    if (rung)
        *rung = t->rung[row];
    return LEHR_OK;
}

lehr_status lehr_network_forward(const lehr_objective *objective, const float *theta,
                                 const float *inputs, int64_t points, float *outputs)
{
    const lehr_network *network = &lehr_objective_problem(objective)->args.network;
    LEHR_CHECK(network->layers > 0, LEHR_ERR_ARG, "only a network objective has outputs");
    return lehr_forward(network, theta, inputs, points, outputs);
}
