/* band.c: which rows walk together, and a thread's room for them.
 *
 * All rows of a run touch the same unit in a scan. Where the inputs are too many for a core's own cache, they
 * come from the cache that all cores share for every proposal of a unit of the first layer, and take longer
 * than all else. Rows that go through a stretch scan by scan, together, read them once for all.     */
#include "base/memory.h"
#include "base/status.h"
#include "cpu/cpu.h"

enum { CACHE_BYTES = 1 << 20 }; /* L2 of a core: 512 kB to 2 MB */

/* Does any run move units? */
static bool moves_units(const lehr_table *table)
{
    for (int32_t g = 0; g < table->group_count; g++)
        if (lehr_unit_share(&table->group[g]) > 0)
            return true;
    return false;
}

int32_t lehr_band_rows(const lehr_backend_options *options, const lehr_problem *problem,
                       const lehr_table *table, int32_t threads)
{
    const int64_t points = options->batch_points > 0 ? options->batch_points
                                                     : problem->part[LEHR_PART_TRAIN].points;
    const int64_t bytes = points * problem->args.network.size[0] * (int64_t)sizeof(float);
    const int32_t fair = (table->rows + threads - 1) / threads; /* no thread shall have none */
    const int32_t want = options->rows_together > 0 ? options->rows_together : fair;
    if (problem->args.target != LEHR_TARGET_NETWORK || !moves_units(table))
        return 1;
    if (options->rows_together == 0 && bytes <= CACHE_BYTES)
        return 1;
    return want < LEHR_TOGETHER_MAX ? want : LEHR_TOGETHER_MAX;
}

static lehr_status make_bands(lehr_cpu *cpu)
{
    const lehr_table *t = cpu->table;
    LEHR_TRY(LEHR_NEW(cpu->band, (size_t)t->rows, "bands of rows"));
    for (int32_t g = 0; g < t->group_count; g++) {
        const int32_t first = t->group[g].first_row, end = first + t->group[g].rows;
        for (int32_t row = first; row < end; row += cpu->together)
            cpu->band[cpu->bands++] = (lehr_band){row, end - row < cpu->together ? end - row
                                                                                 : cpu->together};
    }
    return LEHR_OK;
}

static lehr_status make_units(const lehr_cpu *cpu, lehr_units *out)
{
    const int64_t rows = cpu->together, inputs = cpu->args->network.size[0];
    const int64_t sums = rows * cpu->tile_panels * LEHR_PANEL;
    const int64_t padded = lehr_padded(rows * inputs);
    LEHR_TRY(LEHR_NEW(out->sums, (size_t)(sums + padded + rows), "units of rows"));
    out->inputs = (int32_t)inputs;
    out->weights = out->sums + sums;
    out->bias = cpu->args->network.bias ? out->weights + padded : NULL;
    return LEHR_OK;
}

lehr_status lehr_band_create(lehr_cpu *cpu)
{
    if (cpu->together == 1)
        return LEHR_OK;
    const int32_t threads = lehr_pool_threads(cpu->pool);
    LEHR_TRY(make_bands(cpu));
    LEHR_TRY(LEHR_NEW(cpu->units, (size_t)threads, "units of rows"));
    for (int32_t i = 0; i < threads; i++)
        LEHR_TRY(make_units(cpu, &cpu->units[i]));
    return LEHR_OK;
}

void lehr_band_destroy(lehr_cpu *cpu)
{
    for (int32_t i = 0; cpu->units && i < lehr_pool_threads(cpu->pool); i++)
        LEHR_FREE(cpu->units[i].sums);
    LEHR_FREE(cpu->units);
    LEHR_FREE(cpu->band);
}

lehr_scratch *lehr_cpu_room(const lehr_cpu *cpu, int32_t worker)
{
    return &cpu->scratch[worker * cpu->together];
}
