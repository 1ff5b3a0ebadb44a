/* sweep.c: from the number of a trial to its values and its config. */
#include "study/sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/real.h"
#include "core/rng.h"
#include "study/sweep_read.h"

/* ---- Load and free --------------------------------------------------------------------------- */

lehr_status lehr_sweep_blame(const lehr_sweep *sweep, lehr_yaml_place place, lehr_status status)
{
    if (status == LEHR_OK)
        return status;
    return lehr_fail_prefix(status, "%s:%d:%d: ", sweep->file, place.line, place.column);
}

lehr_status lehr_sweep_load(const char *path, const char *const *overrides, int32_t count,
                            lehr_sweep **out)
{
    lehr_sweep *sweep = NULL;
    char *text = NULL;
    size_t length = 0;
    LEHR_CHECK(strlen(path) < LEHR_PATH_MAX, LEHR_ERR_ARG, "path '%.60s...' is too long", path);
    LEHR_TRY(LEHR_NEW(sweep, 1, "a sweep"));
    lehr_text_copy(sweep->file, sizeof sweep->file, path);
    sweep->overrides = overrides;
    sweep->override_count = count;
    lehr_status status = lehr_config_text(path, &text, &length);
    if (status == LEHR_OK)
        status = lehr_sweep_read(sweep, text, length);
    LEHR_FREE(text);
    if (status == LEHR_OK)
        *out = sweep;
    else
        lehr_sweep_destroy(&sweep);
    return status;
}

static void free_exclusion(lehr_exclusion *exclusion)
{
    for (int32_t i = 0; i < exclusion->count; i++) {
        lehr_text text = {.data = exclusion->value[i]};
        lehr_text_free(&text);
    }
}

