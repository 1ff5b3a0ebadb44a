/* record.h: drive a run and write down what is seen of it. */
#ifndef LEHR_STUDY_RECORD_H
#define LEHR_STUDY_RECORD_H

#include <stdbool.h>

#include "lehr/run.h"
#include "lehr/study.h"
#include "study/progress.h"
#include "study/store.h"

/* Called between slices, several times a second, for progress lines; false: save the run and leave it. */
typedef bool (*lehr_look_fn)(const lehr_progress *progress, void *data);

/* What is written besides events: the trace of energies every config->trace_energy scans (0: none), a checkpoint
 * every config->checkpoint_s. */
typedef struct lehr_record_spec {
    const lehr_config *config;
    const char *id;
    uint64_t data_hash;
    lehr_look_fn look; /* may be NULL */
    void *data;
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

#endif
