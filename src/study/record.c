/* record.c: the loop of slices as stores see it: one for a run and for a pack. Cutting slices at trace scans
 * never changes a bit. */
#include "study/record.h"

#include "base/memory.h"
#include "base/status.h"
#include "run/run.h"
#include "study/model.h"
#include "study/progress.h"
#include "study/trace.h"

static lehr_status begin_run(lehr_recorded *r, lehr_run *run)
{
    r->run = run;
    r->trace = NULL;
    r->observed = run->observed_scan;
    r->ended = false;
    if (r->trace_energy > 0)
        LEHR_TRY(lehr_trace_create(lehr_store_dir(r->store), lehr_run_group(run)->rows, &r->trace));
    return lehr_store_event(r->store, &run->observation);
}

/* What one slice has brought to one run. */
static lehr_status record_run(lehr_recorded *r)
{
    lehr_run *run = r->run;
    if (run->observed_scan != r->observed)
        LEHR_TRY(lehr_store_event(r->store, &run->observation));
    r->observed = run->observed_scan;
    if (r->trace != NULL && run->scan % r->trace_energy == 0)
        LEHR_TRY(lehr_trace_add(r->trace, run));
    const lehr_progress progress = lehr_progress_of(run);
    LEHR_TRY(lehr_store_progress(r->store, progress.scan, progress.scans, progress.left_s));
    return lehr_run_stopped(run) != LEHR_STOP_NONE && r->trace != NULL ? lehr_trace_flush(r->trace)
                                                                       : LEHR_OK;
}

static lehr_status record_slice(const lehr_recorder *recorder)
{
    bool any = false;
    for (int32_t i = 0; i < lehr_pack_count(recorder->pack); i++) {
        lehr_recorded *r = &recorder->run[i];
        if (r->ended)
            continue;
        LEHR_TRY(record_run(r));
        r->ended = lehr_run_stopped(r->run) != LEHR_STOP_NONE;
        any |= r->ended;
        if (r->ended && recorder->end != NULL)
            LEHR_TRY(recorder->end(i, recorder->data));
    }
    if (any && recorder->settle != NULL)
        LEHR_TRY(recorder->settle(recorder->data));
    if (recorder->look != NULL)
        recorder->look(recorder->data);
    return LEHR_OK;
}

/* The nearer of two numbers of scans; 0: no such limit. */
static int64_t nearer(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* Scans until the next energy of any trace or the next pause; 0: there is none. */
static int64_t scans_wanted(const lehr_recorder *recorder)
{
    int64_t least = 0;
    for (int32_t i = 0; i < lehr_pack_count(recorder->pack); i++) {
        const lehr_recorded *r = &recorder->run[i];
        if (r->ended)
            continue;
        if (r->trace != NULL)
            least = nearer(least, r->trace_energy - r->run->scan % r->trace_energy);
        if (recorder->pause > r->run->scan)
            least = nearer(least, recorder->pause - r->run->scan);
    }
    return least;
}

/* Scans that the runs which go on have done; 0: none does. */
static int64_t scan_now(const lehr_recorder *recorder)
{
    for (int32_t i = 0; i < lehr_pack_count(recorder->pack); i++)
        if (lehr_run_stopped(recorder->run[i].run) == LEHR_STOP_NONE)
            return recorder->run[i].run->scan;
    return 0;
}

static lehr_status record(const lehr_recorder *recorder)
{
    for (int32_t i = 0; i < lehr_pack_count(recorder->pack); i++)
        LEHR_TRY(begin_run(&recorder->run[i], lehr_pack_run(recorder->pack, i)));
    for (bool moving = true; moving;) {
        LEHR_TRY(lehr_pack_advance(recorder->pack, scans_wanted(recorder), &moving));
        if (recorder->pause > 0 && scan_now(recorder) == recorder->pause)
            LEHR_TRY(recorder->reach(recorder->data));
        LEHR_TRY(record_slice(recorder));
        moving = scan_now(recorder) > 0;
    }
    return LEHR_OK;
}

lehr_status lehr_record(lehr_recorder *recorder)
{
    const lehr_status status = record(recorder);
    for (int32_t i = 0; i < lehr_pack_count(recorder->pack); i++)
        lehr_trace_destroy(&recorder->run[i].trace);
    return status;
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
