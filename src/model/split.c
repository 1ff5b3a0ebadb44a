/* model/split.c: the parts of a dataset. Integers only, but for fraction times points. */
#include "model/split.h"

#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/rng.h"

/* The plan of a split: strata are classes, or all points at once. */
typedef struct split_plan {
    int32_t strata;
    int64_t points, given; /* in all; those that may be drawn */
    int32_t *order;        /* [given] points, stratum by stratum */
    int64_t *first;        /* [strata+1] where each begins in order */
    int64_t *taken;        /* [strata] points at the front of each that have a part already */
    int64_t *extra;        /* [strata] remainders */
    unsigned char *part;   /* [points] */
} split_plan;

static void free_plan(split_plan *plan)
{
    LEHR_FREE(plan->order);
    LEHR_FREE(plan->first);
    LEHR_FREE(plan->taken);
    LEHR_FREE(plan->extra);
    LEHR_FREE(plan->part);
}

static int32_t stratum(const split_plan *plan, const lehr_samples *samples, int64_t n)
{
    return plan->strata > 1 ? (int32_t)samples->target[n] : 0;
}

static lehr_status allocate(split_plan *plan)
{
    const size_t strata = (size_t)plan->strata;
    LEHR_TRY(LEHR_NEW(plan->order, (size_t)plan->given, "a split"));
    LEHR_TRY(LEHR_NEW(plan->first, strata + 1, "a split"));
    LEHR_TRY(LEHR_NEW(plan->taken, strata, "a split"));
    LEHR_TRY(LEHR_NEW(plan->extra, strata, "a split"));
    return LEHR_NEW(plan->part, (size_t)plan->points, "a split");
}

/* Sort the points by stratum (counting sort), and shuffle each. */
static void shuffle(split_plan *plan, const lehr_samples *samples, uint64_t seed)
{
    for (int64_t n = 0; n < plan->given; n++)
        plan->first[stratum(plan, samples, n) + 1]++;
    for (int32_t s = 0; s < plan->strata; s++)
        plan->first[s + 1] += plan->first[s];
    for (int64_t n = 0; n < plan->given; n++) {
        const int32_t s = stratum(plan, samples, n);
        plan->order[plan->first[s] + plan->taken[s]++] = (int32_t)n;
    }
    for (int32_t s = 0; s < plan->strata; s++) {
        int32_t *order = plan->order + plan->first[s];
        for (int64_t i = plan->taken[s] - 1; i > 0; i--) {
            const lehr_words words = lehr_draw(seed, (lehr_u32)s, (lehr_u64)i, 0,
                                               LEHR_DOMAIN_SPLIT);
            const lehr_u32 j = lehr_index(words.w[0], (lehr_u32)i + 1);
            const int32_t other = order[j];
            order[j] = order[i];
            order[i] = other;
        }
        plan->taken[s] = 0;
    }
}

static int64_t left(const split_plan *plan, int32_t s)
{
    return plan->first[s + 1] - plan->first[s] - plan->taken[s];
}

static void give(split_plan *plan, int32_t s, int64_t count, lehr_part part)
{
    const int64_t begin = plan->first[s] + plan->taken[s];
    for (int64_t i = begin; i < begin + count; i++)
        plan->part[plan->order[i]] = (unsigned char)part;
    plan->taken[s] += count;
}

/* Give `count` of the points left to a part, each stratum its share: whole shares first, then
 * one more to the largest remainders, the lowest class first among equals. */
static void deal(split_plan *plan, int64_t count, lehr_part part)
{
    int64_t pool = 0, dealt = 0;
    for (int32_t s = 0; s < plan->strata; s++)
        pool += left(plan, s);
    for (int32_t s = 0; s < plan->strata && pool > 0; s++) {
        const int64_t share = left(plan, s) * count; /* below 2^62: both are int32 */
        plan->extra[s] = share % pool;
        dealt += share / pool;
        give(plan, s, share / pool, part);
    }
    for (; dealt < count; dealt++) {
        int32_t best = 0;
        for (int32_t s = 1; s < plan->strata; s++)
            if (plan->extra[s] > plan->extra[best])
                best = s;
        plan->extra[best] = 0;
        give(plan, best, 1, part);
    }
}

/* Move the points to their parts: each goes where the points of its part before it have left
 * room. */
