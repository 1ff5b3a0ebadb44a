/* config_read.c: a tree of nodes into a config, key by key, through the table of config_schema.c.
 */
#include "study/config_read.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"

static lehr_status apply(lehr_config_reader *reader, const char *path, int32_t node);

/* ---- Places ---------------------------------------------------------------------------------- */

lehr_status lehr_config_blame_place(const lehr_config_reader *reader, lehr_config_place place,
                                    lehr_status status)
{
    if (place.override > 0) {
        const char *word = reader->overrides[place.override - 1];
        char shown[200];
        lehr_utf8_show(word, strlen(word), sizeof shown, shown);
        return lehr_fail_prefix(status, word[0] == '-' ? "%s: " : "-s %s: ", shown);
    }
    const bool known = place.file.line > 0;
    return lehr_fail_prefix(status, "%s:%d:%d: ", reader->file, known ? place.file.line : 1,
                            known ? place.file.column : 1);
}

/* Where a key's places stand in given[][]. */
static size_t slot(const lehr_config_key *key, int32_t move)
{
    return lehr_config_is_move(key) ? (size_t)move : 0;
}

static bool is_given(lehr_config_place place)
{
    return place.override > 0 || place.file.line > 0;
}

/* Never given: all zero, which blames the beginning of the file. */
static lehr_config_place find_place(const lehr_config_reader *reader, const char *path)
{
    int32_t move = 0;
    const lehr_config_key *key = lehr_config_find(path, &move);
    LEHR_ASSERT(key != NULL && move < LEHR_MOVES_MAX);
    return reader->given[key - lehr_config_keys][slot(key, move)];
}

bool lehr_config_given(const lehr_config_reader *reader, const char *path)
{
    return is_given(find_place(reader, path));
}

lehr_status lehr_config_blame(const lehr_config_reader *reader, const char *path,
                              lehr_status status)
{
    return lehr_config_blame_place(reader, find_place(reader, path), status);
}

/* Place of a node of the tree that is being applied. */
static lehr_config_place here(const lehr_config_reader *reader, int32_t node)
{
    if (reader->override > 0)
        return (lehr_config_place){.override = reader->override};
    return (lehr_config_place){.file = reader->yaml->node[node].place};
}

