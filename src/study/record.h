/* record.h: drive a run and write down what is seen of it. */
#ifndef LEHR_STUDY_RECORD_H
#define LEHR_STUDY_RECORD_H

#include "lehr/run.h"
#include "lehr/study.h"
#include "study/progress.h"
#include "study/store.h"

/* Called between slices, several times a second; for progress lines. */
typedef void (*lehr_look_fn)(const lehr_progress *progress, void *data);

/* Run to a stop rule: events.jsonl at every observation (the first weights included), the trace
 * of energies every trace_energy scans (0: none), status.json every few seconds, `look` (may be
 * NULL) between slices. Fails as lehr_run_advance, and with LEHR_ERR_IO when a file cannot be
 * written. */
lehr_status lehr_record(lehr_store *store, lehr_run *run, int64_t trace_energy, lehr_look_fn look,
                        void *data);

#endif
