/* launch.c: a launch: data, objective, packs, and the files of each trial, which are those of `lehr run`. */
#include "study/launch.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/output.h"
#include "study/progress.h"
#include "study/result.h"

/* Seconds between two writes of status.json by one process, over all its trials. */
static const double status_every_s = 2.0;

enum { SENTENCE_BYTES = 1024 };

/* What the seats of a launch share while it lasts. */
typedef struct stage {
    lehr_launch *launch;
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_model *model;
    lehr_config *config; /* [count of the launch] */
} stage;

/* Some neighboring seats in one pack. */
typedef struct party {
    stage *stage;
    int32_t first, count;
    lehr_pack *pack;
    lehr_run_spec *spec;      /* [count] */
    lehr_recorder **recorder; /* [count] */
    lehr_recording recording;
    int32_t stages; /* behind it */
} party;

static lehr_seat *seat_of(const party *p, int32_t index)
{
    return &p->stage->launch->seat[p->first + index];
}

static const lehr_config *config_of(const party *p, int32_t index)
{
    return &p->stage->config[p->first + index];
}

static const lehr_trial *trial_of(const lehr_launch *launch, const lehr_seat *seat)
{
    return &launch->trials->trial[seat->trial];
}

/* Nothing that another trial could do better. */
static bool is_environment(lehr_status status)
{
    return status == LEHR_ERR_IO || status == LEHR_ERR_DEVICE || status == LEHR_ERR_MEMORY ||
           status == LEHR_ERR_EXISTS;
}

/* ---- The files of a seat --------------------------------------------------------------------- */

static lehr_status open_store(const party *p, int32_t index)
{
    lehr_seat *seat = seat_of(p, index);
    const lehr_launch *launch = p->stage->launch;
    const lehr_store_spec spec = {.config = config_of(p, index),
                                  .id = trial_of(launch, seat)->id,
                                  .job = launch->yard->job,
                                  .dir = &seat->dir};
    LEHR_TRY(lehr_store_enter(&spec, &seat->store));
    lehr_store_pace(seat->store, status_every_s * launch->count);
    return LEHR_OK;
}

/* The trial is to blame: say so in its directory. */
static lehr_status fail_seat(const party *p, int32_t index)
{
    char sentence[SENTENCE_BYTES];
    lehr_seat *seat = seat_of(p, index);
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    if (seat->store == NULL)
        LEHR_TRY(open_store(p, index));
    if (p->stage->launch->prune != NULL)
        LEHR_TRY(lehr_prune_end(p->stage->launch->prune, seat->trial, NAN));
    lehr_store_fail(seat->store, sentence);
    lehr_store_destroy(&seat->store);
    seat->state = LEHR_TRIAL_FAILED;
    return LEHR_OK;
}

static lehr_status write_result(const party *p, int32_t index)
{
    lehr_seat *seat = seat_of(p, index);
    json_t *result = NULL;
    const lehr_result_about about = {config_of(p, index), trial_of(p->stage->launch, seat)->id,
                                     lehr_store_dir(seat->store)->path, NULL};
    LEHR_TRY(lehr_run_best(seat->run, p->stage->model->theta));
    LEHR_TRY(lehr_result_make(seat->run, &about, &result));
    const lehr_status status = lehr_store_result(seat->store, p->stage->model, result);
    json_decref(result);
    return status;
}

/* The objective of the last observation. */
static double seen(const party *p, const lehr_seat *seat)
{
    const lehr_progress progress = lehr_progress_of(seat->run);
    return lehr_metric_seen(&p->stage->launch->prune->ledger.metric, &progress.seen);
}

/* A stage has stopped it: for good, or until others have reached it, too. */
static lehr_status end_at_stage(const party *p, lehr_seat *seat)
{
    const lehr_launch *launch = p->stage->launch;
    if (seat->fate == LEHR_FATE_PRUNED)
        LEHR_TRY(lehr_store_end(seat->store, lehr_trial_state_name(LEHR_TRIAL_PRUNED)));
    lehr_store_destroy(&seat->store);
    if (seat->fate == LEHR_FATE_WAITS)
        lehr_trial_give_back(launch->yard, trial_of(launch, seat)->id);
    seat->state = seat->fate == LEHR_FATE_PRUNED ? LEHR_TRIAL_PRUNED : LEHR_TRIAL_PENDING;
    return LEHR_OK;
}

