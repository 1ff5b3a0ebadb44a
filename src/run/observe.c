/* observe.c: a look at runs: which weights are the best so far, and the figures of a progress line. Runs of a pack
 * that are due at one scan are weighed together. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "model/objective.h"
#include "run/follow.h"
#include "run/run.h"
#include "run/share.h"

/* ---- Scores ------------------------------------------------------------------------------------ */

/* Sum of squared errors and r2 of outputs[N,K] against targets[N,K] of one part; rmse in the data's units. */
static void score_regression(const lehr_pack *pack, lehr_part part, const float *outputs,
                             lehr_score *out)
{
    const lehr_part_data *data = &pack->problem->part[part];
    const int32_t K = pack->problem->args.outputs;
    const lehr_dataset_info info = lehr_dataset_describe(lehr_objective_dataset(pack->objective));
    double r2 = 0, squares = 0;
    for (int32_t k = 0; k < K; k++) {
        double mean = 0, error = 0, spread = 0;
        for (int64_t n = 0; n < data->points; n++)
            mean += data->targets[n * K + k];
        mean /= (double)data->points;
        for (int64_t n = 0; n < data->points; n++) {
            const double y = data->targets[n * K + k], e = outputs[n * K + k] - y;
            error += e * e;
            spread += (y - mean) * (y - mean);
        }
        r2 += spread > 0 ? 1 - error / spread : NAN;
        squares += error * info.target_scale[k] * info.target_scale[k];
    }
    out->r2 = r2 / K;
    out->rmse = sqrt(squares / (double)data->points / K);
}

static lehr_score score_of(const lehr_weighed *w)
{
    const lehr_pack *pack = w->run->pack;
    lehr_score score = {w->evaluation.loss, NAN, NAN, NAN};
    if (w->outputs)
        score_regression(pack, w->part, w->outputs, &score);
    else
        score.accuracy = w->evaluation.hits / (double)pack->problem->part[w->part].points;
    return score;
}

static bool has_part(const lehr_pack *pack, lehr_part part)
{
    return pack->problem->args.target == LEHR_TARGET_NETWORK &&
           pack->problem->part[part].points > 0;
}

lehr_status lehr_run_score(lehr_run *run, lehr_part part, const float *theta, lehr_score *out)
{
    lehr_pack *pack = run->pack;
    lehr_weighed w = {.run = run, .part = part};
    *out = (lehr_score){NAN, NAN, NAN, NAN};
    if (!has_part(pack, part))
        return LEHR_OK;
    LEHR_TRY(pack->backend->evaluate(pack->state, part, theta, 1, &w.evaluation));
    if (pack->block.outputs)
        LEHR_TRY(pack->backend->outputs(pack->state, part, theta, 1, pack->block.outputs));
    w.outputs = pack->block.outputs;
    *out = score_of(&w);
    return LEHR_OK;
}

/* ---- The best ---------------------------------------------------------------------------------- */

static void take(lehr_run *run, const float *theta, double loss, double energy)
{
    memcpy(run->best, theta, (size_t)run->pack->table->parameters * sizeof *theta);
    run->best_loss = loss;
    run->best_energy = energy;
    run->best_scan = run->scan;
    run->changed = true;
}

/* Keep the candidate with the lowest validation loss; ties go to the lower training energy, then to the older. */
static void judge(const lehr_weighed *w)
{
    lehr_run *run = w->run;
    const double loss = w->evaluation.loss;
    if (loss < run->best_loss || (loss == run->best_loss && w->energy < run->best_energy))
        take(run, w->theta, loss, w->energy);
}

static lehr_status add_candidates(const lehr_asking *asking, lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    for (int32_t r = g->first_row; r < g->first_row + g->rows; r++) {
        const size_t at = (size_t)r * (size_t)t->parameters;
        if (!lehr_share_owns(run->pack, r))
            continue;
        if (t->rung[r] == 0)
            LEHR_TRY(lehr_block_add(asking, &(lehr_asked){run, t->theta + at, t->energy[r]}));
        if (!lehr_batched(run) && t->best_scan[r] > run->observed_scan)
            LEHR_TRY(lehr_block_add(asking, &(lehr_asked){run, t->best + at, t->best_energy[r]}));
    }
    return LEHR_OK;
}

static lehr_status choose_by_validation(lehr_pack *pack)
{
    const lehr_asking asking = {pack, LEHR_PART_VALIDATION, false, judge};
    for (int32_t i = 0; i < pack->count; i++)
        if (pack->run[i].due)
            LEHR_TRY(add_candidates(&asking, &pack->run[i]));
    return lehr_block_end(&asking);
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

static lehr_status choose(lehr_pack *pack)
{
    const bool validates = has_part(pack, LEHR_PART_VALIDATION);
    if (validates)
        LEHR_TRY(choose_by_validation(pack));
    for (int32_t i = 0; i < pack->count; i++) {
        if (!pack->run[i].due)
            continue;
        if (!validates)
            choose_by_energy(&pack->run[i]);
        LEHR_TRY(lehr_share_best(&pack->run[i]));
    }
    return LEHR_OK;
}

static void keep_score(const lehr_weighed *w)
{
    w->run->best_score[w->part] = score_of(w);
}

/* Of those that have another best than before. */
static lehr_status score(lehr_pack *pack, lehr_part part)
{
    const lehr_asking asking = {pack, part, true, keep_score};
    for (int32_t i = 0; i < pack->count; i++) {
        lehr_run *run = &pack->run[i];
        if (!run->due || !(run->changed || run->observed_scan < 0))
            continue;
        run->best_score[part] = (lehr_score){NAN, NAN, NAN, NAN};
        if (has_part(pack, part))
            LEHR_TRY(lehr_block_add(&asking, &(lehr_asked){run, run->best, run->best_energy}));
    }
    return lehr_block_end(&asking);
}

/* ---- The figures ------------------------------------------------------------------------------- */

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

static bool any_due(const lehr_pack *pack)
{
    for (int32_t i = 0; i < pack->count; i++)
        if (pack->run[i].due)
            return true;
    return false;
}

lehr_status lehr_pack_observe(lehr_pack *pack)
{
    if (!any_due(pack))
        return LEHR_OK;
    if (!pack->pulled)
        LEHR_TRY(lehr_share_pull(pack));
    LEHR_TRY(choose(pack));
    LEHR_TRY(score(pack, LEHR_PART_TRAIN));
    LEHR_TRY(score(pack, LEHR_PART_VALIDATION));
    for (int32_t i = 0; i < pack->count; i++) {
        lehr_run *run = &pack->run[i];
        if (!run->due)
            continue;
        fill_observation(run);
        run->observed_scan = run->scan;
        run->changed = false;
    }
    return LEHR_OK;
}
