/* report_work.h: what has been observed so far of trials at work, which only the journals of their packs hold
 * (journal.h), also before the first checkpoint. */
#ifndef LEHR_STUDY_REPORT_WORK_H
#define LEHR_STUDY_REPORT_WORK_H

#include "study/yard.h"

/* A trial that has not ended. */
typedef struct lehr_work_trial {
    const char *id;
    lehr_trial_state state;
    char worker[LEHR_OWNER_MAX];    /* who has it, or had it last */
    char pack[LEHR_CRATE_ID_BYTES]; /* the crate that holds its state; "": none yet */
    int64_t rank;                   /* of the crate that the columns are from, see report_work.c */
    struct json_t *columns;         /* NULL: nothing has been observed; the caller's */
} lehr_work_trial;

/* Fill in what the directory of the trial says; `id` is set. */
void lehr_work_look(const lehr_yard *yard, lehr_work_trial *trial);

/* Fill the columns (lehr_report_columns) of trial[count] of the sweep at a path. Every journal is read once, one after
 * the other. One that is gone meanwhile is none, and so are lines that are damaged. Fails with LEHR_ERR_IO,
 * LEHR_ERR_MEMORY. */
lehr_status lehr_work_read(const char *sweep, lehr_work_trial *trial, int32_t count,
                           int32_t points);

#endif