/* A run has stopped. */
static lehr_status end_seat(int32_t index, void *data)
{
    const party *p = data;
    lehr_seat *seat = seat_of(p, index);
    if (seat->fate != LEHR_FATE_RUNS)
        return end_at_stage(p, seat);
    lehr_status status = write_result(p, index);
    if (status == LEHR_OK && p->stage->launch->prune != NULL)
        status = lehr_prune_end(p->stage->launch->prune, seat->trial, seen(p, seat));
    seat->written = status == LEHR_OK;
    return status == LEHR_OK || is_environment(status) ? status : fail_seat(p, index);
}

/* Results are on the disk before any status says so: one sync for all that ended together. A status that is
 * lost with the power costs the trial's work and nothing else. */
static lehr_status settle(void *data)
{
    const party *p = data;
    const lehr_launch *launch = p->stage->launch;
    LEHR_TRY(lehr_output_sync(&launch->yard->trials));
    for (int32_t i = 0; i < p->count; i++) {
        lehr_seat *seat = seat_of(p, i);
        if (!seat->written || seat->state != LEHR_TRIAL_RUNNING)
            continue;
        LEHR_TRY(lehr_store_end(seat->store, lehr_trial_state_name(LEHR_TRIAL_DONE)));
        lehr_store_destroy(&seat->store);
        seat->state = LEHR_TRIAL_DONE;
    }
    return LEHR_OK;
}

/* ---- A pack ---------------------------------------------------------------------------------- */

static bool look(void *data)
{
    const party *p = data;
    lehr_launch *launch = p->stage->launch;
    launch->stopped = launch->look != NULL && launch->look(launch->data);
    return !launch->stopped;
}

/* The next stage to stop at. */
static void set_pause(party *p, int32_t stages)
{
    const lehr_prune *prune = p->stage->launch->prune;
    p->stages = stages;
    p->recording.pause = prune != NULL && stages < prune->stages ? prune->scan[stages] : 0;
}

/* The pack has come to a stage: write down what its runs have reached, and see which of them go on. */
static lehr_status reach(void *data)
{
    party *p = data;
    lehr_prune *prune = p->stage->launch->prune;
    const int32_t k = p->stages;
    for (int32_t i = 0; i < p->count; i++)
        if (lehr_run_stopped(seat_of(p, i)->run) == LEHR_STOP_NONE)
            LEHR_TRY(lehr_prune_reach(prune, seat_of(p, i)->trial, k, seen(p, seat_of(p, i))));
    LEHR_TRY(lehr_prune_refresh(prune));
    for (int32_t i = 0; i < p->count; i++) {
        lehr_seat *seat = seat_of(p, i);
        if (lehr_run_stopped(seat->run) != LEHR_STOP_NONE)
            continue;
        seat->fate = lehr_prune_fate(prune, seat->trial);
        if (seat->fate != LEHR_FATE_RUNS)
            LEHR_TRY(lehr_run_halt(seat->run, LEHR_STOP_SIGNAL));
    }
    set_pause(p, k + 1);
    return LEHR_OK;
}

static lehr_status make_pack(party *p)
{
    LEHR_TRY(LEHR_NEW(p->spec, (size_t)p->count, "the runs of a launch"));
    LEHR_TRY(LEHR_NEW(p->recorder, (size_t)p->count, "the runs of a launch"));
    for (int32_t i = 0; i < p->count; i++) {
        p->spec[i] = config_of(p, i)->run;
        lehr_text_copy(p->spec[i].cache_dir, sizeof p->spec[i].cache_dir,
                       p->stage->launch->cache_dir);
    }
    LEHR_TRY(lehr_pack_create(p->spec, p->count, p->stage->objective, &p->pack));
    for (int32_t i = 0; i < p->count; i++) {
        seat_of(p, i)->run = lehr_pack_run(p->pack, i);
        LEHR_TRY(lehr_record_start_from(config_of(p, i)->init_from, p->stage->objective,
                                        seat_of(p, i)->run));
    }
    return LEHR_OK;
}

static lehr_status open_recorder(party *p, int32_t index)
{
    const lehr_record_spec spec = {.config = config_of(p, index), .unsaved = true};
    LEHR_TRY(open_store(p, index));
    return lehr_recorder_create(seat_of(p, index)->store, seat_of(p, index)->run, &spec,
                                &p->recorder[index]);
}

static lehr_status run_pack(party *p)
{
    LEHR_TRY(make_pack(p));
    for (int32_t i = 0; i < p->count; i++)
        LEHR_TRY(open_recorder(p, i));
    p->recording = (lehr_recording){.pack = p->pack,
                                    .recorder = p->recorder,
                                    .look = look,
                                    .end = end_seat,
                                    .settle = settle,
                                    .reach = reach,
                                    .data = p};
    set_pause(p, 0);
    return lehr_record(&p->recording);
}

