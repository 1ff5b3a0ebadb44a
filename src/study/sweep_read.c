/* sweep_read.c: a sweep file from its YAML, mapping by mapping. Values of axes are read in
 * sweep_axis.c. */
#include "study/sweep_read.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum root_word {
    BASE,
    MODE,
    SAMPLES,
    SEED,
    AXES,
    TRIALS,
    EXCLUDE,
    OBJECTIVE,
    PRUNE,
    LIMITS,
    ROOTS
};

static const char *const root_names[ROOTS] = {"base",   "mode",    "samples",   "seed",  "axes",
                                              "trials", "exclude", "objective", "prune", "limits"};
static const char *const mode_names[LEHR_SWEEP_MODES] = {"grid", "random", "list", "zip"};

static const int64_t scans_max = 1000000000000000;

/* What is being read, and the nodes of the words at its root. */
typedef struct reader {
    lehr_sweep_tree tree;
    int32_t root[ROOTS];
} reader;

static lehr_status at(const reader *r, int32_t node, lehr_status status)
{
    return lehr_sweep_blame(r->tree.sweep, r->tree.yaml->node[node].place, status);
}

static const lehr_yaml_node *node_of(const reader *r, int32_t node)
{
    return &r->tree.yaml->node[node];
}

/* ---- The base -------------------------------------------------------------------------------- */

/* Beside the sweep file, unless the path is absolute. */
static lehr_status place_base(const reader *r)
{
    lehr_sweep *s = r->tree.sweep;
    const int32_t node = r->root[BASE];
    const char *path = lehr_yaml_text(r->tree.yaml, node), *slash = strrchr(s->file, '/');
    const int folder = path[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - s->file);
    const int length = snprintf(s->base, sizeof s->base, "%.*s%s", folder, s->file, path);
    LEHR_CHECK(length < (int)sizeof s->base, LEHR_ERR_ARG, "the path of the base is too long");
    return lehr_config_text(s->base, &s->text, &s->length);
}

static lehr_status read_base(const reader *r)
{
    lehr_sweep *s = r->tree.sweep;
    const int32_t node = r->root[BASE];
    if (node < 0 || node_of(r, node)->kind != LEHR_YAML_SCALAR || node_of(r, node)->length == 0)
        return at(r, node < 0 ? 0 : node,
                  lehr_fail(LEHR_ERR_ARG, "a sweep needs `base`, the path of a config"));
    const lehr_status status = place_base(r);
    if (status != LEHR_OK)
        return at(r, node, status);
    LEHR_TRY(lehr_config_parse(s->text, s->length, s->base, s->overrides, s->override_count,
                               &s->base_config));
    if (s->base_config.run.stop.wall_s > 0)
        return at(r, node,
                  lehr_fail(LEHR_ERR_ARG,
                            "%s gives stop.wall_s, which has no place in a sweep: what a trial "
                            "reaches would depend on the machine; limits.wall_s ends the sweep",
                            s->base));
    return LEHR_OK;
}

/* ---- Axes ------------------------------------------------------------------------------------ */

static lehr_status add_axis(const reader *r, int32_t key, int32_t *axis)
{
    lehr_sweep *s = r->tree.sweep;
    const char *text = lehr_yaml_text(r->tree.yaml, key);
    for (int32_t i = 0; i < s->axes; i++)
        if (strcmp(s->axis[i].key, text) == 0) {
            *axis = i;
            return LEHR_OK;
        }
    lehr_axis *new = &s->axis[s->axes];
    if (s->axes == LEHR_AXES_MAX || !lehr_text_copy(new->key, sizeof new->key, text))
        return at(r, key,
                  s->axes == LEHR_AXES_MAX
                      ? lehr_fail(LEHR_ERR_ARG, "a sweep has at most %d axes", LEHR_AXES_MAX)
                      : lehr_fail(LEHR_ERR_ARG, "unknown key"));
    new->place = node_of(r, key)->place;
    *axis = s->axes++;
    return LEHR_OK;
}

