/* sweep_map.c: mappings of a sweep file whose words are its own, not keys of a config. */
#include <limits.h>
#include <string.h>

#include "base/status.h"
#include "study/sweep_read.h"

static lehr_status at(const lehr_sweep_tree *tree, int32_t node, lehr_status status)
{
    return lehr_sweep_blame(tree->sweep, tree->yaml->node[node].place, status);
}

/* Index of the word that looks most like `text`; *distance 0: it is that word. */
static int32_t nearest(const char *text, const char *const *names, int32_t count, int *distance)
{
    int32_t found = 0;
    *distance = INT_MAX;
    for (int32_t i = 0; i < count; i++) {
        const int now = lehr_text_distance(text, names[i]);
        if (now < *distance) {
            *distance = now;
            found = i;
        }
    }
    return found;
}

lehr_status lehr_sweep_words(const lehr_sweep_tree *tree, int32_t map, const char *what,
                             const char *const *names, int32_t count, int32_t *node)
{
    for (int32_t i = 0; i < count; i++)
        node[i] = -1;
    if (tree->yaml->node[map].kind != LEHR_YAML_MAP)
        return at(tree, map, lehr_fail(LEHR_ERR_ARG, "%s must be a mapping", what));
    for (int32_t key = tree->yaml->node[map].first; key >= 0;) {
        const char *word = lehr_yaml_text(tree->yaml, key);
        const int32_t value = tree->yaml->node[key].next;
        char shown[64];
        int distance;
        const int32_t i = nearest(word, names, count, &distance);
        lehr_utf8_show(word, tree->yaml->node[key].length, sizeof shown, shown);
        if (distance > 0 || strlen(word) != tree->yaml->node[key].length)
            return at(tree, key,
                      lehr_fail(LEHR_ERR_ARG,
                                "unknown key '%s' of %s; the nearest known key is '%s'", shown,
                                what, names[i]));
        if (node[i] >= 0)
            return at(tree, key,
                      lehr_fail(LEHR_ERR_ARG, "key '%s' of %s is given twice", shown, what));
        node[i] = value;
        key = tree->yaml->node[value].next;
    }
    return LEHR_OK;
}

lehr_status lehr_sweep_whole(const lehr_sweep_tree *tree, int32_t node, const char *what,
                             int64_t low, int64_t high, int64_t *out)
{
    const lehr_yaml_node *n = &tree->yaml->node[node];
    const bool whole = n->kind == LEHR_YAML_SCALAR &&
                       lehr_parse_int64(lehr_yaml_text(tree->yaml, node), n->length, out);
    if (!whole || *out < low || *out > high)
        return at(tree, node,
                  lehr_fail(LEHR_ERR_ARG, "%s must be a whole number from %lld to %lld", what,
                            (long long)low, (long long)high));
    return LEHR_OK;
}

lehr_status lehr_sweep_choice(const lehr_sweep_tree *tree, int32_t node, const char *what,
                              const char *const *names, int32_t count, int32_t *out)
{
    int distance = 1;
    if (tree->yaml->node[node].kind == LEHR_YAML_SCALAR)
        *out = nearest(lehr_yaml_text(tree->yaml, node), names, count, &distance);
    if (distance == 0)
        return LEHR_OK;
    lehr_text list = {0};
    for (int32_t i = 0; i < count; i++)
        lehr_text_add(&list, "%s%s", i == 0 ? "" : " | ", names[i]);
    lehr_status status = lehr_fail(LEHR_ERR_ARG, "%s must be %s", what,
                                   list.failed ? "another word" : list.data);
    lehr_text_free(&list);
    return at(tree, node, status);
}

lehr_status lehr_sweep_axis(const lehr_sweep_tree *tree, int32_t node, int32_t *axis)
{
    const char *names[LEHR_AXES_MAX] = {""};
    const char *text = lehr_yaml_text(tree->yaml, node);
    char shown[LEHR_CONFIG_PATH_MAX];
    int distance = 1;
    for (int32_t i = 0; i < tree->sweep->axes; i++)
        names[i] = tree->sweep->axis[i].key;
    if (tree->yaml->node[node].kind == LEHR_YAML_SCALAR)
        *axis = nearest(text, names, tree->sweep->axes, &distance);
    else
        text = "";
    lehr_utf8_show(text, strlen(text), sizeof shown, shown);
    if (distance == 0)
        return LEHR_OK;
    return at(tree, node,
              lehr_fail(LEHR_ERR_ARG, "'%s' is no axis of this sweep; the nearest is '%s'", shown,
                        names[text[0] != '\0' ? *axis : 0]));
}
