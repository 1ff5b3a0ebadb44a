/* record.h: drive runs and write down what is seen of them: one alone, or a pack. */
#ifndef LEHR_STUDY_RECORD_H
#define LEHR_STUDY_RECORD_H

#include <stdbool.h>

#include "lehr/run.h"
#include "lehr/study.h"
#include "study/progress.h"
#include "study/save.h"
#include "study/store.h"
#include "study/trace.h"

/* Called between slices, several times a second, for progress lines; false: save the run and leave it. */
typedef bool (*lehr_look_fn)(const lehr_progress *progress, void *data);

/* What is written besides events: the trace of energies every config->trace_energy scans (0: none), a checkpoint
 * every config->checkpoint_s. */
typedef struct lehr_record_spec {
    const lehr_config *config;
    const char *id;
    uint64_t data_hash;
    lehr_look_fn look; /* of a run alone; may be NULL */
    void *data;
    bool packed; /* its checkpoints are those of its pack */
} lehr_record_spec;

typedef struct lehr_recorder lehr_recorder;

/* A recorder of a run that stands at its start. Store and run must outlive it. Fails with LEHR_ERR_IO or
 * LEHR_ERR_MEMORY. */
lehr_status lehr_recorder_create(lehr_store *store, lehr_run *run, const lehr_record_spec *spec,
                                 lehr_recorder **out);
void lehr_recorder_destroy(lehr_recorder **recorder);

/* Go on from the newest checkpoint of the store; without one the run starts over, *found is false. What there is
 * to say of a damaged file is added to `notice`. Fails with LEHR_ERR_DATA, LEHR_ERR_EXISTS, LEHR_ERR_IO. */
lehr_status lehr_recorder_resume(lehr_recorder *recorder, bool *found, lehr_text *notice);

/* Run to a stop rule: events.jsonl at every observation (the first weights included), status.json every few
 * seconds. *ended is false when `look` wanted to leave: the run is then saved as it is. Fails as
 * lehr_run_advance, and with LEHR_ERR_IO when a file cannot be written. */
lehr_status lehr_recorder_go(lehr_recorder *recorder, bool *ended);

/* ---- A pack ------------------------------------------------------------------------------------ */

/* The trace of a run; NULL: none. And: it goes on, its first event stands already. */
lehr_trace *lehr_recorder_trace(const lehr_recorder *recorder);
void lehr_recorder_goes_on(lehr_recorder *recorder);

typedef struct lehr_recording {
    lehr_pack *pack;
    lehr_recorder **recorder; /* [lehr_pack_count(pack)], run by run */
    lehr_saver *saver;        /* NULL: nothing is saved */

    /* Called when the saver is due, after `end` and `settle`: lehr_saver_write, and what belongs to it. */
    lehr_status (*save)(void *data);

    /* Called between slices, several times a second; false: leave. May be NULL. */
    bool (*look)(void *data);

    /* Called once for each run, when it has stopped and all its lines are written; may be NULL. A failure ends
     * the whole pack. */
    lehr_status (*end)(int32_t index, void *data);

    /* Called after the slice in which some have ended; may be NULL. */
    lehr_status (*settle)(void *data);

    /* Called between two slices when the pack has done `pause` scans, which it may set anew, and may halt runs. */
    lehr_status (*reach)(void *data);
    int64_t pause; /* 0: never */
    void *data;
} lehr_recording;

/* Advance until all runs have stopped, or `look` wants to leave. Fails as lehr_pack_advance, `end`, `settle`,
 * `save` and `reach`, and with LEHR_ERR_IO when a file cannot be written. */
lehr_status lehr_record(lehr_recording *recording);

/* Start every row of a run from the weights of a file; "": from those that were drawn. Fails as
 * lehr_model_load_weights and lehr_run_start_from. */
lehr_status lehr_record_start_from(const char *path, const lehr_objective *objective,
                                   lehr_run *run);

#endif