static lehr_status read_axes(const reader *r)
{
    const int32_t map = r->root[AXES];
    if (node_of(r, map)->kind != LEHR_YAML_MAP || node_of(r, map)->children == 0)
        return at(r, map,
                  lehr_fail(LEHR_ERR_ARG, "axes must be a mapping of keys of a config to values"));
    for (int32_t key = node_of(r, map)->first; key >= 0;) {
        const int32_t value = node_of(r, key)->next, before = r->tree.sweep->axes;
        int32_t axis = 0;
        LEHR_TRY(add_axis(r, key, &axis));
        if (axis < before)
            return at(
                r, key,
                lehr_fail(LEHR_ERR_ARG, "axis %s is given twice", r->tree.sweep->axis[axis].key));
        LEHR_TRY(lehr_axis_read(r->tree.sweep, r->tree.yaml, value, &r->tree.sweep->axis[axis]));
        key = node_of(r, value)->next;
    }
    return LEHR_OK;
}

/* Zipped axes go side by side. */
static lehr_status check_zip(const reader *r)
{
    const lehr_sweep *s = r->tree.sweep;
    for (int32_t i = 1; i < s->axes; i++)
        if (s->axis[i].count != s->axis[0].count)
            return lehr_sweep_blame(
                s, s->axis[i].place,
                lehr_fail(LEHR_ERR_ARG,
                          "`mode: zip` needs as many values on every axis: %s has %d, %s has %d",
                          s->axis[0].key, s->axis[0].count, s->axis[i].key, s->axis[i].count));
    return LEHR_OK;
}

/* ---- Trials one by one ----------------------------------------------------------------------- */

static lehr_status check_axis(const reader *r, const lehr_axis *axis)
{
    const lehr_config_key *found = NULL;
    int32_t move = 0;
    return lehr_sweep_blame(
        r->tree.sweep, axis->place,
        lehr_axis_key(axis->key, r->tree.sweep->base_config.run.move_count, &found, &move));
}

/* All keys that some trial gives, in order of their first one. */
static lehr_status find_axes(const reader *r, int32_t trial)
{
    if (node_of(r, trial)->kind != LEHR_YAML_MAP || node_of(r, trial)->children == 0)
        return at(r, trial, lehr_fail(LEHR_ERR_ARG, "a trial is a mapping of keys to values"));
    for (int32_t key = node_of(r, trial)->first; key >= 0;
         key = node_of(r, node_of(r, key)->next)->next) {
        int32_t axis = 0;
        LEHR_TRY(add_axis(r, key, &axis));
        LEHR_TRY(check_axis(r, &r->tree.sweep->axis[axis]));
    }
    return LEHR_OK;
}

/* The value of a trial's own mapping, -1: none. */
static lehr_status find_value(const reader *r, int32_t trial, const char *key, int32_t *value)
{
    *value = -1;
    for (int32_t k = node_of(r, trial)->first; k >= 0; k = node_of(r, node_of(r, k)->next)->next) {
        if (strcmp(lehr_yaml_text(r->tree.yaml, k), key) != 0)
            continue;
        if (*value >= 0)
            return at(r, k, lehr_fail(LEHR_ERR_ARG, "%s is given twice", key));
        *value = node_of(r, k)->next;
    }
    return LEHR_OK;
}

static lehr_status add_trial(const reader *r, int32_t trial, lehr_axis *axis)
{
    int32_t value;
    LEHR_TRY(find_value(r, trial, axis->key, &value));
    if (value < 0)
        return lehr_axis_add(axis, NULL);
    lehr_text text = {0};
    lehr_status status = lehr_axis_canon(r->tree.sweep, r->tree.yaml, value, axis->key, &text);
    if (status == LEHR_OK)
        status = lehr_axis_add(axis, text.data);
    lehr_text_free(&text);
    return status;
}

