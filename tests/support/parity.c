/* parity.c: see parity.h. */
#include "support/parity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[256];

static void pull(lehr_run *run)
{
    if (run->pack->backend->pull(run->pack->state) == LEHR_OK)
        return;
    fprintf(stderr, "pull: %s\n", lehr_error());
    abort();
}

/* Items of each kind of array: see LEHR_TABLE_FIELDS. */
typedef struct counts {
    size_t R, RP, S, SM, RM, B;
} counts;

static counts count(const lehr_table *t)
{
    counts n = {.R = (size_t)t->rows};
    n.RP = n.R * (size_t)t->parameters;
    n.RM = n.R * (size_t)t->moves;
    for (int32_t g = 0; g < t->group_count; g++) {
        n.S += (size_t)t->group[g].rows;
        n.SM += (size_t)t->group[g].rows * (size_t)t->group[g].moves;
        const size_t end = (size_t)(t->group[g].first_beta + t->group[g].rungs);
        n.B = end > n.B ? end : n.B;
    }
    return n;
}

/* Up to 8 bytes as one number, to be shown. */
static unsigned long long bits(const char *item, size_t size)
{
    unsigned long long out = 0;
    memcpy(&out, item, size < sizeof out ? size : sizeof out);
    return out;
}

static const char *compare(const char *field, const void *a, const void *b, size_t items,
                           size_t size)
{
    const char *x = a, *y = b;
    for (size_t i = 0; i < items; i++, x += size, y += size) {
        if (memcmp(x, y, size) == 0)
            continue;
        snprintf(text, sizeof text, "%s[%zu] of %zu is %llx and %llx", field, i, items,
                 bits(x, size), bits(y, size));
        return text;
    }
    return NULL;
}

const char *parity_difference(lehr_run *a, lehr_run *b)
{
    pull(a);
    pull(b);
    const lehr_table *x = a->pack->table, *y = b->pack->table;
    if (x->rows != y->rows || x->parameters != y->parameters || a->scan != b->scan)
        return "their shapes or scans differ";
    const counts n = count(x);
    const char *found = NULL;
#define X(type, field, items)                                                                      \
    found = found ? found : compare(#field, x->field, y->field, n.items, sizeof(type));
    LEHR_TABLE_FIELDS(X)
#undef X
    return found;
}

/* ---- Scores ---- */

enum { FILLED = 0xa5 }; /* what outputs hold before */

/* Scores of `rows` rows; what stands behind them must stay. */
static lehr_status score(lehr_run *run, lehr_part part, const float *theta, int32_t rows,
                         lehr_evaluation out[PARITY_SCORES + 1])
{
    lehr_evaluation before;
    memset(&before, FILLED, sizeof before);
    memset(out, FILLED, (PARITY_SCORES + 1) * sizeof *out);
    const lehr_status status = run->pack->backend->evaluate(run->pack->state, part, theta, rows,
                                                            out);
    if (memcmp(&out[rows], &before, sizeof before) == 0)
        return status;
    fprintf(stderr, "evaluate wrote behind its output\n");
    abort();
}

static const char *compare_part(lehr_run *a, lehr_run *b, lehr_part part, const float *theta,
                                int32_t rows)
{
    lehr_evaluation x[PARITY_SCORES + 1], y[PARITY_SCORES + 1];
    const lehr_status first = score(a, part, theta, rows, x);
    const lehr_status second = score(b, part, theta, rows, y);
    if (first != second) {
        snprintf(text, sizeof text, "scores of part %d: %s and %s", (int)part,
                 lehr_status_name(first), lehr_status_name(second));
        return text;
    }
    char name[32];
    snprintf(name, sizeof name, "%d scores on part %d, ", (int)rows, (int)part);
    return first == LEHR_OK ? compare(name, x, y, (size_t)rows, sizeof *x) : NULL;
}

const char *parity_scores_difference(lehr_run *a, lehr_run *b, int32_t rows)
{
    const lehr_table *t = a->pack->table;
    const size_t P = (size_t)t->parameters;
    float *theta = malloc((size_t)rows * P * sizeof *theta);
    for (int32_t r = 0; r < rows; r++)
        memcpy(theta + (size_t)r * P, t->theta + (size_t)(r % t->rows) * P, P * sizeof *theta);
    const char *found = NULL;
    for (int part = 0; part < LEHR_PART_COUNT && !found; part++)
        found = compare_part(a, b, (lehr_part)part, theta, rows);
    free(theta);
    return found;
}

/* ---- Memory ---- */

static lehr_status plan_with(const parity_case *c, const parity_way *way, lehr_memory_plan *plan)
{
    lehr_pack *pack = NULL;
    lehr_group group;
    lehr_table shape;
    lehr_run_spec spec = c->spec;
    snprintf(spec.backend, sizeof spec.backend, "cuda");
    lehr_status status = lehr_pack_new(&spec, 1, &way->options, c->objective, &pack);
    if (status == LEHR_OK)
        status = lehr_pack_shape(pack, &group, &shape);
    if (status == LEHR_OK)
        status = lehr_pack_choose(pack, &shape);
    if (status == LEHR_OK)
        status = pack->backend->plan(&pack->options, pack->problem, &shape, plan);
    lehr_pack_destroy(&pack);
    return status;
}

parity_way parity_least_memory(const parity_case *c, parity_way way)
{
    lehr_memory_plan plan;
    way.options.memory_bytes = 0;
    if (plan_with(c, &way, &plan) != LEHR_OK) {
        fprintf(stderr, "case \"%s\": %s\n", c->name, lehr_error());
        abort();
    }
    int64_t few = 0, enough = plan.device_bytes;
    while (enough - few > 1) {
        way.options.memory_bytes = few + (enough - few) / 2;
        if (plan_with(c, &way, &plan) == LEHR_OK)
            enough = way.options.memory_bytes;
        else
            few = way.options.memory_bytes;
    }
    way.options.memory_bytes = enough;
    return way;
}