/* Blame a node. */
static lehr_status at(const lehr_config_reader *reader, int32_t node, lehr_status status)
{
    return status == LEHR_OK ? status : lehr_config_blame_place(reader, here(reader, node), status);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* A relative path stands in the config's folder. */
static lehr_status join_folder(const lehr_config_reader *reader, char *path, size_t size)
{
    const char *slash = strrchr(reader->file, '/');
    if (path[0] == '\0' || path[0] == '/' || slash == NULL)
        return LEHR_OK;
    char joined[LEHR_PATH_MAX];
    const int folder = (int)(slash + 1 - reader->file);
    const int length = snprintf(joined, sizeof joined, "%.*s%s", folder, reader->file, path);
    LEHR_CHECK(length >= 0 && (size_t)length < size && (size_t)length < sizeof joined, LEHR_ERR_ARG,
               "with the config's folder the path is longer than %zu bytes", size - 1);
    memcpy(path, joined, (size_t)length + 1);
    return LEHR_OK;
}

static lehr_status apply_value(lehr_config_reader *reader, const lehr_config_key *key, int32_t move,
                               int32_t node)
{
    int32_t culprit = node;
    const lehr_status status = lehr_config_value_read(key, move, reader->yaml, node, &reader->draft,
                                                      &culprit);
    if (status != LEHR_OK)
        return at(reader, culprit, status);
    reader->given[key - lehr_config_keys][slot(key, move)] = here(reader, node);
    if (key->value != LEHR_VALUE_PATH)
        return LEHR_OK;
    return at(reader, node,
              join_folder(reader, lehr_config_field(key, move, &reader->draft), key->size));
}

/* ---- Mappings -------------------------------------------------------------------------------- */

/* The same key earlier in this mapping, -1: none. Unknown keys end the reading, so a mapping is
 * short. */
static int32_t find_twin(const lehr_yaml *yaml, int32_t map, int32_t key)
{
    for (int32_t i = yaml->node[map].first; i != key; i = yaml->node[yaml->node[i].next].next)
        if (strcmp(lehr_yaml_text(yaml, i), lehr_yaml_text(yaml, key)) == 0)
            return i;
    return -1;
}

/* `prefix`.`key` into path; "" is the root. */
static lehr_status make_path(const char *prefix, const char *key, char path[LEHR_CONFIG_PATH_MAX])
{
    const char *dot = prefix[0] != '\0' ? "." : "";
    const int length = snprintf(path, LEHR_CONFIG_PATH_MAX, "%s%s%s", prefix, dot, key);
    char shown[44];
    lehr_utf8_show(key, strlen(key), sizeof shown, shown);
    LEHR_CHECK(length < LEHR_CONFIG_PATH_MAX, LEHR_ERR_ARG, "unknown key '%s'", shown);
    return LEHR_OK;
}

static lehr_status check_key(const lehr_yaml *yaml, int32_t map, int32_t key)
{
    const char *text = lehr_yaml_text(yaml, key);
    char shown[80];
    lehr_utf8_show(text, yaml->node[key].length, sizeof shown, shown);
    LEHR_CHECK(strlen(text) == yaml->node[key].length, LEHR_ERR_ARG, "key '%s' has a NUL character",
               shown);
    LEHR_CHECK(strchr(text, '.') == NULL, LEHR_ERR_ARG,
               "write '%s' as nested keys; dotted keys are for overrides", shown);
    const int32_t twin = find_twin(yaml, map, key);
    LEHR_CHECK(twin < 0, LEHR_ERR_ARG, "key '%s' is given twice, first in line %d", shown,
               yaml->node[twin < 0 ? key : twin].place.line);
    return LEHR_OK;
}

static lehr_status fail_unknown(const char *path)
{
    char nearest[LEHR_CONFIG_PATH_MAX] = "", shown[LEHR_CONFIG_PATH_MAX];
    lehr_config_nearest(path, nearest);
    lehr_utf8_show(path, strlen(path), sizeof shown, shown);
    return lehr_fail(LEHR_ERR_ARG, "unknown key '%s'; the nearest known key is '%s'", shown,
                     nearest);
}

static bool is_known(const char *path)
{
    int32_t move = 0;
    return lehr_config_find(path, &move) != NULL || lehr_config_is_section(path);
}

static lehr_status apply_map(lehr_config_reader *reader, const char *path, int32_t map)
{
    const lehr_yaml *yaml = reader->yaml;
    for (int32_t key = yaml->node[map].first; key >= 0;) {
        const int32_t value = yaml->node[key].next;
        char child[LEHR_CONFIG_PATH_MAX];
        LEHR_TRY(at(reader, key, check_key(yaml, map, key)));
        LEHR_TRY(at(reader, key, make_path(path, lehr_yaml_text(yaml, key), child)));
        if (!is_known(child))
            return at(reader, key, fail_unknown(child));
        LEHR_TRY(apply(reader, child, value));
        key = yaml->node[value].next;
    }
    return LEHR_OK;
}

/* A list of moves takes the place of all moves before. */
static lehr_status apply_moves(lehr_config_reader *reader, int32_t list)
{
    const lehr_yaml_node *node = &reader->yaml->node[list];
    const bool right = node->kind == LEHR_YAML_LIST && node->children >= 1 &&
                       node->children <= LEHR_MOVES_MAX;
    if (!right)
        return at(
            reader, list,
            lehr_fail(LEHR_ERR_ARG, "moves must be a list of 1 to %d mappings", LEHR_MOVES_MAX));
    for (int32_t i = 0; i < lehr_config_key_count; i++)
        if (lehr_config_is_move(&lehr_config_keys[i]))
            memset(reader->given[i], 0, sizeof reader->given[i]);

    lehr_run_spec *run = &reader->draft.config.run;
    memset(run->moves, 0, sizeof run->moves);
    run->move_count = 0;
    for (int32_t item = node->first; item >= 0; item = reader->yaml->node[item].next) {
        char path[LEHR_CONFIG_PATH_MAX];
        snprintf(path, sizeof path, "moves.%d", run->move_count);
        run->moves[run->move_count++] = lehr_config_move_blank();
        LEHR_TRY(apply(reader, path, item));
    }
    return LEHR_OK;
}

/* Put a node where its dotted path, known to be one, says. */
static lehr_status apply(lehr_config_reader *reader, const char *path, int32_t node)
{
    int32_t move = 0;
    const lehr_config_key *key = lehr_config_find(path, &move);
    if (move >= reader->draft.config.run.move_count)
        return at(reader, node,
                  lehr_fail(LEHR_ERR_ARG, "%s: the config has %d moves, counted from 0", path,
                            reader->draft.config.run.move_count));
    if (key != NULL)
        return apply_value(reader, key, move, node);
    if (strcmp(path, "moves") == 0)
        return apply_moves(reader, node);
    if (reader->yaml->node[node].kind != LEHR_YAML_MAP)
        return at(reader, node, lehr_fail(LEHR_ERR_ARG, "%s must be a mapping of keys", path));
    return apply_map(reader, path, node);
}

/* ---- The file and its overrides -------------------------------------------------------------- */

static lehr_status apply_root(lehr_config_reader *reader)
{
    const lehr_yaml *yaml = reader->yaml;
    LEHR_CHECK(yaml->count > 0, LEHR_ERR_ARG,
               "%s:1:1: the file is empty; a config needs at least its data", reader->file);
    if (yaml->node[0].kind != LEHR_YAML_MAP)
        return at(reader, 0,
                  lehr_fail(LEHR_ERR_ARG, "a config is a mapping of keys, such as `seed: 1`"));
    return apply_map(reader, "", 0);
}

lehr_status lehr_config_apply_file(lehr_config_reader *reader, const char *text, size_t length)
{
    lehr_yaml tree = {0};
    lehr_config_place place = {0};
    reader->yaml = &tree;
    reader->override = 0;
    lehr_status status = lehr_yaml_parse(text, length, &tree, &place.file);
    status = status != LEHR_OK ? lehr_config_blame_place(reader, place, status)
                               : apply_root(reader);
    reader->yaml = NULL;
    lehr_yaml_free(&tree);
    return status;
}

/* The value of an override, parsed into an empty tree, at its path. */
static lehr_status apply_word(lehr_config_reader *reader, const char *path, const char *value,
                              lehr_yaml *tree)
{
    lehr_yaml_place where;
    const lehr_config_place place = {.override = reader->override};
    const char *text = value[0] == '\0' ? "''" : value; /* `-s data.target=` empties it */
    lehr_status status = lehr_yaml_parse(text, strlen(text), tree, &where);
    if (status == LEHR_OK && tree->count == 0)
        status = lehr_fail(LEHR_ERR_ARG, "no value");
    if (status == LEHR_OK && !is_known(path))
        status = fail_unknown(path);
    return status != LEHR_OK ? lehr_config_blame_place(reader, place, status)
                             : apply(reader, path, 0);
}

lehr_status lehr_config_apply_override(lehr_config_reader *reader, int32_t index)
{
    const char *word = reader->overrides[index];
    word += strncmp(word, "--", 2) == 0 ? 2 : 0;
    const char *equals = strchr(word, '=');
    reader->override = index + 1;
    const lehr_config_place place = {.override = reader->override};
    char path[LEHR_CONFIG_PATH_MAX];
    if (equals == NULL)
        return lehr_config_blame_place(reader, place,
                                       lehr_fail(LEHR_ERR_ARG, "an override is written key=value"));
    if (equals - word >= (ptrdiff_t)sizeof path)
        return lehr_config_blame_place(reader, place, lehr_fail(LEHR_ERR_ARG, "unknown key"));
    snprintf(path, sizeof path, "%.*s", (int)(equals - word), word);

    lehr_yaml tree = {0};
    reader->yaml = &tree;
    const lehr_status status = apply_word(reader, path, equals + 1, &tree);
    reader->yaml = NULL;
    lehr_yaml_free(&tree);
    return status;
}
