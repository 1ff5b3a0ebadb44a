/* observe.c: a look at the run: which weights are the best so far, and the figures of a progress line. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "model/objective.h"
#include "run/follow.h"
#include "run/run.h"
#include "run/share.h"

/* Sum of squared errors and r2 of outputs[N,K] against targets[N,K] of one part; rmse in the data's units. */
static void score_regression(const lehr_run *run, lehr_part part, lehr_score *out)
{
    const lehr_part_data *data = &run->pack->problem->part[part];
    const int32_t K = run->pack->problem->args.outputs;
    const lehr_dataset_info info = lehr_dataset_describe(
        lehr_objective_dataset(run->pack->objective));
    double r2 = 0, squares = 0;
    for (int32_t k = 0; k < K; k++) {
        double mean = 0, error = 0, spread = 0;
        for (int64_t n = 0; n < data->points; n++)
            mean += data->targets[n * K + k];
        mean /= (double)data->points;
        for (int64_t n = 0; n < data->points; n++) {
            const double y = data->targets[n * K + k], e = run->pack->outputs[n * K + k] - y;
            error += e * e;
            spread += (y - mean) * (y - mean);
        }
        r2 += spread > 0 ? 1 - error / spread : NAN;
        squares += error * info.target_scale[k] * info.target_scale[k];
    }
    out->r2 = r2 / K;
    out->rmse = sqrt(squares / (double)data->points / K);
}

lehr_status lehr_run_score(lehr_run *run, lehr_part part, const float *theta, lehr_score *out)
{
    *out = (lehr_score){NAN, NAN, NAN, NAN};
    const lehr_part_data *data = &run->pack->problem->part[part];
    if (run->pack->problem->args.target != LEHR_TARGET_NETWORK || data->points == 0)
        return LEHR_OK;
    lehr_evaluation evaluation;
    LEHR_TRY(run->pack->backend->evaluate(run->pack->state, part, theta, 1, &evaluation));
    out->loss = evaluation.loss;
    if (!run->pack->outputs) {
        out->accuracy = evaluation.hits / (double)data->points;
        return LEHR_OK;
    }
    LEHR_TRY(lehr_forward(&run->pack->problem->args.network, theta, data->inputs, data->points,
                          run->pack->outputs));
    score_regression(run, part, out);
    return LEHR_OK;
}

static void take(lehr_run *run, const float *theta, double loss, double energy)
{
    memcpy(run->best, theta, (size_t)run->pack->table->parameters * sizeof *theta);
    run->best_loss = loss;
    run->best_energy = energy;
    run->best_scan = run->scan;
}

/* Keep the candidate with the lowest validation loss; ties go to the lower training energy, then to the older. */
static lehr_status judge_candidates(lehr_run *run)
{
    const size_t P = (size_t)run->pack->table->parameters;
    lehr_evaluation evaluation[LEHR_CANDIDATES];
    LEHR_TRY(run->pack->backend->evaluate(run->pack->state, LEHR_PART_VALIDATION,
                                          run->pack->candidate, run->pack->candidates, evaluation));
    for (int32_t i = 0; i < run->pack->candidates; i++) {
        const double loss = evaluation[i].loss, energy = run->pack->candidate_energy[i];
        if (loss < run->best_loss || (loss == run->best_loss && energy < run->best_energy))
            take(run, run->pack->candidate + (size_t)i * P, loss, energy);
    }
    run->pack->candidates = 0;
    return LEHR_OK;
}

static lehr_status add_candidate(lehr_run *run, const float *theta, double energy)
{
    const size_t P = (size_t)run->pack->table->parameters;
    memcpy(run->pack->candidate + (size_t)run->pack->candidates * P, theta, P * sizeof *theta);
    run->pack->candidate_energy[run->pack->candidates++] = energy;
    return run->pack->candidates == LEHR_CANDIDATES ? judge_candidates(run) : LEHR_OK;
}

static lehr_status choose_by_validation(lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    for (int32_t r = g->first_row; r < g->first_row + g->rows; r++) {
        const size_t at = (size_t)r * (size_t)t->parameters;
        if (!lehr_share_owns(run->pack, r))
            continue;
        if (t->rung[r] == 0)
            LEHR_TRY(add_candidate(run, t->theta + at, t->energy[r]));
        if (!lehr_batched(run) && t->best_scan[r] > run->observed_scan)
            LEHR_TRY(add_candidate(run, t->best + at, t->best_energy[r]));
    }
    return run->pack->candidates ? judge_candidates(run) : LEHR_OK;
}

static void choose_by_energy(lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    for (int32_t r = g->first_row; r < g->first_row + g->rows; r++)
        if (lehr_share_owns(run->pack, r) && t->best_energy[r] < run->best_energy) {
            take(run, t->best + (size_t)r * (size_t)t->parameters, t->best_energy[r],
                 t->best_energy[r]);
            run->best_scan = t->best_scan[r];
        }
}

/* Acceptance on the coldest rung of all copies since the last observation. */
static double cold_acceptance(lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    int64_t proposed = 0, accepted = 0;
    for (int32_t c = 0; c < g->copies; c++)
        for (int32_t m = 0; m < g->moves; m++) {
            const int64_t i = g->first_step + (int64_t)c * g->rungs * g->moves + m;
            proposed += t->proposed[i];
            accepted += t->accepted[i];
        }
    const double rate = (double)(accepted - run->cold_accepted) /
                        (double)(proposed - run->cold_proposed);
    run->cold_proposed = proposed;
    run->cold_accepted = accepted;
    return rate;
}

static double mean_swap(const lehr_run *run)
{
    const int32_t pairs = lehr_run_group(run)->rungs - 1;
    double sum = 0;
    for (int32_t t = 0; t < pairs; t++)
        sum += lehr_run_swap(run, t);
    return sum / pairs;
}

static void fill_observation(lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    double lowest = INFINITY, cold = 0;
    for (int32_t r = g->first_row; r < g->first_row + g->rows; r++) {
        lowest = t->best_energy[r] < lowest ? t->best_energy[r] : lowest;
        cold += t->rung[r] == 0 ? t->energy[r] : 0;
    }
    run->observation = (lehr_observation){
        .scan = run->scan,
        .scans = run->last_scan == INT64_MAX ? 0 : run->last_scan,
        .proposals = run->scan * g->rows,
        .wall_s = run->wall_s,
        .energy_best = lowest,
        .energy_cold = cold / g->copies,
        .acceptance = cold_acceptance(run),
        .swap_acceptance = mean_swap(run),
        .temperature = lehr_run_temperature(run, 0),
        .best_scan = run->best_scan,
        .best_train = run->best_score[LEHR_PART_TRAIN],
        .best_validation = run->best_score[LEHR_PART_VALIDATION],
    };
}

lehr_status lehr_run_observe(lehr_run *run)
{
    if (!run->pack->pulled)
        LEHR_TRY(lehr_share_pull(run->pack));
    const double loss = run->best_loss, energy = run->best_energy;
    if (run->pack->problem->part[LEHR_PART_VALIDATION].points > 0)
        LEHR_TRY(choose_by_validation(run));
    else
        choose_by_energy(run);
    LEHR_TRY(lehr_share_best(run, run->best_loss != loss || run->best_energy != energy));
    if (run->observed_scan < 0 || run->best_loss != loss || run->best_energy != energy)
        for (int part = LEHR_PART_TRAIN; part <= LEHR_PART_VALIDATION; part++)
            LEHR_TRY(lehr_run_score(run, (lehr_part)part, run->best, &run->best_score[part]));
    fill_observation(run);
    run->observed_scan = run->scan;
    return LEHR_OK;
}