static lehr_status read_trials(const reader *r)
{
    const int32_t list = r->root[TRIALS];
    if (node_of(r, list)->kind != LEHR_YAML_LIST || node_of(r, list)->children == 0)
        return at(r, list, lehr_fail(LEHR_ERR_ARG, "trials must be a list of mappings"));
    for (int32_t trial = node_of(r, list)->first; trial >= 0; trial = node_of(r, trial)->next)
        LEHR_TRY(find_axes(r, trial));
    for (int32_t trial = node_of(r, list)->first; trial >= 0; trial = node_of(r, trial)->next)
        for (int32_t i = 0; i < r->tree.sweep->axes; i++)
            LEHR_TRY(add_trial(r, trial, &r->tree.sweep->axis[i]));
    return LEHR_OK;
}

/* ---- Mode ------------------------------------------------------------------------------------ */

/* What a mode needs, and what is for others. */
static lehr_status check_mode(const reader *r)
{
    const lehr_sweep_mode mode = r->tree.sweep->mode;
    const int32_t needed = mode == LEHR_SWEEP_LIST ? TRIALS : AXES;
    const int32_t other = mode == LEHR_SWEEP_LIST ? AXES : TRIALS;
    const char *name = mode_names[mode];
    if (r->root[needed] < 0)
        return at(r, 0, lehr_fail(LEHR_ERR_ARG, "`mode: %s` needs %s", name, root_names[needed]));
    if (r->root[other] >= 0)
        return at(r, r->root[other],
                  lehr_fail(LEHR_ERR_ARG, "%s is not for `mode: %s`", root_names[other], name));
    for (int32_t word = SAMPLES; word <= SEED; word++)
        if (r->root[word] >= 0 && mode != LEHR_SWEEP_RANDOM)
            return at(r, r->root[word],
                      lehr_fail(LEHR_ERR_ARG, "%s is for `mode: random`", root_names[word]));
    if (r->root[SAMPLES] < 0 && mode == LEHR_SWEEP_RANDOM)
        return at(r, 0, lehr_fail(LEHR_ERR_ARG, "`mode: random` needs samples, their number"));
    return LEHR_OK;
}

static lehr_status read_mode(const reader *r)
{
    lehr_sweep *s = r->tree.sweep;
    int32_t mode = LEHR_SWEEP_GRID;
    if (r->root[MODE] >= 0)
        LEHR_TRY(lehr_sweep_choice(&r->tree, r->root[MODE], "mode", mode_names, LEHR_SWEEP_MODES,
                                   &mode));
    s->mode = (lehr_sweep_mode)mode;
    s->seed = 1;
    LEHR_TRY(check_mode(r));
    if (r->root[SAMPLES] >= 0)
        LEHR_TRY(lehr_sweep_whole(&r->tree, r->root[SAMPLES], "samples", 1, LEHR_SWEEP_TRIALS_MAX,
                                  &s->samples));
    const int32_t seed = r->root[SEED];
    if (seed >= 0 && (node_of(r, seed)->kind != LEHR_YAML_SCALAR ||
                      !lehr_parse_uint64(lehr_yaml_text(r->tree.yaml, seed),
                                         node_of(r, seed)->length, &s->seed)))
        return at(r, seed, lehr_fail(LEHR_ERR_ARG, "seed must be a whole number from 0 to 2^64-1"));
    return LEHR_OK;
}

/* ---- Exclusions ------------------------------------------------------------------------------ */

