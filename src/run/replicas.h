/* run/replicas.h: the replica table of a pack of runs: its memory, its first weights, its hash. */
#ifndef LEHR_RUN_REPLICAS_H
#define LEHR_RUN_REPLICAS_H

#include "backend.h"
#include "lehr/objective.h"
#include "lehr/run.h"

/* A table of this shape and with its groups; one block for all arrays. Fails with LEHR_ERR_MEMORY or, when the
 * sizes overflow, LEHR_ERR_ARG. */
lehr_status lehr_replicas_create(const lehr_table *shape, lehr_table **out);
void lehr_replicas_destroy(lehr_table **table);

/* Memory that lehr_replicas_create would take. */
int64_t lehr_replicas_bytes(const lehr_table *shape);

/* Elements of a group's part of the table's arrays, and where it begins: the letters of LEHR_TABLE_FIELDS. */
typedef struct lehr_replicas_part {
    size_t R, RP, RM, S, SM, B;
} lehr_replicas_part;

lehr_replicas_part lehr_replicas_first(const lehr_table *table, const lehr_group *group);
lehr_replicas_part lehr_replicas_size(const lehr_table *table, const lehr_group *group);

/* Draw the first weights of a group's rows: normal of standard deviation scale(i), or random signs / ternary values.
 * Randomness: domain INIT, scan 0, the row inside its group. */
void lehr_replicas_draw(lehr_table *table, const lehr_group *group,
                        const lehr_objective *objective);

/* Hash of one group's rows and rung table, field by field, without padding. */
uint64_t lehr_replicas_hash(const lehr_table *table, const lehr_group *group);

#endif
