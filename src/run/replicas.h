/* run/replicas.h: the replica table of a run: its memory, its first weights, its hash. */
#ifndef LEHR_RUN_REPLICAS_H
#define LEHR_RUN_REPLICAS_H

#include "backend.h"
#include "lehr/objective.h"
#include "lehr/run.h"

/* Memory for one group: rows = copies*rungs, one block for all arrays. Fails with LEHR_ERR_MEMORY or, when the
 * sizes overflow, LEHR_ERR_ARG. */
lehr_status lehr_replicas_create(const lehr_group *group, int32_t parameters, lehr_table **out);
void lehr_replicas_destroy(lehr_table **table);

/* Memory that lehr_replicas_create would take. */
int64_t lehr_replicas_bytes(const lehr_group *group, int32_t parameters);

/* Draw the first weights of every row: normal of standard deviation scale(i), or random signs / ternary values.
 * Randomness: domain INIT, scan 0, the row inside its group. */
void lehr_replicas_draw(lehr_table *table, const lehr_objective *objective);

/* Hash of one group's rows and rung table, field by field, without padding. */
uint64_t lehr_replicas_hash(const lehr_table *table, int32_t group);

#endif
