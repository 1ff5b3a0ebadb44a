/* collect.h: the results of a sweep as two files, made anew from its directories each time. */
#ifndef LEHR_STUDY_COLLECT_H
#define LEHR_STUDY_COLLECT_H

#include "base/text.h"
#include "study/ledger.h"

/* results.csv: what is the same whoever did the work and when: trials that have ended, those of sweep.json first, in
 * its order, then others by id. results.sqlite: the same and times, hosts, errors. Each is written whole.
 * *rows: how many. Fails with LEHR_ERR_IO, LEHR_ERR_DATA and LEHR_ERR_MEMORY. */
lehr_status lehr_collect(const lehr_yard *yard, int32_t *rows);

/* ---- Inside: rows and columns ------------------------------------------------------------------ */

/* A column that is read from the JSON files of a trial. */
typedef struct lehr_column {
    const char *name;
    const char *path; /* dotted, in result.json, or in status.json behind "status:" */
    bool repeats;     /* the same, whoever did the work: part of the CSV file */
} lehr_column;

extern const lehr_column lehr_columns[];
extern const int32_t lehr_column_count;

/* One trial; all texts live as long as the call that gets it. */
typedef struct lehr_row {
    int64_t number; /* -1: not of the sweep as it is now */
    const char *id, *state;
    const char *value[LEHR_AXES_MAX];
    const struct json_t *result, *status; /* may be NULL */
} lehr_row;

/* The JSON value of a column; NULL: none. */
const struct json_t *lehr_column_value(const lehr_column *column, const lehr_row *row);

/* collect_db.c: a database in memory, and its bytes. */
typedef struct lehr_database lehr_database;
lehr_status lehr_database_create(const lehr_ledger *ledger, lehr_database **out);
lehr_status lehr_database_add(lehr_database *database, const lehr_row *row);
lehr_status lehr_database_write(lehr_database *database, const lehr_dir *dir, const char *name);
void lehr_database_destroy(lehr_database **database);

#endif
