/* replicas.c: the table of replicas. */
#include "run/replicas.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "core/rng.h"
#include "model/objective.h"

enum { ALIGNMENT = 64 };

static size_t padded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Bytes of the whole block; with a base address, also where each array stands in it. */
static size_t lay_out(lehr_table *table, const lehr_group *group, char *base)
{
    const size_t R = (size_t)group->rows, P = (size_t)table->parameters, M = (size_t)group->moves;
    const size_t S = R, B = (size_t)group->rungs;
    const size_t RP = R * P, RM = R * M, SM = S * M;
    size_t at = 0;
    if (base)
        table->group = (void *)base;
    at += padded(sizeof *table->group);
#define X(type, field, count)                                                                      \
    if (base)                                                                                      \
        table->field = (void *)(base + at);                                                        \
    at += padded((count) * sizeof(type));
    LEHR_TABLE_FIELDS(X)
#undef X
    return at;
}

lehr_status lehr_replicas_create(const lehr_group *group, int32_t parameters, lehr_table **out)
{
    size_t weights, bytes;
    LEHR_CHECK(lehr_size_mul((size_t)group->rows, (size_t)parameters, &weights) &&
                   lehr_size_mul(weights, 4 * sizeof(float), &bytes),
               LEHR_ERR_ARG, "%d rows of %d parameters are too many", group->rows, parameters);
    lehr_table *table = NULL;
    LEHR_TRY(LEHR_NEW(table, 1, "replica table"));
    table->rows = group->rows;
    table->parameters = parameters;
    table->group_count = 1;
    table->moves = group->moves;
    char *block = NULL;
    const lehr_status status = LEHR_NEW(block, lay_out(table, group, NULL), "replicas");
    if (status != LEHR_OK) {
        LEHR_FREE(table);
        return status;
    }
    lay_out(table, group, block);
    table->group[0] = *group;
    for (int32_t r = 0; r < table->rows; r++) {
        table->rung[r] = r % group->rungs;
        table->slot_row[r] = r;
    }
    *out = table;
    return LEHR_OK;
}

int64_t lehr_replicas_bytes(const lehr_group *group, int32_t parameters)
{
    lehr_table shape = {.parameters = parameters};
    return (int64_t)lay_out(&shape, group, NULL);
}

void lehr_replicas_destroy(lehr_table **table)
{
    if (!*table)
        return;
    LEHR_FREE((*table)->group); /* the first array: the start of the block */
    LEHR_FREE(*table);
}

static float first_weight(lehr_weights kind, double scale, lehr_words words, int32_t i)
{
    const lehr_u32 word = words.w[lehr_noise_word(i)];
    if (scale == 0)
        return 0;
    if (kind == LEHR_WEIGHTS_BINARY)
        return word >> 31 ? 1.0f : -1.0f;
    if (kind == LEHR_WEIGHTS_TERNARY)
        return (float)lehr_index(word, 3) - 1.0f;
    float z[4];
    lehr_normal2(words.w[0], words.w[1], &z[0], &z[1]);
    lehr_normal2(words.w[2], words.w[3], &z[2], &z[3]);
    return (float)scale * z[lehr_noise_word(i)];
}

void lehr_replicas_draw(lehr_table *table, const lehr_objective *objective)
{
    const lehr_weights kind = lehr_objective_weights(objective);
    for (int32_t r = 0; r < table->rows; r++) {
        float *theta = table->theta + (size_t)r * (size_t)table->parameters;
        for (int32_t i = 0; i < table->parameters; i++) {
            const lehr_words words = lehr_draw(table->group[0].key, (lehr_u32)lehr_noise_block(i),
                                               0, (lehr_u32)r, LEHR_DOMAIN_INIT);
            theta[i] = first_weight(kind, lehr_objective_init_scale(objective, i), words, i);
        }
    }
}

uint64_t lehr_replicas_hash(const lehr_table *table, int32_t group)
{
    const lehr_group *g = &table->group[group];
    const size_t first = (size_t)g->first_row, rows = (size_t)g->rows,
                 P = (size_t)table->parameters;
    const size_t steps = rows * (size_t)g->moves, slot = (size_t)g->first_slot,
                 step = (size_t)g->first_step;
    uint64_t hash = LEHR_HASH_START;
#define HASH(field, from, count)                                                                   \
    hash = lehr_hash(hash, table->field + (from), (count) * sizeof *table->field)
    HASH(theta, first * P, rows * P);
    HASH(energy, first, rows);
    HASH(prior, first, rows);
    HASH(quarter, first, rows);
    HASH(best, first * P, rows * P);
    HASH(best_energy, first, rows);
    HASH(best_scan, first, rows);
    HASH(rung, first, rows);
    HASH(accepts, first, rows);
    HASH(trips, first, rows);
    HASH(slot_row, slot, rows);
    HASH(swap_sum, slot, rows);
    HASH(swap_count, slot, rows);
    HASH(log_step, step, steps);
    HASH(proposed, step, steps);
    HASH(accepted, step, steps);
#undef HASH
    return hash;
}