static lehr_status read_exclusion(const reader *r, int32_t map, lehr_exclusion *out)
{
    out->place = node_of(r, map)->place;
    if (node_of(r, map)->kind != LEHR_YAML_MAP || node_of(r, map)->children == 0)
        return at(r, map,
                  lehr_fail(LEHR_ERR_ARG, "exclude needs mappings of axes to values, such as "
                                          "[{seed: 1, temperatures.rungs: 8}]"));
    for (int32_t key = node_of(r, map)->first; key >= 0;) {
        const int32_t value = node_of(r, key)->next;
        lehr_text text = {0};
        int32_t axis = 0;
        LEHR_TRY(lehr_sweep_axis(&r->tree, key, &axis));
        if (out->count == LEHR_AXES_MAX)
            return at(r, key, lehr_fail(LEHR_ERR_ARG, "an axis is given twice"));
        const lehr_status status = lehr_axis_canon(r->tree.sweep, r->tree.yaml, value,
                                                   r->tree.sweep->axis[axis].key, &text);
        if (status != LEHR_OK) {
            lehr_text_free(&text);
            return status;
        }
        out->axis[out->count] = axis;
        out->value[out->count++] = text.data;
        key = node_of(r, value)->next;
    }
    return LEHR_OK;
}

static lehr_status read_exclusions(const reader *r)
{
    lehr_sweep *s = r->tree.sweep;
    const int32_t list = r->root[EXCLUDE];
    if (list < 0)
        return LEHR_OK;
    if (node_of(r, list)->kind != LEHR_YAML_LIST)
        return at(r, list, lehr_fail(LEHR_ERR_ARG, "exclude must be a list of mappings"));
    LEHR_TRY(LEHR_NEW(s->exclusion, (size_t)node_of(r, list)->children + 1, "exclusions"));
    for (int32_t map = node_of(r, list)->first; map >= 0; map = node_of(r, map)->next)
        LEHR_TRY(read_exclusion(r, map, &s->exclusion[s->exclusions++]));
    return LEHR_OK;
}

/* ---- Objective, pruning, limits -------------------------------------------------------------- */

/* One axis, or a list of them. */
static lehr_status read_over(const reader *r, int32_t node)
{
    int32_t axis = 0;
    const bool list = node_of(r, node)->kind == LEHR_YAML_LIST;
    for (int32_t item = list ? node_of(r, node)->first : node; item >= 0;
         item = list ? node_of(r, item)->next : -1) {
        LEHR_TRY(lehr_sweep_axis(&r->tree, item, &axis));
        r->tree.sweep->over[axis] = true;
    }
    return LEHR_OK;
}

static lehr_status read_objective(const reader *r)
{
    static const char *const names[] = {"metric", "goal", "over"}, *const goals[] = {"min", "max"};
    lehr_sweep *s = r->tree.sweep;
    int32_t node[3] = {-1, -1, -1}, goal;
    if (r->root[OBJECTIVE] < 0)
        return LEHR_OK;
    LEHR_TRY(lehr_sweep_words(&r->tree, r->root[OBJECTIVE], "objective", names, 3, node));
    if (node[0] < 0 || node_of(r, node[0])->kind != LEHR_YAML_SCALAR)
        return at(
            r, r->root[OBJECTIVE],
            lehr_fail(LEHR_ERR_ARG, "objective needs a metric, such as best.validation.loss"));
    const lehr_status status = lehr_metric_find(lehr_yaml_text(r->tree.yaml, node[0]), &s->metric);
    if (status != LEHR_OK)
        return at(r, node[0], status);
    goal = lehr_metric_rises(&s->metric);
    if (node[1] >= 0)
        LEHR_TRY(lehr_sweep_choice(&r->tree, node[1], "objective.goal", goals, 2, &goal));
    s->maximize = goal == 1;
    return node[2] >= 0 ? read_over(r, node[2]) : LEHR_OK;
}

