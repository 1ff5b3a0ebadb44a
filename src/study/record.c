/* record.c: the loop of slices as stores see it: one for a run and for a pack. Cutting slices at trace scans or
 * leaving between two of them never changes a bit. */
#include "study/record.h"

#include "base/memory.h"
#include "base/status.h"
#include "run/run.h"
#include "study/model.h"
#include "study/save.h"
#include "study/trace.h"

struct lehr_recorder {
    lehr_store *store;
    lehr_run *run;
    lehr_record_spec spec;
    lehr_trace *trace; /* NULL: none */
    lehr_saved saved;
    lehr_saver saver; /* of a run alone */
    bool resumed;     /* the first event stands already */
    int64_t observed; /* scan of the last event */
    int64_t traced;   /* scan up to which its trace is whole */
    bool ended;
};

static lehr_status open_recorder(lehr_recorder *r)
{
    const lehr_record_spec *spec = &r->spec;
    if (spec->config->trace_energy > 0)
        LEHR_TRY(
            lehr_trace_create(lehr_store_dir(r->store), lehr_run_group(r->run)->rows, &r->trace));
    if (spec->packed)
        return LEHR_OK;
    r->saved = (lehr_saved){.prefix = "",
                            .run = r->run,
                            .trace = r->trace,
                            .observe = spec->config->run.observe,
                            .every = spec->config->trace_energy};
    r->saver.run = &r->saved;
    r->saver.count = 1;
    r->saver.store = r->store;
    r->saver.wanted_s = spec->config->checkpoint_s;
    return lehr_saver_open(&r->saver, lehr_store_dir(r->store), spec->id, spec->data_hash);
}

lehr_status lehr_recorder_create(lehr_store *store, lehr_run *run, const lehr_record_spec *spec,
                                 lehr_recorder **out)
{
    lehr_recorder *recorder = NULL;
    LEHR_TRY(LEHR_NEW(recorder, 1, "a recorder"));
    recorder->store = store;
    recorder->run = run;
    recorder->spec = *spec;
    recorder->saver.generations.dir.fd = -1;
    const lehr_status status = open_recorder(recorder);
    if (status != LEHR_OK) {
        lehr_recorder_destroy(&recorder);
        return status;
    }
    *out = recorder;
    return LEHR_OK;
}

void lehr_recorder_destroy(lehr_recorder **recorder)
{
    if (recorder == NULL || *recorder == NULL)
        return;
    lehr_saver_close(&(*recorder)->saver);
    lehr_trace_destroy(&(*recorder)->trace);
    LEHR_FREE(*recorder);
}

lehr_status lehr_recorder_resume(lehr_recorder *recorder, bool *found, lehr_text *notice)
{
    LEHR_TRY(lehr_saver_read(&recorder->saver, found, notice));
    recorder->resumed = *found;
    return LEHR_OK;
}

/* ---- One run ----------------------------------------------------------------------------------- */

static lehr_status show(const lehr_recorder *r)
{
    const lehr_progress progress = lehr_progress_of(r->run);
    return lehr_store_progress(r->store, progress.scan, progress.scans, progress.left_s);
}

static lehr_status begin_run(lehr_recorder *r)
{
    r->observed = r->run->observed_scan;
    r->traced = r->run->scan;
    if (!r->resumed)
        LEHR_TRY(lehr_store_event(r->store, &r->run->observation));
    return show(r);
}

lehr_trace *lehr_recorder_trace(const lehr_recorder *recorder)
{
    return recorder->trace;
}

void lehr_recorder_goes_on(lehr_recorder *recorder)
{
    recorder->resumed = true;
}

