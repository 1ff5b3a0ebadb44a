/* report.h: what a report shows, read from the directories of runs and from nothing else.
 *
 * The data are one JSON object, which page.h puts into a page. Of one run ("kind": "run") it is everything that
 * the directory holds, curves thinned and energies binned; of several ("kind": "runs") their differing keys,
 * what each has reached, what each key does on average, and the sweeps whose trials they are. A run that still runs, or was killed, is shown as
 * far as it has come. */
#ifndef LEHR_STUDY_REPORT_H
#define LEHR_STUDY_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/run.h"
#include "lehr/status.h"
#include "lehr/study.h"

struct json_t; /* of jansson */

/* ---- Which runs (report_find.c) -------------------------------------------------------------- */

typedef struct lehr_dir_list {
    char (*path)[LEHR_PATH_MAX];
    int32_t count;
} lehr_dir_list;

/* Directories of runs, and of the sweeps whose trials are among them; all zero is none. */
typedef struct lehr_run_list {
    lehr_dir_list runs, sweeps;
    lehr_dir_list named; /* of the runs, those that were not found below another directory */
    bool named_sweep;    /* a sweep's own directory was added: it is shown even without any run */
} lehr_run_list;

/* Is this the directory of a run? */
bool lehr_run_is_at(const char *path);

/* Is the run at `run` a trial? Then of which sweep, and under which id. */
bool lehr_run_sweep(const char *run, char sweep[LEHR_PATH_MAX], char id[LEHR_NAME_MAX]);

/* Add the run at `path`, or else all runs some folders below it (a sweep), by name. Fails with LEHR_ERR_DATA
 * when there is none and it is no sweep, LEHR_ERR_IO when a folder cannot be read. */
lehr_status lehr_run_list_add(lehr_run_list *list, const char *path);
void lehr_run_list_free(lehr_run_list *list);

/* Was a run of the list added by its own name? */
bool lehr_run_list_names(const lehr_run_list *list, const char *run);

/* ---- One run (report_run.c) ------------------------------------------------------------------ */

/* What one directory holds. */
typedef struct lehr_report_run {
    const char *dir;
    lehr_config config;
    struct json_t *
        status; /* its state is what the run is (finding.h), and "way" what leads on, "" where nothing does */
    struct json_t *result; /* NULL: not finished */
    bool gone;             /* after a failure: a file of it is not to be had */
} lehr_report_run;

/* Fails with LEHR_ERR_IO, LEHR_ERR_DATA or LEHR_ERR_ARG on files that are not a run's; close in both cases. */
lehr_status lehr_report_open(const char *dir, lehr_report_run *run);
void lehr_report_close(lehr_report_run *run);

/* The temperatures of one ladder, cold to hot, into t[LEHR_RUNGS_MAX] (+inf where beta is 0); returns their
 * number, 0 without a ladder. */
int32_t lehr_report_ladder(const lehr_report_run *run, double *t);

/* The flow of every rung that the swaps of a finished run lead to by themselves, into flow[LEHR_RUNGS_MAX]; returns
 * the number of rungs, 0 where some pair has not been tried. */
int32_t lehr_report_flow(const lehr_report_run *run, double *flow);

/* ---- Parts of its data ----------------------------------------------------------------------- */

/* report_curves.c: events.jsonl in columns of at most `points` lines, or NULL columns without any line. A last
 * line that was cut off is dropped. Of a trial at work they are in the journal of its pack. */
lehr_status lehr_report_curves(const lehr_report_run *run, int32_t points, struct json_t **out);

/* The same of lines in memory; `name` stands in errors. */
lehr_status lehr_report_columns(const char *name, const char *lines, size_t length, int32_t points,
                                struct json_t **out);

/* report_trace.c: energies of every rung, binned, from the scans after which step sizes are frozen; {"missing":
 * sentence} without a trace. */
lehr_status lehr_report_energies(const lehr_report_run *run, struct json_t **out);

/* report_warn.c: a list of sentences about what looks wrong. */
lehr_status lehr_report_warnings(const lehr_report_run *run, struct json_t **out);

/* ---- All of it (report.c, report_compare.c) -------------------------------------------------- */

/* Data of one run, or of several. Free with json_decref. */
lehr_status lehr_report_one(const char *dir, struct json_t **out);
lehr_status lehr_report_many(const lehr_run_list *list, struct json_t **out);

#endif