static lehr_status read_prune(const reader *r)
{
    static const char *const names[] = {"kind", "min_scans", "eta"}, *const kinds[] = {"sha"};
    lehr_sweep *s = r->tree.sweep;
    int32_t node[3] = {-1, -1, -1}, kind = 0;
    int64_t eta = 3;
    const int32_t map = r->root[PRUNE];
    if (map < 0)
        return LEHR_OK;
    s->prune_place = node_of(r, map)->place;
    LEHR_TRY(lehr_sweep_words(&r->tree, map, "prune", names, 3, node));
    if (node[0] < 0 || node[1] < 0)
        return at(r, map, lehr_fail(LEHR_ERR_ARG, "prune needs kind: sha and min_scans"));
    LEHR_TRY(lehr_sweep_choice(&r->tree, node[0], "prune.kind", kinds, 1, &kind));
    LEHR_TRY(
        lehr_sweep_whole(&r->tree, node[1], "prune.min_scans", 1, scans_max, &s->prune.min_scans));
    if (node[2] >= 0)
        LEHR_TRY(lehr_sweep_whole(&r->tree, node[2], "prune.eta", 2, 100, &eta));
    s->prune.eta = (int32_t)eta;
    if (s->metric.part == NULL)
        return at(r, map, lehr_fail(LEHR_ERR_ARG, "prune needs an objective to judge trials by"));
    return LEHR_OK;
}

static lehr_status read_limits(const reader *r)
{
    static const char *const names[] = {"trials", "wall_s", "retries"};
    lehr_sweep *s = r->tree.sweep;
    int32_t node[3] = {-1, -1, -1};
    int64_t retries = 0;
    s->most = LEHR_SWEEP_TRIALS_DEFAULT;
    if (r->root[LIMITS] < 0)
        return LEHR_OK;
    LEHR_TRY(lehr_sweep_words(&r->tree, r->root[LIMITS], "limits", names, 3, node));
    if (node[0] >= 0)
        LEHR_TRY(lehr_sweep_whole(&r->tree, node[0], "limits.trials", 1, LEHR_SWEEP_TRIALS_MAX,
                                  &s->most));
    if (node[1] >= 0 && (node_of(r, node[1])->kind != LEHR_YAML_SCALAR ||
                         !lehr_parse_double(lehr_yaml_text(r->tree.yaml, node[1]),
                                            node_of(r, node[1])->length, &s->wall_s) ||
                         s->wall_s <= 0))
        return at(r, node[1],
                  lehr_fail(LEHR_ERR_ARG, "limits.wall_s must be a number of seconds above 0"));
    if (node[2] >= 0)
        LEHR_TRY(lehr_sweep_whole(&r->tree, node[2], "limits.retries", 0, 100, &retries));
    s->retries = (int32_t)retries;
    return LEHR_OK;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static lehr_status read_tree(reader *r)
{
    if (r->tree.yaml->count == 0)
        return lehr_fail(LEHR_ERR_ARG, "%s:1:1: the file is empty; a sweep needs base and axes",
                         r->tree.sweep->file);
    LEHR_TRY(lehr_sweep_words(&r->tree, 0, "a sweep", root_names, ROOTS, r->root));
    LEHR_TRY(read_base(r));
    LEHR_TRY(read_mode(r));
    LEHR_TRY(r->tree.sweep->mode == LEHR_SWEEP_LIST ? read_trials(r) : read_axes(r));
    if (r->tree.sweep->mode == LEHR_SWEEP_ZIP)
        LEHR_TRY(check_zip(r));
    for (int32_t i = 0; i < r->tree.sweep->axes; i++)
        LEHR_TRY(lehr_axis_check(r->tree.sweep, &r->tree.sweep->axis[i]));
    LEHR_TRY(read_exclusions(r));
    LEHR_TRY(read_objective(r));
    LEHR_TRY(read_prune(r));
    return read_limits(r);
}

lehr_status lehr_sweep_read(lehr_sweep *sweep, const char *text, size_t length)
{
    lehr_yaml tree = {0};
    lehr_yaml_place where = {1, 1};
    lehr_status status = lehr_yaml_parse(text, length, &tree, &where);
    if (status == LEHR_OK) {
        reader r = {.tree = {sweep, &tree}};
        status = read_tree(&r);
    } else {
        status = lehr_sweep_blame(sweep, where, status);
    }
    lehr_yaml_free(&tree);
    return status;
}
