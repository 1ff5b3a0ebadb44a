/* sweep_axis.c: the values of one axis: listed, counted, spaced or drawn.
 *
 * Numbers that are made here have 12 significant digits, so that no last bit of a library decides
 * which trial a value is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/real.h"
#include "study/sweep.h"

/* ---- Keys ------------------------------------------------------------------------------------ */

lehr_status lehr_axis_key(const char *path, int32_t moves, const lehr_config_key **key,
                          int32_t *move)
{
    char nearest[LEHR_CONFIG_PATH_MAX] = "", shown[LEHR_CONFIG_PATH_MAX];
    const lehr_config_key *found = lehr_config_find(path, move);
    if (found == NULL) {
        lehr_config_nearest(path, nearest);
        lehr_utf8_show(path, strlen(path), sizeof shown, shown);
        LEHR_CHECK(!lehr_config_is_section(path), LEHR_ERR_ARG,
                   "'%s' is a section of keys; an axis is one key", shown);
        return lehr_fail(LEHR_ERR_ARG, "unknown key '%s'; the nearest known key is '%s'", shown,
                         nearest);
    }
    LEHR_CHECK(*move < moves, LEHR_ERR_ARG, "%s: the config has %d moves, counted from 0", path,
               moves);
    LEHR_CHECK(strcmp(path, "stop.wall_s") != 0, LEHR_ERR_ARG,
               "stop.wall_s has no place in a sweep: what a trial reaches would depend on the "
               "machine; limits.wall_s ends the sweep itself");
    *key = found;
    return LEHR_OK;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool differs(const lehr_axis *axis)
{
    bool differ = axis->kind != LEHR_AXIS_VALUES;
    for (int32_t i = 1; i < axis->count; i++)
        differ |= !same(axis->value[0], axis->value[i]);
    return differ;
}

/* One for all trials, whatever they say. */
static bool is_shared(const char *path)
{
    static const char *const shared[] = {"name", "output.dir", "backend", "threads"};
    bool found = false;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        found |= strcmp(path, shared[i]) == 0;
    return found;
}

lehr_status lehr_axis_check(const lehr_sweep *sweep, const lehr_axis *axis)
{
    int32_t move = 0;
    const lehr_config_key *key = lehr_config_find(axis->key, &move);
    LEHR_ASSERT(key != NULL);
    if ((key->flags & LEHR_KEY_IDENTITY) != 0 || key->value == LEHR_VALUE_PATH || !differs(axis) ||
        (sweep->mode == LEHR_SWEEP_LIST && !is_shared(axis->key)))
        return LEHR_OK;
    return lehr_sweep_blame(
        sweep, axis->place,
        lehr_fail(LEHR_ERR_ARG,
                  "%s is no part of what tells trials apart, so that all values of this axis would "
                  "be one and the same trial; give it one value, here or in the base",
                  axis->key));
}

static bool is_whole(const lehr_config_key *key)
{
    return key->value == LEHR_VALUE_INT || key->value == LEHR_VALUE_COUNT ||
           key->value == LEHR_VALUE_SEED;
}

/* ---- Values ---------------------------------------------------------------------------------- */

lehr_status lehr_axis_add(lehr_axis *axis, const char *value)
{
    void *list = axis->value;
    LEHR_CHECK(axis->count < LEHR_SWEEP_TRIALS_MAX, LEHR_ERR_ARG,
               "%s: an axis has at most %d values", axis->key, LEHR_SWEEP_TRIALS_MAX);
    if ((axis->count & (axis->count + 1)) == 0) /* full at 2^n - 1 */
        LEHR_TRY(lehr_memory_grow(2 * ((size_t)axis->count + 1), sizeof *axis->value,
                                  "the values of an axis", &list));
    axis->value = list;
    axis->value[axis->count] = NULL;
    if (value != NULL) {
        LEHR_TRY(LEHR_NEW(axis->value[axis->count], strlen(value) + 1, "a value of an axis"));
        memcpy(axis->value[axis->count], value, strlen(value) + 1);
    }
    axis->count++;
    return LEHR_OK;
}

void lehr_axis_print(const lehr_axis *axis, double value, char out[LEHR_AXIS_NUMBER_BYTES])
{
    snprintf(out, LEHR_AXIS_NUMBER_BYTES, axis->whole ? "%.0f" : "%.12g", value + 0.0);
}

void lehr_axis_free(lehr_axis *axis)
{
    for (int32_t i = 0; i < axis->count; i++)
        LEHR_FREE(axis->value[i]);
    LEHR_FREE(axis->value);
    axis->count = 0;
}

/* The value at a node as the key prints it; *culprit is to blame for a failure. */
static lehr_status canon(const char *path, const lehr_yaml *yaml, int32_t node,
                         const lehr_config *base, int32_t *culprit, lehr_text *out)
{
    int32_t move = 0;
    const lehr_config_key *key = lehr_config_find(path, &move);
    lehr_config_draft draft = lehr_config_draft_of(base);
    LEHR_TRY(lehr_config_value_read(key, move, yaml, node, &draft, culprit));
    LEHR_TRY(lehr_config_value_print(key, move, &draft, LEHR_STYLE_YAML, out));
    LEHR_CHECK(!out->failed, LEHR_ERR_MEMORY, "out of memory for a value of %s", path);
    return LEHR_OK;
}

lehr_status lehr_axis_canon(const lehr_sweep *sweep, const lehr_yaml *yaml, int32_t node,
                            const char *path, lehr_text *out)
{
    int32_t culprit = node;
    const lehr_status status = canon(path, yaml, node, &sweep->base_config, &culprit, out);
    return status == LEHR_OK ? status : lehr_sweep_blame(sweep, yaml->node[culprit].place, status);
}

/* What is being read: kept together for the sentences. */
typedef struct reading {
    const lehr_sweep *sweep;
    const lehr_yaml *yaml;
    lehr_axis *axis;
    int32_t node; /* of the axis */
} reading;

static lehr_status blame(const reading *r, int32_t node, lehr_status status)
{
    return lehr_sweep_blame(r->sweep, r->yaml->node[node].place, status);
}

/* A value that stands in the file. */
static lehr_status add_node(const reading *r, int32_t node)
{
    lehr_text text = {0};
    lehr_status status = lehr_axis_canon(r->sweep, r->yaml, node, r->axis->key, &text);
    if (status == LEHR_OK)
        status = lehr_axis_add(r->axis, text.data);
    lehr_text_free(&text);
    return status;
}

/* A value that was made; the axis is to blame when its key does not take it. */
static lehr_status add_number(const reading *r, double value)
{
    char text[LEHR_AXIS_NUMBER_BYTES];
    lehr_yaml tree = {0};
    lehr_yaml_place where;
    int32_t culprit = 0;
    lehr_text printed = {0};
    lehr_axis_print(r->axis, value, text);
    lehr_status status = lehr_yaml_parse(text, strlen(text), &tree, &where);
    if (status == LEHR_OK)
        status = canon(r->axis->key, &tree, 0, &r->sweep->base_config, &culprit, &printed);
    if (status == LEHR_OK)
        status = lehr_axis_add(r->axis, printed.data);
    else
        status = blame(r, r->node, status);
    lehr_yaml_free(&tree);
    lehr_text_free(&printed);
    return status;
}

static lehr_status add_list(const reading *r, int32_t list)
{
    const lehr_yaml_node *n = &r->yaml->node[list];
    if (n->kind != LEHR_YAML_LIST || n->children == 0)
        return blame(r, list,
                     lehr_fail(LEHR_ERR_ARG, "%s: an axis needs a list of at least one value",
                               r->axis->key));
    for (int32_t item = n->first; item >= 0; item = r->yaml->node[item].next)
        LEHR_TRY(add_node(r, item));
    return LEHR_OK;
}

/* ---- Forms ----------------------------------------------------------------------------------- */

typedef enum form {
    FORM_VALUES,
    FORM_RANGE,
    FORM_LOG,
    FORM_LIN,
    FORM_UNIFORM,
    FORM_LOG_UNIFORM,
    FORM_CHOICE,
    FORMS
} form;

static const char *const form_names[FORMS + 1] = {"values",  "range",       "log",    "lin",
                                                  "uniform", "log_uniform", "choice", ""};

/* The words of {log: [a, b], n: 4} as nodes; -1: not given. */
typedef struct form_node {
    form form;
    int32_t value, count, step;
} form_node;

static lehr_status find_form(const reading *r, int32_t key, form *out)
{
    const char *word = lehr_yaml_text(r->yaml, key);
    int nearest = 0, best = 1 << 20;
    for (int f = 0; f < FORMS; f++) {
        const int distance = lehr_text_distance(word, form_names[f]);
        if (distance < best) {
            best = distance;
            nearest = f;
        }
    }
    char shown[44];
    lehr_utf8_show(word, r->yaml->node[key].length, sizeof shown, shown);
    if (best > 0)
        return blame(r, key,
                     lehr_fail(LEHR_ERR_ARG, "%s: unknown word '%s'; the nearest known one is '%s'",
                               r->axis->key, shown, form_names[nearest]));
    *out = (form)nearest;
    return LEHR_OK;
}

static lehr_status read_form(const reading *r, form_node *out)
{
    *out = (form_node){FORMS, -1, -1, -1};
    for (int32_t key = r->yaml->node[r->node].first; key >= 0;) {
        const char *word = lehr_yaml_text(r->yaml, key);
        const int32_t value = r->yaml->node[key].next;
        if (strcmp(word, "n") == 0 && out->count < 0) {
            out->count = value;
        } else if (strcmp(word, "step") == 0 && out->step < 0) {
            out->step = value;
        } else {
            form found = FORMS;
            LEHR_TRY(find_form(r, key, &found));
            if (out->form != FORMS)
                return blame(r, key,
                             lehr_fail(LEHR_ERR_ARG, "%s: one of %s and %s, not both", r->axis->key,
                                       form_names[out->form], form_names[found]));
            out->form = found;
            out->value = value;
        }
        key = r->yaml->node[value].next;
    }
    if (out->form == FORMS)
        return blame(r, r->node,
                     lehr_fail(LEHR_ERR_ARG,
                               "%s: no values; give a list, or one of range, log, lin, uniform, "
                               "log_uniform, choice",
                               r->axis->key));
    return LEHR_OK;
}

/* A number in a list or by itself. */
static bool number_at(const reading *r, int32_t node, double *out)
{
    const lehr_yaml_node *n = &r->yaml->node[node];
    return n->kind == LEHR_YAML_SCALAR &&
           lehr_parse_double(lehr_yaml_text(r->yaml, node), n->length, out);
}

/* [a, b] with a <= b. */
static lehr_status read_ends(const reading *r, const form_node *f)
{
    const lehr_yaml_node *n = &r->yaml->node[f->value];
    lehr_axis *axis = r->axis;
    const bool two = n->kind == LEHR_YAML_LIST && n->children == 2 &&
                     number_at(r, n->first, &axis->low) &&
                     number_at(r, r->yaml->node[n->first].next, &axis->high);
    if (!two)
        return blame(r, f->value,
                     lehr_fail(LEHR_ERR_ARG, "%s: %s needs two numbers, [least, most]", axis->key,
                               form_names[f->form]));
    if (axis->low > axis->high)
        return blame(r, f->value,
                     lehr_fail(LEHR_ERR_ARG,
                               "%s: %s needs the smaller number first: [%.12g, %.12g], not [%.12g, "
                               "%.12g]",
                               axis->key, form_names[f->form], axis->high, axis->low, axis->low,
                               axis->high));
    const bool logs = f->form == FORM_LOG || f->form == FORM_LOG_UNIFORM;
    if (logs && axis->low <= 0)
        return blame(
            r, f->value,
            lehr_fail(LEHR_ERR_ARG, "%s: %s needs ends above 0", axis->key, form_names[f->form]));
    return LEHR_OK;
}

/* Only where it belongs. */
static lehr_status check_words(const reading *r, const form_node *f)
{
    const bool spaced = f->form == FORM_LOG || f->form == FORM_LIN;
    if (f->count >= 0 && !spaced)
        return blame(r, f->count,
                     lehr_fail(LEHR_ERR_ARG, "%s: n is for log and lin", r->axis->key));
    if (f->step >= 0 && f->form != FORM_RANGE)
        return blame(r, f->step, lehr_fail(LEHR_ERR_ARG, "%s: step is for range", r->axis->key));
    const bool drawn = f->form >= FORM_UNIFORM;
    if (drawn && r->sweep->mode != LEHR_SWEEP_RANDOM)
        return blame(r, f->value,
                     lehr_fail(LEHR_ERR_ARG, "%s: %s is for `mode: random`", r->axis->key,
                               form_names[f->form]));
    return LEHR_OK;
}

/* {range: [a, b], step: s}: both ends belong to it. */
static lehr_status add_range(const reading *r, const form_node *f)
{
    const double low = r->axis->low, high = r->axis->high;
    double step = 1;
    if (f->step >= 0 && (!number_at(r, f->step, &step) || step < 1 || step != floor(step)))
        return blame(
            r, f->step,
            lehr_fail(LEHR_ERR_ARG, "%s: step must be a whole number of at least 1", r->axis->key));
    if (low != floor(low) || high != floor(high) || fabs(low) > 1e15 || fabs(high) > 1e15)
        return blame(r, f->value,
                     lehr_fail(LEHR_ERR_ARG, "%s: range counts whole numbers; use lin for others",
                               r->axis->key));
    const int64_t count = (int64_t)((high - low) / step) + 1;
    for (int64_t i = 0; i < count; i++)
        LEHR_TRY(add_number(r, low + (double)i * step));
    return LEHR_OK;
}

/* n values from one end to the other, in equal steps or ratios. */
static lehr_status add_spaced(const reading *r, const form_node *f)
{
    const lehr_axis *axis = r->axis;
    double n = 0;
    if (f->count < 0 || !number_at(r, f->count, &n) || n < 1 || n != floor(n) ||
        n > LEHR_SWEEP_TRIALS_MAX)
        return blame(r, f->count < 0 ? r->node : f->count,
                     lehr_fail(LEHR_ERR_ARG, "%s: %s needs n, the number of values", axis->key,
                               form_names[f->form]));
    const double from = f->form == FORM_LOG ? lehr_log64(axis->low) : axis->low;
    const double to = f->form == FORM_LOG ? lehr_log64(axis->high) : axis->high;
    for (int64_t i = 0; i < (int64_t)n; i++) {
        const double at = n > 1 ? from + (to - from) * (double)i / (n - 1) : from;
        const double value = f->form == FORM_LOG ? lehr_exp64(at) : at;
        LEHR_TRY(add_number(r, i == 0 ? axis->low : (double)i == n - 1 ? axis->high : value));
    }
    return LEHR_OK;
}

/* Both ends must be values of the key; what lies between them then is, too. */
static lehr_status set_drawn(const reading *r, const form_node *f)
{
    lehr_axis *axis = r->axis;
    if (axis->whole && (axis->low != floor(axis->low) || axis->high != floor(axis->high)))
        return blame(
            r, f->value,
            lehr_fail(LEHR_ERR_ARG, "%s takes whole numbers, and so must its ends be", axis->key));
    LEHR_TRY(add_number(r, axis->low));
    LEHR_TRY(add_number(r, axis->high));
    lehr_axis_free(axis);
    axis->kind = f->form == FORM_UNIFORM ? LEHR_AXIS_UNIFORM : LEHR_AXIS_LOG_UNIFORM;
    return LEHR_OK;
}

static lehr_status fill_form(const reading *r, const form_node *f)
{
    switch (f->form) {
    case FORM_VALUES: return add_list(r, f->value);
    case FORM_CHOICE: r->axis->kind = LEHR_AXIS_CHOICE; return add_list(r, f->value);
    default: break;
    }
    LEHR_TRY(read_ends(r, f));
    switch (f->form) {
    case FORM_RANGE: return add_range(r, f);
    case FORM_LOG:
    case FORM_LIN: return add_spaced(r, f);
    default: return set_drawn(r, f);
    }
}

lehr_status lehr_axis_read(const lehr_sweep *sweep, const lehr_yaml *yaml, int32_t node,
                           lehr_axis *axis)
{
    const reading r = {sweep, yaml, axis, node};
    const lehr_config_key *key = NULL;
    int32_t move = 0;
    const lehr_status status = lehr_axis_key(axis->key, sweep->base_config.run.move_count, &key,
                                             &move);
    if (status != LEHR_OK)
        return lehr_sweep_blame(sweep, axis->place, status);
    LEHR_ASSERT(key != NULL);
    axis->whole = is_whole(key);
    if (yaml->node[node].kind == LEHR_YAML_LIST)
        return add_list(&r, node);
    if (yaml->node[node].kind == LEHR_YAML_SCALAR)
        return add_node(&r, node);
    form_node f = {FORMS, -1, -1, -1};
    LEHR_TRY(read_form(&r, &f));
    LEHR_TRY(check_words(&r, &f));
    return fill_form(&r, &f);
}