static void arrange(split_plan *plan, lehr_samples *samples, const int64_t points[LEHR_PART_COUNT])
{
    int64_t next[LEHR_PART_COUNT] = {0, points[LEHR_PART_TRAIN],
                                     points[LEHR_PART_TRAIN] + points[LEHR_PART_VALIDATION]};
    int32_t *to = plan->order; /* its work is done; points behind `given` stay where they are */
    for (int64_t n = 0; n < plan->given; n++)
        to[n] = (int32_t)next[plan->part[n]]++;
    for (int64_t n = 0; n < plan->given; n++)
        while (to[n] != n) {
            const int32_t m = to[n];
            lehr_samples_swap(samples, n, m);
            to[n] = to[m];
            to[m] = m;
        }
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static lehr_status check_fractions(const lehr_data_spec *spec, bool own_test)
{
    const double test = own_test ? 0 : spec->test_fraction, validation = spec->validation_fraction;
    LEHR_CHECK(test >= 0 && test < 1, LEHR_ERR_ARG, "test_fraction must be in [0,1), got %g", test);
    LEHR_CHECK(validation >= 0 && validation < 1, LEHR_ERR_ARG,
               "validation_fraction must be in [0,1), got %g", validation);
    LEHR_CHECK(test + validation < 1, LEHR_ERR_ARG,
               "test_fraction %g and validation_fraction %g leave nothing to train on", test,
               validation);
    return LEHR_OK;
}

static lehr_status count_part(const char *name, double fraction, int64_t points, int64_t *out)
{
    const int64_t count = (int64_t)floor(fraction * (double)points + 0.5);
    LEHR_CHECK(fraction == 0 || count > 0, LEHR_ERR_ARG,
               "%s_fraction %g of %lld points leaves no %s point: make it 0 or larger", name,
               fraction, (long long)points, name);
    *out = count;
    return LEHR_OK;
}

static lehr_status check_training(const lehr_samples *samples, int64_t train)
{
    LEHR_CHECK(train >= 1, LEHR_ERR_ARG, "%lld points leave none to train on",
               (long long)samples->points);
    if (samples->classes.count == 0)
        return LEHR_OK;
    for (int64_t n = 1; n < train; n++)
        if (samples->target[n] != samples->target[0])
            return LEHR_OK;
    return lehr_fail(LEHR_ERR_ARG,
                     "the training part has only the class '%s', expected at least 2 classes",
                     lehr_names_at(&samples->classes, (int32_t)samples->target[0]));
}

static lehr_status run_plan(split_plan *plan, const lehr_data_spec *spec, lehr_samples *samples,
                            const int64_t points[LEHR_PART_COUNT])
{
    LEHR_TRY(allocate(plan));
    shuffle(plan, samples, spec->split_seed);
    if (plan->given == plan->points)
        deal(plan, points[LEHR_PART_TEST], LEHR_PART_TEST);
    deal(plan, points[LEHR_PART_VALIDATION], LEHR_PART_VALIDATION);
    arrange(plan, samples, points);
    return check_training(samples, points[LEHR_PART_TRAIN]);
}

lehr_status lehr_split(const lehr_data_spec *spec, int64_t given, lehr_samples *samples,
                       int64_t points[LEHR_PART_COUNT])
{
    const bool own_test = given < samples->points;
    int64_t count[LEHR_PART_COUNT] = {0, 0, samples->points - given};
    LEHR_TRY(check_fractions(spec, own_test));
    LEHR_TRY(
        count_part("validation", spec->validation_fraction, given, &count[LEHR_PART_VALIDATION]));
    if (!own_test)
        LEHR_TRY(count_part("test", spec->test_fraction, given, &count[LEHR_PART_TEST]));
    count[LEHR_PART_TRAIN] = samples->points - count[LEHR_PART_VALIDATION] - count[LEHR_PART_TEST];
    LEHR_CHECK(count[LEHR_PART_TRAIN] >= 1, LEHR_ERR_ARG,
               "the fractions leave none of %lld points to train on", (long long)given);
    split_plan plan = {.strata = samples->classes.count > 1 ? samples->classes.count : 1,
                       .points = samples->points,
                       .given = given};
    const lehr_status status = run_plan(&plan, spec, samples, count);
    free_plan(&plan);
    for (int p = 0; p < LEHR_PART_COUNT && status == LEHR_OK; p++)
        points[p] = count[p];
    return status;
}
