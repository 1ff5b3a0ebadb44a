/* launch.c: a launch: data, objective, and packs of its seats, which are halved until only those to blame fail. One
 * pack is in party.c. */
#include "study/launch.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/party.h"

enum { SENTENCE_BYTES = 2 * LEHR_PATH_MAX };

const lehr_trial *lehr_seat_trial(const lehr_launch *launch, const lehr_seat *seat)
{
    return &launch->trials->trial[seat->trial];
}

/* ---- When a pack fails ----------------------------------------------------------------------- */

/* Begin a seat's directory again, led to where its state is. Somebody else may have taken it meanwhile, or hold all up,
 * which ends the seat: the worker looks again. */
static lehr_status renew(const lehr_launch *launch, lehr_seat *seat)
{
    const char *id = lehr_seat_trial(launch, seat)->id;
    lehr_trial_look ours;
    bool taken = false;
    if (seat->dir.fd >= 0 || seat->state != LEHR_TRIAL_RUNNING)
        return LEHR_OK; /* as it was taken, or ended */
    lehr_store_destroy(&seat->store);
    seat->written = false; /* a fresh directory has no result */
    seat->fate = LEHR_FATE_RUNS;
    lehr_trial_look_at(launch->yard, id, &ours);
    if (strcmp(ours.owner, launch->yard->worker) == 0)
        LEHR_TRY(lehr_trial_take(launch->yard, id, &ours, &seat->dir, &taken));
    if (!taken)
        seat->state = LEHR_TRIAL_PENDING;
    return LEHR_OK;
}

/* Where there are no locks somebody else may have taken a trial at the same time as we did: then its files cannot be
 * opened, and who was last has it. Is there one? */
static bool lose_taken(lehr_launch *launch, int32_t first, int32_t count)
{
    char sentence[SENTENCE_BYTES]; /* of the failure: looks have words of their own */
    bool lost = false;
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    for (int32_t i = first; i < first + count; i++) {
        lehr_seat *seat = &launch->seat[i];
        lehr_trial_look now;
        if (seat->state != LEHR_TRIAL_RUNNING)
            continue;
        lehr_trial_look_at(launch->yard, lehr_seat_trial(launch, seat)->id, &now);
        if (now.unread || strcmp(now.owner, launch->yard->worker) == 0)
            continue;
        lehr_store_destroy(&seat->store);
        lehr_dir_close(&seat->dir);
        seat->state = LEHR_TRIAL_PENDING; /* the worker looks again */
        lost = true;
    }
    (void)lehr_fail(LEHR_ERR_IO, "%s", sentence);
    return lost;
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
static lehr_status run_party(lehr_stage *s, int32_t first, int32_t count)
{
    lehr_launch *launch = s->launch;
    if (count == 0 || launch->stopped)
        return LEHR_OK;
    const lehr_status status = lehr_party_run(s, first, count);
    const bool lost = status == LEHR_ERR_IO && lose_taken(launch, first, count);
    if (status == LEHR_OK || (!lost && (count == 1 || status == LEHR_ERR_IO)) ||
        status == LEHR_ERR_EXISTS)
        return status;
    for (int32_t i = first; i < first + count; i++)
        LEHR_TRY(renew(launch, &launch->seat[i]));
    const int32_t left = gather(launch, s->config, first, count),
                  half = lost ? left : (left + 1) / 2;
    LEHR_TRY(run_party(s, first, half));
    return run_party(s, first + half, left - half);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static lehr_status prepare(lehr_stage *s)
{
    lehr_launch *launch = s->launch;
    LEHR_TRY(LEHR_NEW(s->config, (size_t)launch->count, "the configs of a launch"));
    for (int32_t i = 0; i < launch->count; i++)
        LEHR_TRY(lehr_sweep_config(launch->trials->sweep,
                                   lehr_seat_trial(launch, &launch->seat[i])->number,
                                   &s->config[i]));
    const lehr_config *c = &s->config[0];
    LEHR_TRY(lehr_dataset_create(&c->data, &s->dataset));
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, s->dataset, &s->objective));
    LEHR_TRY(lehr_model_create(s->objective, &s->model));
    return lehr_model_check(s->model);
}

static void close_stage(lehr_stage *s)
{
    lehr_model_destroy(&s->model);
    lehr_objective_destroy(&s->objective);
    lehr_dataset_destroy(&s->dataset);
    LEHR_FREE(s->config);
}

lehr_status lehr_launch_run(lehr_launch *launch)
{
    lehr_stage s = {.launch = launch};
    lehr_status status = prepare(&s); /* it was well when the trials were planned */
    if (status == LEHR_OK)
        status = run_party(&s, 0, launch->count);
    close_stage(&s);
    lehr_shelf_drop(&launch->shelf);
    for (int32_t i = 0; i < launch->count; i++) {
        lehr_store_destroy(&launch->seat[i].store);
        lehr_dir_close(&launch->seat[i].dir);
    }
    return status;
}
