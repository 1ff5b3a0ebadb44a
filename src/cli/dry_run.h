/* dry_run.h: the trials of a sweep before any work. */
#ifndef LEHR_CLI_DRY_RUN_H
#define LEHR_CLI_DRY_RUN_H

#include <stdbool.h>

#include "study/worker.h"

/* A line on stderr about trials that are excluded or twice there; nothing where there are none. */
void lehr_dry_run_note(const lehr_trials *trials);

/* The table of a worker's shard on stdout, or one JSON object. Times are predicted from a moment of the first trial of
 * each shape, and are a bound where trials may be pruned or have been begun in `dir`, which need not be there. */
lehr_status lehr_dry_run_print(const lehr_worker_spec *spec, const char *dir, bool json);

/* Bytes of the largest launch of any of so many shards. Fails with LEHR_ERR_MEMORY. */
lehr_status lehr_dry_run_bytes(const lehr_trials *trials, int32_t shards, int64_t *out);

#endif
