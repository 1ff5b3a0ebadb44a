/* finding.h: is a run that says of itself that it is running at work? A process that is killed leaves "running"
 * behind in status.json, so whoever shows a state asks its lock, or the yard of its sweep. Nothing is written. */
#ifndef LEHR_STUDY_FINDING_H
#define LEHR_STUDY_FINDING_H

#include <stdbool.h>

#include "lehr/status.h"
#include "study/directory.h"

struct json_t; /* of jansson */

typedef struct lehr_finding {
    const char *state;           /* what it is; it lives as long as the status it was found with */
    bool moves;                  /* there is something to wait for */
    char way[3 * LEHR_PATH_MAX]; /* that leads on; "": none */
} lehr_finding;

/* Look at the run in the directory `path` whose status.json is *status, which is read again, into *status, where it
 * says "running". Fails with LEHR_ERR_EXISTS when it cannot be read. */
lehr_status lehr_finding_of(const char *path, struct json_t **status, lehr_finding *out);

/* Read status.json of a run. Fails with LEHR_ERR_EXISTS. */
lehr_status lehr_run_status_read(const char *path, struct json_t **out);

#endif
