/* record.c: the loop of slices as a store sees it. Cutting slices at trace scans or leaving between two of them
 * never changes a bit. */
#include "study/record.h"

#include "base/memory.h"
#include "base/status.h"
#include "run/run.h"
#include "study/save.h"
#include "study/trace.h"

struct lehr_recorder {
    lehr_store *store;
    lehr_run *run;
    lehr_record_spec spec;
    lehr_trace *trace; /* NULL: none */
    lehr_saver saver;
    bool resumed; /* the first event stands already */
};

static lehr_status open_recorder(lehr_recorder *r)
{
    const lehr_record_spec *spec = &r->spec;
    if (spec->config->trace_energy > 0)
        LEHR_TRY(
            lehr_trace_create(lehr_store_dir(r->store), lehr_run_group(r->run)->rows, &r->trace));
    r->saver.store = r->store;
    r->saver.run = r->run;
    r->saver.trace = r->trace;
    return lehr_saver_open(&r->saver, spec->config, spec->id, spec->data_hash);
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

/* ---- The loop -------------------------------------------------------------------------------- */

static lehr_status advance(lehr_recorder *r)
{
    lehr_run *run = r->run;
    lehr_stop unused;
    const int64_t every = r->spec.config->trace_energy, observed = run->observed_scan;
    LEHR_TRY(lehr_run_advance(run, every > 0 ? every - run->scan % every : 0, &unused));
    if (run->observed_scan != observed)
        LEHR_TRY(lehr_store_event(r->store, &run->observation));
    if (r->trace != NULL && run->scan % every == 0)
        LEHR_TRY(lehr_trace_add(r->trace, run));
    return lehr_saver_due(&r->saver) ? lehr_saver_write(&r->saver) : LEHR_OK;
}

/* *wanted: is the run to go on? */
static lehr_status show(const lehr_recorder *r, bool *wanted)
{
    const lehr_progress progress = lehr_progress_of(r->run);
    *wanted = r->spec.look == NULL || r->spec.look(&progress, r->spec.data);
    return lehr_store_progress(r->store, progress.scan, progress.scans, progress.left_s);
}

static lehr_status record(lehr_recorder *r)
{
    bool wanted;
    if (!r->resumed)
        LEHR_TRY(lehr_store_event(r->store, &r->run->observation));
    LEHR_TRY(show(r, &wanted));
    while (wanted && r->run->stop == LEHR_STOP_NONE) {
        LEHR_TRY(advance(r));
        LEHR_TRY(show(r, &wanted));
    }
    return LEHR_OK;
}

/* The last state is saved before the trace is closed, so that a longer run can go on from both. */
lehr_status lehr_recorder_go(lehr_recorder *recorder, bool *ended)
{
    LEHR_TRY(record(recorder));
    LEHR_TRY(lehr_saver_write(&recorder->saver));
    *ended = recorder->run->stop != LEHR_STOP_NONE;
    return *ended && recorder->trace != NULL ? lehr_trace_flush(recorder->trace) : LEHR_OK;
}