/* What one slice has brought to one run; one that was halted before it has not moved. */
static lehr_status record_run(lehr_recorder *r)
{
    const lehr_run *run = r->run;
    if (run->observed_scan != r->observed)
        LEHR_TRY(lehr_store_event(r->store, &run->observation));
    r->observed = run->observed_scan;
    if (r->trace != NULL && run->scan > r->traced && run->scan % r->spec.config->trace_energy == 0)
        LEHR_TRY(lehr_trace_add(r->trace, r->run));
    r->traced = run->scan;
    return LEHR_OK;
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* Runs that have stopped in this slice. */
static lehr_status end_runs(const lehr_recording *r)
{
    bool any = false;
    for (int32_t i = 0; i < lehr_pack_count(r->pack); i++) {
        lehr_recorder *recorder = r->recorder[i];
        if (recorder->ended || recorder->run->stop == LEHR_STOP_NONE)
            continue;
        LEHR_TRY(show(recorder));
        recorder->ended = any = true;
        if (r->end != NULL)
            LEHR_TRY(r->end(i, r->data));
    }
    return any && r->settle != NULL ? r->settle(r->data) : LEHR_OK;
}

/* What has ended is written down before a checkpoint that knows of it no more. */
static lehr_status record_slice(const lehr_recording *r)
{
    for (int32_t i = 0; i < lehr_pack_count(r->pack); i++)
        if (!r->recorder[i]->ended)
            LEHR_TRY(record_run(r->recorder[i]));
    LEHR_TRY(end_runs(r));
    if (r->saver != NULL && lehr_saver_due(r->saver))
        LEHR_TRY(r->save(r->data));
    for (int32_t i = 0; i < lehr_pack_count(r->pack); i++)
        if (!r->recorder[i]->ended)
            LEHR_TRY(show(r->recorder[i]));
    return LEHR_OK;
}

/* The nearer of two numbers of scans; 0: no such limit. */
static int64_t nearer(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* Scans until the next energy of any trace or the next pause; 0: there is none. */
static int64_t scans_wanted(const lehr_recording *r)
{
    int64_t least = 0;
    for (int32_t i = 0; i < lehr_pack_count(r->pack); i++) {
        const lehr_recorder *recorder = r->recorder[i];
        const int64_t every = recorder->spec.config->trace_energy, scan = recorder->run->scan;
        if (recorder->ended)
            continue;
        if (every > 0)
            least = nearer(least, every - scan % every);
        if (r->pause > scan)
            least = nearer(least, r->pause - scan);
    }
    return least;
}

/* A run that goes on; NULL: none does. */
static const lehr_run *any_run(const lehr_recording *r)
{
    for (int32_t i = 0; i < lehr_pack_count(r->pack); i++)
        if (r->recorder[i]->run->stop == LEHR_STOP_NONE)
            return r->recorder[i]->run;
    return NULL;
}

lehr_status lehr_record(lehr_recording *r)
{
    bool moving, wanted;
    for (int32_t i = 0; i < lehr_pack_count(r->pack); i++)
        LEHR_TRY(begin_run(r->recorder[i]));
    wanted = r->look == NULL || r->look(r->data);
    while (wanted && any_run(r) != NULL) {
        LEHR_TRY(lehr_pack_advance(r->pack, scans_wanted(r), &moving));
        if (r->pause > 0 && any_run(r) != NULL && any_run(r)->scan == r->pause)
            LEHR_TRY(r->reach(r->data));
        LEHR_TRY(record_slice(r));
        wanted = r->look == NULL || r->look(r->data);
    }
    return LEHR_OK;
}

/* ---- Alone ----------------------------------------------------------------------------------- */

static bool look_alone(void *data)
{
    const lehr_recorder *r = data;
    const lehr_progress progress = lehr_progress_of(r->run);
    return r->spec.look == NULL || r->spec.look(&progress, r->spec.data);
}

static lehr_status save_alone(void *data)
{
    lehr_recorder *r = data;
    return lehr_saver_write(&r->saver);
}

/* The last state is saved before the trace is closed, so that a longer run can go on from both. */
lehr_status lehr_recorder_go(lehr_recorder *recorder, bool *ended)
{
    lehr_recording recording = {.pack = recorder->run->pack,
                                .recorder = &recorder,
                                .saver = &recorder->saver,
                                .save = save_alone,
                                .look = look_alone,
                                .data = recorder};
    LEHR_TRY(lehr_record(&recording));
    LEHR_TRY(lehr_saver_write(&recorder->saver));
    *ended = recorder->run->stop != LEHR_STOP_NONE;
    return *ended && recorder->trace != NULL ? lehr_trace_flush(recorder->trace) : LEHR_OK;
}

lehr_status lehr_record_start_from(const char *path, const lehr_objective *objective, lehr_run *run)
{
    if (path[0] == '\0')
        return LEHR_OK;
    float *theta = NULL;
    LEHR_TRY(LEHR_NEW(theta, (size_t)lehr_objective_parameters(objective), "the first weights"));
    lehr_status status = lehr_model_load_weights(path, objective, theta);
    if (status == LEHR_OK)
        status = lehr_run_start_from(run, theta);
    LEHR_FREE(theta);
    return status;
}
