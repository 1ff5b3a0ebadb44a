/* party.c: one pack of seats: the files of each, what they keep together, and how they go on from what others kept. */
#include "study/party.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/status.h"
#include "run/state.h"
#include "study/output.h"
#include "study/progress.h"
#include "study/result.h"

/* Seconds between two writes of status.json by one process, over all its trials. */
static const double status_every_s = 2.0;

enum { SENTENCE_BYTES = 1024 };

/* Some neighboring seats in one pack. */
typedef struct party {
    lehr_stage *stage;
    int32_t first, count;
    lehr_pack *pack;
    lehr_run_spec *spec;      /* [count] */
    lehr_recorder **recorder; /* [count] */
    lehr_recording recording;
    int32_t stages; /* behind it */

    lehr_crate crate; /* what they keep while they run: */
    lehr_journal *journal;
    lehr_saver saver;
    lehr_saved *saved;                     /* [count] */
    char (*prefix)[LEHR_RUN_ID_BYTES + 1]; /* [count] */
    bool led;                              /* trials are led to the crate */
    bool restoring;                        /* what others kept is being taken over */
} party;

static lehr_seat *seat_of(const party *p, int32_t index)
{
    return &p->stage->launch->seat[p->first + index];
}

static const lehr_config *config_of(const party *p, int32_t index)
{
    return &p->stage->config[p->first + index];
}

static const lehr_trial *trial_of(const party *p, int32_t index)
{
    return lehr_seat_trial(p->stage->launch, seat_of(p, index));
}

static const lehr_yard *yard_of(const party *p)
{
    return p->stage->launch->yard;
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
                                  .id = trial_of(p, index)->id,
                                  .job = launch->yard->job,
                                  .dir = &seat->dir,
                                  .past = &seat->past,
                                  .journal = p->journal};
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
        LEHR_TRY(lehr_prune_fail(p->stage->launch->prune, seat->trial));
    lehr_store_fail(seat->store, sentence);
    lehr_store_destroy(&seat->store);
    seat->state = LEHR_TRIAL_FAILED;
    return LEHR_OK;
}

