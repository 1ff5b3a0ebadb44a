/* ledger.h: sweep.json: what a sweep's directory says about its trials, so that it can be read without the
 * sweep file. The directories are the truth about results; this is the list of what should be there. */
#ifndef LEHR_STUDY_LEDGER_H
#define LEHR_STUDY_LEDGER_H

#include "study/metric.h"
#include "study/trials.h"
#include "study/yard.h"

typedef struct lehr_entry {
    int64_t number;
    char id[LEHR_RUN_ID_BYTES];
    const char *value[LEHR_AXES_MAX]; /* as the keys print them */
    int64_t scans, rows;
    double work;
    int32_t point; /* trials that differ only in axes that are averaged over share one */
} lehr_entry;

typedef struct lehr_ledger {
    struct json_t *json; /* holds all texts */
    const char *name;
    const char *axis[LEHR_AXES_MAX];
    bool over[LEHR_AXES_MAX];
    int32_t axes;
    lehr_metric_path metric; /* part NULL: none */
    bool maximize;
    lehr_entry *entry; /* [count] */
    int32_t count, points;
} lehr_ledger;

/* Write sweep.json, unless it says the same already. Fails with LEHR_ERR_EXISTS on the directory of another sweep. */
lehr_status lehr_ledger_write(const lehr_trials *trials, const char *name, const lehr_yard *yard);

/* May this sweep work in a directory, which need not be there? Nothing is written. `was`: the name of the sweep that it
 * holds; "": the same one, or none. Fails as lehr_yard_enter and lehr_ledger_write would on what is there. */
lehr_status lehr_ledger_check(const lehr_trials *trials, const char *name, const char *path,
                              char was[LEHR_NAME_MAX]);

/* Read it back. Fails with LEHR_ERR_DATA on anything else, LEHR_ERR_IO when it is not there. */
lehr_status lehr_ledger_read(const lehr_yard *yard, lehr_ledger *out);
void lehr_ledger_free(lehr_ledger *ledger);

/* Trials of the sweep as it was: names in trials/ that the list does not have, sorted; `*out` starts as NULL and is
 * given back in any case. Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_ledger_others(const lehr_ledger *ledger, const lehr_yard *yard, char ***out,
                               int32_t *found);
void lehr_ledger_others_free(char ***list, int32_t found);

/* The value of a key, as the key prints it, as JSON: a number where it is one. NULL without memory. */
struct json_t *lehr_ledger_json(const char *path, const char *value);

/* The objective of one point. */
typedef struct lehr_point {
    double mean; /* over its finished trials, added in order of their numbers; NaN: none */
    int32_t done, trials;
    int32_t first; /* its first trial */
} lehr_point;

/* The best point: among those of which all trials are finished, else among those that have any; ties go to the
 * first. False: no objective, or nothing is finished. value[count]: the metric of each entry, NaN: none. */
bool lehr_ledger_best(const lehr_ledger *ledger, const double *value, lehr_point *out);

#endif
