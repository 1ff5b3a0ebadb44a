/* standing.h: how far a sweep is, from its directory alone: counts, the best so far, time left. */
#ifndef LEHR_STUDY_STANDING_H
#define LEHR_STUDY_STANDING_H

#include "base/text.h"
#include "study/ledger.h"
#include "study/worker.h"

/* As one JSON object; free it with json_decref. Fails as lehr_ledger_read. */
lehr_status lehr_standing_json(const lehr_yard *yard, struct json_t **out);

/* The table for people, made of that object. */
void lehr_standing_table(const struct json_t *standing, lehr_text *out);

/* Of that table what was found: the best point, "so far" where none has all of its trials, what failed, and how many
 * trials are no longer part of the sweep. */
void lehr_standing_findings(const struct json_t *standing, lehr_text *out);

/* "312/500 trials done, 20 running, 1 failed, 305 k proposals/s, left 4 min 10 s". */
void lehr_standing_line(const lehr_worker_progress *progress, lehr_text *out);

/* Is there anything left to wait for? */
bool lehr_standing_moves(const struct json_t *standing);

/* There is, but is nobody at work on it? */
bool lehr_standing_rests(const struct json_t *standing);

#endif