void lehr_sweep_destroy(lehr_sweep **sweep)
{
    if (sweep == NULL || *sweep == NULL)
        return;
    for (int32_t i = 0; i < (*sweep)->axes; i++)
        lehr_axis_free(&(*sweep)->axis[i]);
    for (int32_t i = 0; i < (*sweep)->exclusions; i++)
        free_exclusion(&(*sweep)->exclusion[i]);
    LEHR_FREE((*sweep)->exclusion);
    LEHR_FREE((*sweep)->text);
    LEHR_FREE(*sweep);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static bool is_drawn(const lehr_axis *axis)
{
    return axis->kind != LEHR_AXIS_VALUES;
}

/* Do the values of an axis multiply the number of trials? */
static bool is_crossed(const lehr_sweep *sweep, const lehr_axis *axis)
{
    return sweep->mode == LEHR_SWEEP_GRID || (sweep->mode == LEHR_SWEEP_RANDOM && !is_drawn(axis));
}

lehr_status lehr_sweep_count(const lehr_sweep *sweep, int64_t *out)
{
    const bool side_by_side = sweep->mode == LEHR_SWEEP_LIST || sweep->mode == LEHR_SWEEP_ZIP;
    int64_t count = side_by_side ? sweep->axis[0].count : 1;
    if (sweep->mode == LEHR_SWEEP_RANDOM)
        count = sweep->samples;
    for (int32_t i = 0; i < sweep->axes; i++) {
        if (is_crossed(sweep, &sweep->axis[i]))
            count *= sweep->axis[i].count;
        LEHR_CHECK(count <= LEHR_SWEEP_TRIALS_MAX, LEHR_ERR_ARG,
                   "%s: more than %d trials, which is more than a sweep can have", sweep->file,
                   LEHR_SWEEP_TRIALS_MAX);
    }
    *out = count;
    return LEHR_OK;
}

/* Which value of a listed axis: the last axis runs fastest, samples run slowest. */
static int32_t index_of(const lehr_sweep *sweep, int64_t number, int32_t axis)
{
    if (!is_crossed(sweep, &sweep->axis[axis]))
        return (int32_t)number;
    for (int32_t i = sweep->axes - 1; i > axis; i--)
        if (is_crossed(sweep, &sweep->axis[i]))
            number /= sweep->axis[i].count;
    return (int32_t)(number % sweep->axis[axis].count);
}

static int64_t sample_of(const lehr_sweep *sweep, int64_t number)
{
    for (int32_t i = 0; i < sweep->axes; i++)
        if (is_crossed(sweep, &sweep->axis[i]))
            number /= sweep->axis[i].count;
    return number;
}

/* ---- Draws ----------------------------------------------------------------------------------- */

/* The words of (sample, key): other axes, and their order, do not matter. */
static lehr_words draw(const lehr_sweep *sweep, int64_t sample, const lehr_axis *axis)
{
    const uint64_t hash = lehr_hash(LEHR_HASH_START, axis->key, strlen(axis->key));
    return lehr_draw(sweep->seed, 0, (uint64_t)sample, (uint32_t)(hash >> 32 ^ hash),
                     LEHR_DOMAIN_SWEEP);
}

/* 52 bits, strictly inside (0,1). */
static double uniform(lehr_words words)
{
    const uint64_t bits = (uint64_t)words.w[0] << 20 | words.w[1] >> 12;
    return ((double)bits + 0.5) * 0x1p-52;
}

/* Whole numbers come from the real ones that round to them, both ends as often as the others. */
static double drawn_number(const lehr_axis *axis, double u)
{
    const double half = axis->whole ? 0.5 : 0;
    double low = axis->low - half, high = axis->high + half;
    if (axis->kind == LEHR_AXIS_UNIFORM) {
        const double value = low + (high - low) * u;
        return axis->whole ? fmin(fmax(floor(value + 0.5), axis->low), axis->high) : value;
    }
    low = lehr_log64(low);
    high = lehr_log64(high);
    const double value = lehr_exp64(low + (high - low) * u);
    return axis->whole ? fmin(fmax(floor(value + 0.5), axis->low), axis->high) : value;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* Text of a value: of the axis itself, or printed into `made`; NULL: the base's own. */
static const char *value_of(const lehr_sweep *sweep, int64_t number, int32_t i,
                            char made[LEHR_AXIS_NUMBER_BYTES])
{
    const lehr_axis *axis = &sweep->axis[i];
    if (!is_drawn(axis))
        return axis->value[index_of(sweep, number, i)];
    const lehr_words words = draw(sweep, sample_of(sweep, number), axis);
    if (axis->kind == LEHR_AXIS_CHOICE)
        return axis->value[lehr_index(words.w[0], (uint32_t)axis->count)];
    lehr_axis_print(axis, drawn_number(axis, uniform(words)), made);
    return made;
}

/* What the base has for a key. */
static void add_base_value(const lehr_sweep *sweep, const char *path, lehr_text *out)
{
    int32_t move = 0;
    const lehr_config_key *key = lehr_config_find(path, &move);
    const lehr_config_draft draft = lehr_config_draft_of(&sweep->base_config);
    (void)lehr_config_value_print(key, move, &draft, LEHR_STYLE_YAML, out);
}

void lehr_sweep_value(const lehr_sweep *sweep, int64_t number, int32_t axis, lehr_text *out)
{
    char made[LEHR_AXIS_NUMBER_BYTES];
    const char *value = value_of(sweep, number, axis, made);
    if (value != NULL)
        lehr_text_add(out, "%s", value);
    else
        add_base_value(sweep, sweep->axis[axis].key, out);
}

void lehr_sweep_describe(const lehr_sweep *sweep, int64_t number, lehr_text *out)
{
    for (int32_t i = 0; i < sweep->axes; i++) {
        lehr_text_add(out, "%s%s=", i == 0 ? "" : ", ", sweep->axis[i].key);
        lehr_sweep_value(sweep, number, i, out);
    }
}

bool lehr_sweep_excludes(lehr_sweep *sweep, int64_t number)
{
    bool excluded = false;
    for (int32_t e = 0; e < sweep->exclusions; e++) {
        lehr_exclusion *exclusion = &sweep->exclusion[e];
        bool all = true;
        for (int32_t i = 0; i < exclusion->count && all; i++) {
            lehr_text text = {0};
            lehr_sweep_value(sweep, number, exclusion->axis[i], &text);
            all = !text.failed && strcmp(text.data, exclusion->value[i]) == 0;
            lehr_text_free(&text);
        }
        exclusion->matched |= all;
        excluded |= all;
    }
    return excluded;
}

/* ---- Config ---------------------------------------------------------------------------------- */

/* The overrides of a trial: its own values, then those of the whole sweep. */
typedef struct overrides {
    lehr_text text;   /* words, each with its end */
    const char **all; /* [count] */
    int32_t count;
} overrides;

static lehr_status collect(const lehr_sweep *sweep, int64_t number, overrides *o)
{
    size_t start[LEHR_AXES_MAX];
    int32_t own = 0;
    char made[LEHR_AXIS_NUMBER_BYTES];
    for (int32_t i = 0; i < sweep->axes; i++) {
        const char *value = value_of(sweep, number, i, made);
        if (value == NULL)
            continue;
        start[own++] = o->text.length;
        lehr_text_add(&o->text, "%s=%s", sweep->axis[i].key, value);
        lehr_text_add_bytes(&o->text, "", 1);
    }
    LEHR_CHECK(!o->text.failed, LEHR_ERR_MEMORY, "out of memory for the values of a trial");
    LEHR_TRY(LEHR_NEW(o->all, (size_t)(own + sweep->override_count) + 1, "the values of a trial"));
    for (int32_t i = 0; i < own; i++)
        o->all[i] = o->text.data + start[i];
    for (int32_t i = 0; i < sweep->override_count; i++)
        o->all[own + i] = sweep->overrides[i];
    o->count = own + sweep->override_count;
    return LEHR_OK;
}

/* What a trial's own config may not say. */
static lehr_status check(const lehr_sweep *sweep, const lehr_config *config)
{
    const bool validation = sweep->metric.part != NULL &&
                            strcmp(sweep->metric.part, "validation") == 0;
    LEHR_CHECK(!validation || config->data.validation_fraction > 0, LEHR_ERR_ARG,
               "best.validation.%s needs a validation part, but data.validation_fraction is 0",
               sweep->metric.name);
    if (sweep->metric.part == NULL || strcmp(sweep->metric.name, "loss") == 0)
        return LEHR_OK;
    const bool accuracy = strcmp(sweep->metric.name, "accuracy") == 0;
    LEHR_CHECK(accuracy == (config->data.task == LEHR_TASK_CLASSIFICATION), LEHR_ERR_ARG,
               "best.%s.%s has no meaning for %s", sweep->metric.part, sweep->metric.name,
               accuracy ? "regression" : "classification");
    return LEHR_OK;
}

static lehr_status blame_trial(const lehr_sweep *sweep, int64_t number, lehr_status status)
{
    lehr_text text = {0};
    lehr_sweep_describe(sweep, number, &text);
    if (!text.failed)
        status = lehr_fail_prefix(status, "trial %lld (%s): ", (long long)number, text.data);
    lehr_text_free(&text);
    return lehr_sweep_blame(sweep, (lehr_yaml_place){1, 1}, status);
}

lehr_status lehr_sweep_config(const lehr_sweep *sweep, int64_t number, lehr_config *out)
{
    overrides o = {.count = 0};
    lehr_status status = collect(sweep, number, &o);
    if (status == LEHR_OK)
        status = lehr_config_parse(sweep->text, sweep->length, sweep->base, o.all, o.count, out);
    if (status == LEHR_OK)
        status = check(sweep, out);
    LEHR_FREE(o.all);
    lehr_text_free(&o.text);
    return status == LEHR_OK || status == LEHR_ERR_MEMORY ? status
                                                          : blame_trial(sweep, number, status);
}