static void close_pack(party *p)
{
    lehr_pack_destroy(&p->pack);
    for (int32_t i = 0; i < p->count; i++) {
        seat_of(p, i)->run = NULL;
        if (p->recorder != NULL)
            lehr_recorder_destroy(&p->recorder[i]);
    }
    LEHR_FREE(p->recorder);
    LEHR_FREE(p->spec);
}

/* ---- When a pack fails ----------------------------------------------------------------------- */

/* Begin a seat's directory again; somebody else may have taken it meanwhile, which ends the seat. */
static lehr_status renew(const lehr_launch *launch, lehr_seat *seat)
{
    const lehr_trial_look pending = {.state = LEHR_TRIAL_PENDING};
    bool taken = false;
    if (seat->dir.fd >= 0 || seat->state != LEHR_TRIAL_RUNNING)
        return LEHR_OK; /* as it was taken, or ended */
    lehr_store_destroy(&seat->store);
    lehr_trial_give_back(launch->yard, trial_of(launch, seat)->id);
    LEHR_TRY(
        lehr_trial_take(launch->yard, trial_of(launch, seat)->id, &pending, &seat->dir, &taken));
    if (!taken)
        seat->state = LEHR_TRIAL_PENDING;
    return LEHR_OK;
}

/* Seats that have not ended come first; returns their number. */
static int32_t gather(lehr_launch *launch, lehr_config *config, int32_t first, int32_t count)
{
    int32_t kept = first;
    for (int32_t i = first; i < first + count; i++) {
        if (launch->seat[i].state != LEHR_TRIAL_RUNNING)
            continue;
        const lehr_seat seat = launch->seat[i];
        const lehr_config swapped = config[i];
        launch->seat[i] = launch->seat[kept];
        config[i] = config[kept];
        launch->seat[kept] = seat;
        config[kept++] = swapped;
    }
    return kept - first;
}

/* As deep as the logarithm of the number of seats. */
static lehr_status run_party(stage *s, int32_t first, int32_t count)
{
    lehr_launch *launch = s->launch;
    party p = {.stage = s, .first = first, .count = count};
    if (count == 0 || launch->stopped)
        return LEHR_OK;
    const lehr_status status = run_pack(&p);
    lehr_status after = LEHR_OK;
    if (status != LEHR_OK && count == 1 && !is_environment(status))
        after = fail_seat(&p, 0);
    close_pack(&p);
    if (status == LEHR_OK || count == 1)
        return status != LEHR_OK && is_environment(status) ? status : after;
    if (status == LEHR_ERR_IO || status == LEHR_ERR_EXISTS)
        return status;
    for (int32_t i = first; i < first + count; i++)
        LEHR_TRY(renew(launch, &launch->seat[i]));
    const int32_t left = gather(launch, s->config, first, count), half = (left + 1) / 2;
    LEHR_TRY(run_party(s, first, half));
    return run_party(s, first + half, left - half);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static lehr_status prepare(stage *s)
{
    lehr_launch *launch = s->launch;
    LEHR_TRY(LEHR_NEW(s->config, (size_t)launch->count, "the configs of a launch"));
    for (int32_t i = 0; i < launch->count; i++)
        LEHR_TRY(lehr_sweep_config(launch->trials->sweep,
                                   trial_of(launch, &launch->seat[i])->number, &s->config[i]));
    const lehr_config *c = &s->config[0];
    LEHR_TRY(lehr_dataset_create(&c->data, &s->dataset));
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, s->dataset, &s->objective));
    LEHR_TRY(lehr_model_create(s->objective, &s->model));
    return lehr_model_check(s->model);
}

static void close_stage(stage *s)
{
    lehr_model_destroy(&s->model);
    lehr_objective_destroy(&s->objective);
    lehr_dataset_destroy(&s->dataset);
    LEHR_FREE(s->config);
}

lehr_status lehr_launch_run(lehr_launch *launch)
{
    stage s = {.launch = launch};
    lehr_status status = prepare(&s); /* it was well when the trials were planned */
    if (status == LEHR_OK)
        status = run_party(&s, 0, launch->count);
    close_stage(&s);
    for (int32_t i = 0; i < launch->count; i++) {
        lehr_store_destroy(&launch->seat[i].store);
        lehr_dir_close(&launch->seat[i].dir);
    }
    return status;
}
