/* record.h: drive a pack and write down what is seen of its runs. */
#ifndef LEHR_STUDY_RECORD_H
#define LEHR_STUDY_RECORD_H

#include <stdbool.h>

#include "lehr/run.h"
#include "lehr/study.h"
#include "study/store.h"

struct lehr_trace;

/* One run of a pack while it is recorded: the first two are given, all else is zero before. */
typedef struct lehr_recorded {
    lehr_store *store;
    int64_t trace_energy; /* scans between energies of the trace; 0: none */
    lehr_run *run;        /* the pack's */
    struct lehr_trace *trace;
    int64_t observed; /* scan of the last line of events.jsonl */
    bool ended;
} lehr_recorded;

typedef struct lehr_recorder {
    lehr_pack *pack;
    lehr_recorded *run; /* [lehr_pack_count(pack)] */

    /* Called between slices, several times a second; may be NULL. For progress lines, and to interrupt. */
    void (*look)(void *data);

    /* Called once for each run, when it has stopped and all its lines are written; may be NULL. A failure ends
     * the whole pack. */
    lehr_status (*end)(int32_t index, void *data);

    /* Called between two slices when the pack has done `pause` scans, which it may set anew, and may halt runs. */
    lehr_status (*reach)(void *data);
    int64_t pause; /* 0: never */

    /* Called after the slice in which some have ended; may be NULL. */
    lehr_status (*settle)(void *data);
    void *data;
} lehr_recorder;

/* Advance until all runs have stopped: events.jsonl at every observation (the first weights included), the trace
 * of energies, status.json every few seconds. Fails as lehr_pack_advance, `end` and `settle`, and with LEHR_ERR_IO when a
 * file cannot be written. */
lehr_status lehr_record(lehr_recorder *recorder);

/* Start every row of a run from the weights of a file; "": from those that were drawn. Fails as
 * lehr_model_load_weights and lehr_run_start_from. */
lehr_status lehr_record_start_from(const char *path, const lehr_objective *objective,
                                   lehr_run *run);

#endif
