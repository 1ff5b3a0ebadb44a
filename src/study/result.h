/* result.h: what a run has reached, as the JSON object of result.json and as a short table. */
#ifndef LEHR_STUDY_RESULT_H
#define LEHR_STUDY_RESULT_H

#include <stdbool.h>

#include "base/text.h"
#include "lehr/run.h"
#include "lehr/study.h"

struct json_t; /* of jansson */

/* Checkpoints of a run. */
typedef struct lehr_saves {
    int64_t count;  /* since the run began */
    int64_t scan;   /* of the last one; -1: none */
    double spent_s; /* in all of them */
    double every_s; /* at least between two: longer than asked for where writing is slow */
} lehr_saves;

/* Whose result it is: what it points to lives as long as the call. */
typedef struct lehr_result_about {
    const lehr_config *config;
    const char *id;          /* of the run */
    const char *dir;         /* of its files */
    const lehr_saves *saves; /* NULL: none were made */
} lehr_result_about;

/* A number as JSON; null when it is not finite, since JSON has no NaN. NULL without memory. */
struct json_t *lehr_json_number(double value);

/* Text as JSON; bytes beyond ASCII become '?' when they are not UTF-8 (paths may be anything). */
struct json_t *lehr_json_text(const char *text);

/* {loss, accuracy} or {loss, r2, rmse}; null when the part is empty (loss NaN). */
struct json_t *lehr_json_score(const lehr_score *score);

/* {count, scan, spent_s, every_s}; null for NULL. */
struct json_t *lehr_json_saves(const lehr_saves *saves);

/* Summarize a run that has ended. Fails with LEHR_ERR_MEMORY and as lehr_run_summarize; free
 * with json_decref. */
lehr_status lehr_result_make(lehr_run *run, const lehr_result_about *about, struct json_t **out);

/* The text of result.json, with its last newline, added to `out`; fails with LEHR_ERR_MEMORY. */
lehr_status lehr_result_text(const struct json_t *result, lehr_text *out);

/* Read such a text back; `path` is its name in messages. Fails with LEHR_ERR_DATA. */
lehr_status lehr_result_parse(const char *path, const char *text, size_t length,
                              struct json_t **out);

/* The same from the file `name` of a directory. Fails with LEHR_ERR_IO too. */
lehr_status lehr_result_read(const char *dir, const char *name, struct json_t **out);

/* Why the run stopped ("scans"), "" when the object does not say. */
const char *lehr_result_stop(const struct json_t *result);

/* The table for people, added to `out`. */
void lehr_result_table(const struct json_t *result, lehr_text *out);

#endif
