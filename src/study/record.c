/* record.c: the loop of slices as a store sees it. Cutting slices at trace scans never changes a
 * bit. */
#include "study/record.h"

#include "base/status.h"
#include "run/run.h"
#include "study/trace.h"

/* What one run's loop needs. */
typedef struct recorder {
    lehr_store *store;
    lehr_run *run;
    lehr_trace *trace;   /* NULL: none */
    int64_t trace_scans; /* between two energies */
    lehr_look_fn look;
    void *data;
} recorder;

static lehr_status record_slice(const recorder *r, int64_t observed)
{
    const lehr_run *run = r->run;
    if (run->observed_scan != observed)
        LEHR_TRY(lehr_store_event(r->store, &run->observation));
    if (r->trace != NULL && run->scan % r->trace_scans == 0)
        LEHR_TRY(lehr_trace_add(r->trace, r->run));
    const lehr_progress progress = lehr_progress_of(run);
    if (r->look != NULL)
        r->look(&progress, r->data);
    return lehr_store_progress(r->store, progress.scan, progress.scans, progress.left_s);
}

static lehr_status advance(const recorder *r, lehr_stop *stop)
{
    const int64_t observed = r->run->observed_scan;
    const int64_t wanted = r->trace != NULL ? r->trace_scans - r->run->scan % r->trace_scans : 0;
    LEHR_TRY(lehr_run_advance(r->run, wanted, stop));
    return record_slice(r, observed);
}

static lehr_status record(const recorder *r)
{
    lehr_stop stop = LEHR_STOP_NONE;
    LEHR_TRY(lehr_store_event(r->store, &r->run->observation));
    while (stop == LEHR_STOP_NONE)
        LEHR_TRY(advance(r, &stop));
    return r->trace != NULL ? lehr_trace_flush(r->trace) : LEHR_OK;
}

lehr_status lehr_record(lehr_store *store, lehr_run *run, int64_t trace_energy, lehr_look_fn look,
                        void *data)
{
    recorder r = {store, run, NULL, trace_energy, look, data};
    if (trace_energy > 0)
        LEHR_TRY(lehr_trace_create(lehr_store_dir(store), lehr_run_group(run)->rows, &r.trace));
    const lehr_status status = record(&r);
    lehr_trace_destroy(&r.trace);
    return status;
}