static lehr_status write_result(const party *p, int32_t index)
{
    lehr_seat *seat = seat_of(p, index);
    json_t *result = NULL;
    const lehr_result_about about = {config_of(p, index), trial_of(p, index)->id,
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

/* It is not saved any more. */
static void forget_seat(const party *p, int32_t index)
{
    lehr_store_destroy(&seat_of(p, index)->store);
    p->saved[index].gone = true;
}

static lehr_status flush_trace(const party *p, int32_t index)
{
    lehr_trace *trace = lehr_recorder_trace(p->recorder[index]);
    return trace != NULL ? lehr_trace_flush(trace) : LEHR_OK;
}

/* A stage has stopped it for good. */
static lehr_status prune_seat(const party *p, int32_t index)
{
    LEHR_TRY(flush_trace(p, index));
    LEHR_TRY(lehr_store_end(seat_of(p, index)->store, lehr_trial_state_name(LEHR_TRIAL_PRUNED)));
    forget_seat(p, index);
    seat_of(p, index)->state = LEHR_TRIAL_PRUNED;
    return LEHR_OK;
}

/* A run has stopped. One that waits for others is let go of with its pack, all of which wait: they have come to one
 * stage. */
static lehr_status end_seat(int32_t index, void *data)
{
    const party *p = data;
    lehr_seat *seat = seat_of(p, index);
    if (seat->fate == LEHR_FATE_WAITS)
        return LEHR_OK;
    if (seat->fate == LEHR_FATE_PRUNED)
        return prune_seat(p, index);
    lehr_status status = flush_trace(p, index);
    if (status == LEHR_OK)
        status = write_result(p, index);
    if (status == LEHR_OK && p->stage->launch->prune != NULL)
        status = lehr_prune_end(p->stage->launch->prune, seat->trial,
                                lehr_progress_of(seat->run).scan, seen(p, seat));
    seat->written = status == LEHR_OK;
    if (status != LEHR_OK && !is_environment(status)) {
        status = fail_seat(p, index);
        p->saved[index].gone = true;
    }
    return status;
}

/* Results are on the disk before any status says so: one sync for all that ended together. A status that is
 * lost with the power costs the trial's work and nothing else. */
static lehr_status settle(void *data)
{
    const party *p = data;
    LEHR_TRY(lehr_output_sync(&yard_of(p)->trials));
    for (int32_t i = 0; i < p->count; i++) {
        lehr_seat *seat = seat_of(p, i);
        if (!seat->written || seat->state != LEHR_TRIAL_RUNNING ||
            lehr_run_stopped(seat->run) == LEHR_STOP_NONE)
            continue;
        LEHR_TRY(lehr_store_end(seat->store, lehr_trial_state_name(LEHR_TRIAL_DONE)));
        forget_seat(p, i);
        seat->state = LEHR_TRIAL_DONE;
    }
    return LEHR_OK;
}

/* ---- Saving ---------------------------------------------------------------------------------- */

/* The state of every trial is in our crate now. All of it is on the disk before any directory says so, and that again
 * before another crate goes. */
static lehr_status lead_trials(party *p)
{
    p->led = true;
    LEHR_TRY(lehr_output_sync(&yard_of(p)->packs));
    for (int32_t i = 0; i < p->count; i++) {
        lehr_seat *seat = seat_of(p, i);
        if (p->saved[i].gone)
            continue;
        LEHR_TRY(lehr_trial_lead(yard_of(p), lehr_store_dir(seat->store), seat->attempts,
                                 seat->pack, p->crate.id));
        lehr_text_copy(seat->pack, sizeof seat->pack, p->crate.id);
    }
    LEHR_TRY(lehr_output_sync(&yard_of(p)->trials));
    const lehr_shelf *shelf = &p->stage->launch->shelf;
    for (int32_t i = 0; i < shelf->count; i++)
        lehr_crate_drop(yard_of(p), shelf->source[i]->id);
    return LEHR_OK;
}

/* `lehr status` knows of a checkpoint even when its worker is killed. */
static lehr_status say_saved(lehr_store *store, const lehr_saves *saves)
{
    lehr_store_saved(store, saves);
    return lehr_store_say(store);
}

static lehr_status save(void *data)
{
    party *p = data;
    LEHR_TRY(lehr_saver_write(&p->saver));
    for (int32_t i = 0; i < p->count; i++)
        if (!p->saved[i].gone)
            LEHR_TRY(say_saved(seat_of(p, i)->store, &p->saver.saves));
    return p->led ? LEHR_OK : lead_trials(p);
}

/* Those that have not ended are saved, then let go of: anybody may go on with them. */
static lehr_status let_go(party *p)
{
    bool any = false;
    for (int32_t i = 0; i < p->count; i++)
        any |= !p->saved[i].gone;
    if (!any)
        return LEHR_OK;
    LEHR_TRY(save(p));
    for (int32_t i = 0; i < p->count; i++) {
        if (p->saved[i].gone)
            continue;
        LEHR_TRY(lehr_store_pause(seat_of(p, i)->store));
        forget_seat(p, i);
        seat_of(p, i)->state = LEHR_TRIAL_CHECKPOINTED;
    }
    return LEHR_OK;
}

/* ---- Going on -------------------------------------------------------------------------------- */

/* What another pack, or this one in an earlier try, has left of a trial: its state and what was observed of it. */
static lehr_status take_state(party *p, int32_t index, bool *any)
{
    lehr_seat *seat = seat_of(p, index);
    const char *id = trial_of(p, index)->id;
    lehr_source *source = NULL;
    lehr_text lines = {0};
    if (seat->pack[0] == '\0')
        return LEHR_OK;
    LEHR_TRY(lehr_shelf_read(&p->stage->launch->shelf, seat->pack, &source));
    LEHR_CHECK(source->checkpoint != NULL, LEHR_ERR_DATA, "%s", source->notice.data);
    LEHR_TRY(lehr_saver_take(&p->saver, index, source->checkpoint));
    lehr_status status = lehr_journal_lines(source->journal, id, &lines);
    if (status == LEHR_OK && lines.length > 0)
        status = lehr_journal_add(p->journal, id, lines.data, lines.length);
    lehr_text_free(&lines);
    lehr_recorder_goes_on(p->recorder[index]);
    *any = true;
    return status;
}

static lehr_status take_states(party *p)
{
    const lehr_shelf *shelf = &p->stage->launch->shelf;
    bool any = false;
    for (int32_t i = 0; i < p->count; i++)
        LEHR_TRY(take_state(p, i, &any));
    for (int32_t i = 0; i < shelf->count; i++)
        lehr_source_put_down(shelf->source[i]);
    return any ? lehr_pack_restore(p->pack) : LEHR_OK;
}

/* What a trial goes on from is of no use: it is led there no more, and waits to be taken again. */
static lehr_status start_over(const party *p, int32_t index)
{
    char sentence[SENTENCE_BYTES];
    lehr_seat *seat = seat_of(p, index);
    const lehr_launch *launch = p->stage->launch;
    snprintf(sentence, sizeof sentence, "trial %s starts over: %s", trial_of(p, index)->id,
             lehr_error());
    LEHR_TRY(lehr_trial_lead(yard_of(p), lehr_store_dir(seat->store), seat->attempts, "", ""));
    if (launch->say != NULL)
        launch->say(sentence, launch->data);
    lehr_store_destroy(&seat->store);
    seat->pack[0] = '\0';
    seat->state = LEHR_TRIAL_STALE;
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
        seat->fate = lehr_prune_fate(prune, seat->trial, prune->scan[k]);
        if (seat->fate != LEHR_FATE_RUNS)
            LEHR_TRY(lehr_run_halt(seat->run, LEHR_STOP_SIGNAL));
    }
    set_pause(p, k + 1);
    return LEHR_OK;
}

/* Scans between its observations, and between energies, are those that it began with: the best of a run is the best of
 * what was observed. */
static void keep_lengths(const party *p, int32_t index)
{
    const lehr_seat *seat = seat_of(p, index);
    lehr_config *config = &p->stage->config[p->first + index];
    if (seat->past.scan < 0)
        return;
    config->run.observe = seat->lengths.observe;
    config->trace_energy = seat->lengths.every;
}

/* All run, but for seats of a pack that has failed behind a stage: they may wait, or be pruned, where they stand. */
static lehr_status ask_fates(const party *p)
{
    const lehr_prune *prune = p->stage->launch->prune;
    for (int32_t i = 0; i < p->count; i++) {
        lehr_seat *seat = seat_of(p, i);
        seat->fate = prune != NULL
                         ? lehr_prune_fate(prune, seat->trial, lehr_progress_of(seat->run).scan)
                         : LEHR_FATE_RUNS;
        if (seat->fate != LEHR_FATE_RUNS)
            LEHR_TRY(lehr_run_halt(seat->run, LEHR_STOP_SIGNAL));
    }
    return LEHR_OK;
}

static lehr_status make_pack(party *p)
{
    LEHR_TRY(LEHR_NEW(p->spec, (size_t)p->count, "the runs of a launch"));
    LEHR_TRY(LEHR_NEW(p->recorder, (size_t)p->count, "the runs of a launch"));
    for (int32_t i = 0; i < p->count; i++) {
        keep_lengths(p, i);
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
    const lehr_record_spec spec = {.config = config_of(p, index), .packed = true};
    LEHR_TRY(open_store(p, index));
    return lehr_recorder_create(seat_of(p, index)->store, seat_of(p, index)->run, &spec,
                                &p->recorder[index]);
}

static lehr_status make_crate(party *p)
{
    const char **id = NULL;
    LEHR_TRY(LEHR_NEW(id, (size_t)p->count, "the trials of a pack"));
    for (int32_t i = 0; i < p->count; i++)
        id[i] = trial_of(p, i)->id;
    const lehr_status status = lehr_crate_make(yard_of(p), id, p->count, &p->crate);
    LEHR_FREE(id);
    LEHR_TRY(status);
    return lehr_journal_create(&p->crate.dir, &p->journal);
}

/* Of several wishes the shortest interval; 0: only when asked. */
static double wanted_s(const party *p)
{
    double least = 0;
    for (int32_t i = 0; i < p->count; i++) {
        const double wish = config_of(p, i)->checkpoint_s;
        least = wish > 0 && (least == 0 || wish < least) ? wish : least;
    }
    return least;
}

static lehr_status open_saver(party *p)
{
    LEHR_TRY(LEHR_NEW(p->saved, (size_t)p->count, "the runs of a launch"));
    LEHR_TRY(LEHR_NEW(p->prefix, (size_t)p->count, "the runs of a launch"));
    for (int32_t i = 0; i < p->count; i++) {
        lehr_crate_prefix(trial_of(p, i)->id, p->prefix[i]);
        p->saved[i] = (lehr_saved){.prefix = p->prefix[i],
                                   .run = seat_of(p, i)->run,
                                   .trace = lehr_recorder_trace(p->recorder[i]),
                                   .observe = config_of(p, i)->run.observe,
                                   .every = config_of(p, i)->trace_energy};
    }
    p->saver.run = p->saved;
    p->saver.count = p->count;
    p->saver.journal = p->journal;
    p->saver.wanted_s = wanted_s(p);
    return lehr_saver_open(&p->saver, &p->crate.dir, LEHR_CRATE_CONFIG,
                           lehr_dataset_describe(p->stage->dataset).hash);
}

/* Stages that are behind a pack that goes on. */
static int32_t stages_behind(const party *p)
{
    const lehr_prune *prune = p->stage->launch->prune;
    const int64_t scan = lehr_progress_of(p->saved->run).scan;
    int32_t stages = 0;
    while (prune != NULL && stages < prune->stages && prune->scan[stages] <= scan)
        stages++;
    return stages;
}

static lehr_status run(party *p)
{
    LEHR_TRY(make_pack(p));
    LEHR_TRY(make_crate(p));
    for (int32_t i = 0; i < p->count; i++)
        LEHR_TRY(open_recorder(p, i));
    LEHR_TRY(open_saver(p));
    p->restoring = true;
    LEHR_TRY(take_states(p));
    p->restoring = false;
    LEHR_TRY(ask_fates(p));
    p->recording = (lehr_recording){.pack = p->pack,
                                    .recorder = p->recorder,
                                    .saver = &p->saver,
                                    .save = save,
                                    .look = look,
                                    .end = end_seat,
                                    .settle = settle,
                                    .reach = reach,
                                    .data = p};
    set_pause(p, stages_behind(p));
    LEHR_TRY(lehr_record(&p->recording));
    return let_go(p);
}

static void close_files(party *p)
{
    lehr_saver_close(&p->saver);
    lehr_journal_destroy(&p->journal);
    if (p->crate.dir.fd < 0)
        return;
    lehr_crate_close(&p->crate);
    if (p->led)
        lehr_crate_drop(yard_of(p), p->crate.id);
    else
        lehr_yard_remove(&yard_of(p)->packs, p->crate.id); /* nobody knows of it */
}

static void close_party(party *p)
{
    close_files(p);
    lehr_pack_destroy(&p->pack);
    for (int32_t i = 0; i < p->count; i++) {
        seat_of(p, i)->run = NULL;
        if (p->recorder != NULL)
            lehr_recorder_destroy(&p->recorder[i]);
    }
    LEHR_FREE(p->saved);
    LEHR_FREE(p->prefix);
    LEHR_FREE(p->recorder);
    LEHR_FREE(p->spec);
}

lehr_status lehr_party_run(lehr_stage *stage, int32_t first, int32_t count)
{
    party p = {.stage = stage,
               .first = first,
               .count = count,
               .crate = {.dir = {.fd = -1}, .lock = {.fd = -1}},
               .saver = {.generations = {.dir = {.fd = -1}}}};
    lehr_status status = run(&p);
    if (status == LEHR_ERR_DATA && count == 1 && p.restoring)
        status = start_over(&p, 0);
    else if (status != LEHR_OK && count == 1 && !is_environment(status))
        status = fail_seat(&p, 0);
    close_party(&p);
    return status;
}
