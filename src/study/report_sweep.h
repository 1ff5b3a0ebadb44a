/* report_sweep.h: sweeps whose trials are compared: what they ask for, how far they are, and which trial stands for
 * what. */
#ifndef LEHR_STUDY_REPORT_SWEEP_H
#define LEHR_STUDY_REPORT_SWEEP_H

#include "study/ledger.h"
#include "study/report.h"
#include "study/report_work.h"

/* One sweep. */
typedef struct lehr_report_sweep {
    const char *path;
    lehr_yard yard;
    lehr_ledger ledger;
    struct json_t *index;  /* id of a trial: its place in the ledger */
    int32_t *trials;       /* [points of the ledger] of each */
    lehr_work_trial *work; /* [working] trials that have not ended */
    int32_t working;
} lehr_report_sweep;

typedef struct lehr_report_sweeps {
    lehr_report_sweep *sweep; /* [count] */
    int32_t count;
} lehr_report_sweeps;

/* Where a run belongs; all zero: to no sweep. */
typedef struct lehr_report_place {
    const lehr_report_sweep *sweep; /* NULL: none */
    int32_t number;                 /* of the sweep */
    int32_t entry;                  /* in its ledger; -1: the sweep no longer names it */
    lehr_trial_state state;
} lehr_report_place;

/* Open all of a list; close in any case. Fails as lehr_yard_open and lehr_ledger_read. */
lehr_status lehr_report_sweeps_open(const lehr_run_list *list, lehr_report_sweeps *out);
void lehr_report_sweeps_close(lehr_report_sweeps *sweeps);

/* Look a run up; one that has not ended is noted for lehr_report_sweeps_json. Fails with LEHR_ERR_MEMORY. */
lehr_status lehr_report_sweeps_find(const lehr_report_sweeps *sweeps, const char *run,
                                    lehr_report_place *out);

/* The sweep that stands for all: the first, when no other one has another objective; NULL: none. */
const lehr_report_sweep *lehr_report_sweeps_one(const lehr_report_sweeps *sweeps);

/* Is this key averaged over, in every sweep that has it as an axis, and in one at least? */
bool lehr_report_sweeps_over(const lehr_report_sweeps *sweeps, const char *key);

/* A list of them: their standing (standing.h), goal, axes with their values, and the curves of trials that have not ended. */
lehr_status lehr_report_sweeps_json(const lehr_report_sweeps *sweeps, struct json_t **out);

#endif
