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

lehr_replicas_part lehr_replicas_first(const lehr_table *table, const lehr_group *group)
{
    const size_t R = (size_t)group->first_row;
    return (lehr_replicas_part){.R = R,
                                .RP = R * (size_t)table->parameters,
                                .RM = R * (size_t)table->moves,
                                .S = (size_t)group->first_slot,
                                .SM = (size_t)group->first_step,
                                .B = (size_t)group->first_beta};
}

lehr_replicas_part lehr_replicas_size(const lehr_table *table, const lehr_group *group)
{
    const size_t R = (size_t)group->rows;
    return (lehr_replicas_part){.R = R,
                                .RP = R * (size_t)table->parameters,
                                .RM = R * (size_t)table->moves,
                                .S = R,
                                .SM = R * (size_t)group->moves,
                                .B = (size_t)group->rungs};
}

/* Groups stand one behind the other: the whole ends where the last one does. */
static lehr_replicas_part whole_size(const lehr_table *shape)
{
    const lehr_group *last = &shape->group[shape->group_count - 1];
    const lehr_replicas_part a = lehr_replicas_first(shape, last),
                             b = lehr_replicas_size(shape, last);
    return (lehr_replicas_part){.R = a.R + b.R,
                                .RP = a.RP + b.RP,
                                .RM = a.RM + b.RM,
                                .S = a.S + b.S,
                                .SM = a.SM + b.SM,
                                .B = a.B + b.B};
}

/* Bytes of the whole block; with a base address, also where each array stands in it. */
static size_t lay_out(lehr_table *table, lehr_replicas_part size, char *base)
{
    size_t at = 0;
    if (base)
        table->group = (void *)base;
    at += padded((size_t)table->group_count * sizeof *table->group);
#define X(type, field, count)                                                                      \
    if (base)                                                                                      \
        table->field = (void *)(base + at);                                                        \
    at += padded(size.count * sizeof(type));
    LEHR_TABLE_FIELDS(X)
#undef X
    return at;
}

/* Every row on its own rung. */
static void first_places(lehr_table *table, const lehr_group *group)
{
    for (int32_t r = 0; r < group->rows; r++) {
        table->rung[group->first_row + r] = r % group->rungs;
        table->slot_row[group->first_slot + r] = r;
    }
}

lehr_status lehr_replicas_create(const lehr_table *shape, lehr_table **out)
{
    size_t weights, bytes;
    LEHR_CHECK(lehr_size_mul((size_t)shape->rows, (size_t)shape->parameters, &weights) &&
                   lehr_size_mul(weights, 4 * sizeof(float), &bytes),
               LEHR_ERR_ARG, "%d rows of %d parameters are too many", shape->rows,
               shape->parameters);
    const lehr_replicas_part size = whole_size(shape);
    lehr_table *table = NULL;
    LEHR_TRY(LEHR_NEW(table, 1, "replica table"));
    *table = *shape;
    char *block = NULL;
    const lehr_status status = LEHR_NEW(block, lay_out(table, size, NULL), "replicas");
    if (status != LEHR_OK) {
        LEHR_FREE(table);
        return status;
    }
    lay_out(table, size, block);
    memcpy(table->group, shape->group, (size_t)shape->group_count * sizeof *shape->group);
    for (int32_t g = 0; g < table->group_count; g++)
        first_places(table, &table->group[g]);
    *out = table;
    return LEHR_OK;
}

int64_t lehr_replicas_bytes(const lehr_table *shape)
{
    lehr_table table = *shape;
    return (int64_t)lay_out(&table, whole_size(shape), NULL);
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

void lehr_replicas_draw(lehr_table *table, const lehr_group *group, const lehr_objective *objective)
{
    const lehr_weights kind = lehr_objective_weights(objective);
    for (int32_t r = 0; r < group->rows; r++) {
        float *theta = table->theta + (size_t)(group->first_row + r) * (size_t)table->parameters;
        for (int32_t i = 0; i < table->parameters; i++) {
            const lehr_words words = lehr_draw(group->key, (lehr_u32)lehr_noise_block(i), 0,
                                               (lehr_u32)r, LEHR_DOMAIN_INIT);
            theta[i] = first_weight(kind, lehr_objective_init_scale(objective, i), words, i);
        }
    }
}

uint64_t lehr_replicas_hash(const lehr_table *table, const lehr_group *group)
{
    const lehr_replicas_part first = lehr_replicas_first(table, group),
                             size = lehr_replicas_size(table, group);
    uint64_t hash = LEHR_HASH_START;
#define HASH(field, count)                                                                         \
    hash = lehr_hash(hash, table->field + first.count, size.count * sizeof *table->field)
    HASH(theta, RP);
    HASH(energy, R);
    HASH(prior, R);
    HASH(quarter, R);
    HASH(best, RP);
    HASH(best_energy, R);
    HASH(best_scan, R);
    HASH(rung, R);
    HASH(accepts, R);
    HASH(trips, R);
    HASH(slot_row, S);
    HASH(swap_sum, S);
    HASH(swap_count, S);
    HASH(log_step, SM);
    HASH(proposed, SM);
    HASH(accepted, SM);
#undef HASH
    return hash;
}
