/* config_value.c: one value of a config: what it may be, reading it, printing it.
 *
 * The key decides the type; the YAML scalar is only text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/config_schema.h"

/* From here on a listed temperature means beta = 0; the word for it is inf. */
#define INFINITE_TEMPERATURE 1e300

/* ---- What a key accepts ---------------------------------------------------------------------- */

static bool has(const lehr_config_key *key, int flag)
{
    return (key->flags & flag) != 0;
}

/* "from 1 to 64", "at least 0 and below 1", "above 0". */
static void describe_range(const lehr_config_key *key, lehr_text *text)
{
    if (key->high > 0 && !has(key, LEHR_KEY_ABOVE | LEHR_KEY_BELOW)) {
        lehr_text_add(text, "from %.15g to %.15g", key->low, key->high);
        return;
    }
    lehr_text_add(text, "%s %.15g", has(key, LEHR_KEY_ABOVE) ? "above" : "of at least", key->low);
    if (key->high > 0)
        lehr_text_add(text, " and %s %.15g", has(key, LEHR_KEY_BELOW) ? "below" : "at most",
                      key->high);
}

static void describe_kinds(lehr_kind_list list, lehr_text *text)
{
    for (int32_t i = 0; i < lehr_kind_count(list); i++)
        lehr_text_add(text, "%s%s", i == 0 ? "" : " | ", lehr_kind_name(list, i));
}

void lehr_config_describe(const lehr_config_key *key, lehr_text *text)
{
    switch (key->value) {
    case LEHR_VALUE_BOOL: lehr_text_add(text, "true or false (yes or no)"); break;
    case LEHR_VALUE_INT:
    case LEHR_VALUE_COUNT: lehr_text_add(text, "a whole number "); break;
    case LEHR_VALUE_SEED: lehr_text_add(text, "a whole number from 0 to 2^64-1"); break;
    case LEHR_VALUE_NUMBER:
    case LEHR_VALUE_SCALE: lehr_text_add(text, "a number "); break;
    case LEHR_VALUE_TEXT: lehr_text_add(text, "text of at most %zu bytes", key->size - 1); break;
    case LEHR_VALUE_PATH: lehr_text_add(text, "a path of at most %zu bytes", key->size - 1); break;
    case LEHR_VALUE_KIND: describe_kinds(key->list, text); break;
    case LEHR_VALUE_WIDTHS:
        lehr_text_add(text, "a list of at most %zu whole numbers ", key->size);
        break;
    case LEHR_VALUE_LADDER:
        lehr_text_add(text, "a list of at most %zu rising numbers ", key->size);
        break;
    }
    if (key->value == LEHR_VALUE_INT || key->value == LEHR_VALUE_COUNT ||
        key->value == LEHR_VALUE_NUMBER || key->value == LEHR_VALUE_SCALE ||
        key->value == LEHR_VALUE_WIDTHS || key->value == LEHR_VALUE_LADDER)
        describe_range(key, text);
    if (key->value == LEHR_VALUE_SCALE)
        lehr_text_add(text, ", or {from: number, to: number}");
    if (key->value == LEHR_VALUE_LADDER)
        lehr_text_add(text, " (the last may be inf)");
    if (has(key, LEHR_KEY_AUTO))
        lehr_text_add(text, ", or auto");
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is being read: kept together for the sentences. */
typedef struct reading {
    const lehr_config_key *key;
    int32_t move;
    const lehr_yaml *yaml;
    int32_t node; /* the value, or one item of a list */
} reading;

/* What stands there, in quotes when it is a scalar. */
static void show_node(const lehr_yaml *yaml, int32_t node, char out[64])
{
    const lehr_yaml_node *n = &yaml->node[node];
    char text[48];
    if (n->kind != LEHR_YAML_SCALAR) {
        snprintf(out, 64, "%s", n->kind == LEHR_YAML_MAP ? "a mapping" : "a list");
        return;
    }
    lehr_utf8_show(lehr_yaml_text(yaml, node), n->length, sizeof text, text);
    snprintf(out, 64, "'%s'", text);
}

static lehr_status refuse(const reading *r)
{
    char name[LEHR_CONFIG_PATH_MAX], got[64];
    lehr_config_name(r->key, r->move, name);
    show_node(r->yaml, r->node, got);
    lehr_text expected = {0};
    lehr_config_describe(r->key, &expected);
    lehr_status status = LEHR_ERR_MEMORY;
    if (!expected.failed)
        status = lehr_fail(LEHR_ERR_ARG, "%s must be %s, got %s", name, expected.data, got);
    lehr_text_free(&expected);
    return status;
}

/* The scalar's text; false for maps and lists, and where a zero byte would cut it short. */
static bool scalar(const reading *r, const char **text, size_t *length)
{
    if (r->yaml->node[r->node].kind != LEHR_YAML_SCALAR)
        return false;
    *text = lehr_yaml_text(r->yaml, r->node);
    *length = r->yaml->node[r->node].length;
    return strlen(*text) == *length;
}

static bool in_range(const lehr_config_key *key, double value)
{
    const bool low = has(key, LEHR_KEY_ABOVE) ? value > key->low : value >= key->low;
    const bool high = has(key, LEHR_KEY_BELOW) ? value < key->high : value <= key->high;
    return low && (high || key->high == 0);
}

static lehr_status read_bool(const reading *r, const char *text, void *field)
{
    const bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
    const bool no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0;
    if (!yes && !no)
        return refuse(r);
    *(bool *)field = yes;
    return LEHR_OK;
}

static lehr_status read_whole(const reading *r, const char *text, size_t length, int64_t *value)
{
    int64_t number = 0;
    if (!lehr_parse_int64(text, length, &number) || !in_range(r->key, (double)number))
        return refuse(r);
    *value = number;
    return LEHR_OK;
}

static lehr_status read_int(const reading *r, const char *text, size_t length, void *field)
{
    int64_t value = 0;
    LEHR_TRY(read_whole(r, text, length, &value));
    *(int32_t *)field = (int32_t)value; /* every range of an INT ends inside int32_t */
    return LEHR_OK;
}

static lehr_status read_number(const reading *r, const char *text, size_t length, void *field)
{
    double value = 0;
    if (!lehr_parse_double(text, length, &value) || !in_range(r->key, value))
        return refuse(r);
    *(double *)field = value + 0.0; /* no -0: it would print, and count, as another value */
    return LEHR_OK;
}

/* One number for a whole schedule. */
static lehr_status read_constant(const reading *r, const char *text, size_t length, double *pair)
{
    LEHR_TRY(read_number(r, text, length, &pair[0]));
    pair[1] = 0;
    return LEHR_OK;
}

static lehr_status read_text(const reading *r, const char *text, void *field)
{
    return lehr_text_copy(field, r->key->size, text) ? LEHR_OK : refuse(r);
}

static lehr_status read_kind(const reading *r, const char *text, void *field)
{
    LEHR_CHECK(
        r->key->list != LEHR_LIST_METRIC || strncmp(text, "test", 4) != 0, LEHR_ERR_ARG,
        "%s cannot be a test metric: the test part is only ever reported, it chooses nothing",
        r->key->name);
    int32_t value = 0;
    if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(text) || strlen(text) > 40)
        return refuse(r); /* no kind, and nothing to print as it is */
    const lehr_status status = lehr_kind_find(r->key->list, text, &value);
    if (status == LEHR_OK) {
        memcpy(field, &value, sizeof value);
        return LEHR_OK;
    }
    char name[LEHR_CONFIG_PATH_MAX];
    lehr_config_name(r->key, r->move, name);
    return lehr_fail_prefix(status, "%s: ", name);
}

static lehr_status read_auto(const reading *r, void *field)
{
    LEHR_CHECK(!has(r->key, LEHR_KEY_TUNED), LEHR_ERR_ARG,
               "%s: ladders that tune themselves are not part of this version, give a number",
               r->key->name);
    switch (r->key->value) {
    case LEHR_VALUE_SCALE: memset(field, 0, 2 * sizeof(double)); break;
    case LEHR_VALUE_NUMBER: memset(field, 0, sizeof(double)); break;
    default: memset(field, 0, sizeof(int32_t)); break;
    }
    return LEHR_OK;
}

static lehr_status read_scalar(const reading *r, void *field)
{
    const char *text = NULL;
    size_t length = 0;
    if (!scalar(r, &text, &length))
        return refuse(r);
    if (has(r->key, LEHR_KEY_AUTO | LEHR_KEY_TUNED) && strcmp(text, "auto") == 0)
        return read_auto(r, field);
    switch (r->key->value) {
    case LEHR_VALUE_BOOL: return read_bool(r, text, field);
    case LEHR_VALUE_INT: return read_int(r, text, length, field);
    case LEHR_VALUE_COUNT: return read_whole(r, text, length, field);
    case LEHR_VALUE_SEED: return lehr_parse_uint64(text, length, field) ? LEHR_OK : refuse(r);
    case LEHR_VALUE_NUMBER: return read_number(r, text, length, field);
    case LEHR_VALUE_SCALE: return read_constant(r, text, length, field);
    case LEHR_VALUE_KIND: return read_kind(r, text, field);
    default: return read_text(r, text, field);
    }
}

/* One temperature of a list; `below` is the one before it. */
static lehr_status read_temperature(const reading *r, double below, double *value)
{
    const char *text = NULL;
    size_t length = 0;
    if (!scalar(r, &text, &length))
        return refuse(r);
    if (strcmp(text, "inf") == 0)
        *value = INFINITE_TEMPERATURE;
    else
        LEHR_TRY(read_number(r, text, length, value));
    return *value > below ? LEHR_OK : refuse(r);
}

static lehr_status read_item(const reading *r, int32_t index, lehr_config_draft *items)
{
    void *field = lehr_config_field(r->key, 0, items);
    if (r->key->value == LEHR_VALUE_LADDER) {
        double *temperature = field;
        return read_temperature(r, index == 0 ? 0 : temperature[index - 1], &temperature[index]);
    }
    const char *text = NULL;
    size_t length = 0;
    return scalar(r, &text, &length) ? read_int(r, text, length, (int32_t *)field + index)
                                     : refuse(r);
}

/* All items into `items`, a draft to throw away when one of them is wrong. */
static lehr_status read_items(const reading *list, lehr_config_draft *items, int32_t *culprit)
{
    const lehr_yaml_node *node = &list->yaml->node[list->node];
    const size_t item = list->key->value == LEHR_VALUE_LADDER ? sizeof(double) : sizeof(int32_t);
    *culprit = list->node;
    if (node->kind != LEHR_YAML_LIST || (size_t)node->children > list->key->size)
        return refuse(list);
    memset(lehr_config_field(list->key, 0, items), 0, list->key->size * item);
    reading r = *list;
    int32_t index = 0;
    for (r.node = node->first; r.node >= 0; r.node = list->yaml->node[r.node].next) {
        *culprit = r.node;
        LEHR_TRY(read_item(&r, index++, items));
    }
    memcpy((char *)items + list->key->count, &index, sizeof index);
    return LEHR_OK;
}

/* {from: number, to: number}: both, each once. */
static lehr_status read_schedule(const reading *map, double *pair, int32_t *culprit)
{
    double value[2] = {0, 0};
    reading r = *map;
    for (int32_t key = map->yaml->node[map->node].first; key >= 0;
         key = map->yaml->node[r.node].next) {
        const char *text = NULL, *word = lehr_yaml_text(map->yaml, key);
        size_t length = 0;
        const int which = strcmp(word, "from") == 0 ? 0 : strcmp(word, "to") == 0 ? 1 : -1;
        *culprit = r.node = key;
        if (which < 0 || value[which] != 0)
            return refuse(map);
        *culprit = r.node = map->yaml->node[key].next;
        if (!scalar(&r, &text, &length))
            return refuse(&r);
        LEHR_TRY(read_number(&r, text, length, &value[which]));
    }
    *culprit = map->node;
    if (value[0] == 0 || value[1] == 0)
        return refuse(map);
    memcpy(pair, value, sizeof value);
    return LEHR_OK;
}

lehr_status lehr_config_value_read(const lehr_config_key *key, int32_t move, const lehr_yaml *yaml,
                                   int32_t node, lehr_config_draft *draft, int32_t *culprit)
{
    const reading r = {.key = key, .move = move, .yaml = yaml, .node = node};
    *culprit = node;
    if (key->value == LEHR_VALUE_SCALE && yaml->node[node].kind == LEHR_YAML_MAP)
        return read_schedule(&r, lehr_config_field(key, move, draft), culprit);
    if (key->value != LEHR_VALUE_WIDTHS && key->value != LEHR_VALUE_LADDER)
        return read_scalar(&r, lehr_config_field(key, move, draft));
    lehr_config_draft items = *draft;
    LEHR_TRY(read_items(&r, &items, culprit));
    *draft = items;
    return LEHR_OK;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static lehr_status print_number(double value, lehr_text *text)
{
    LEHR_CHECK(isfinite(value), LEHR_ERR_ARG, "a config cannot hold a number that is not finite");
    lehr_text_add_number(text, value);
    return LEHR_OK;
}

/* Characters that YAML folds, forbids or could mistake. */
static bool needs_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* In double quotes: valid in YAML and in JSON. */
static lehr_status print_text(const char *string, lehr_text *text)
{
    const size_t length = strlen(string);
    lehr_text_add(text, "\"");
    for (size_t at = 0, step = 0; at < length; at += step) {
        uint32_t code = 0;
        step = lehr_utf8_decode(string + at, length - at, &code);
        LEHR_CHECK(step > 0, LEHR_ERR_ARG, "a config cannot hold text that is not UTF-8");
        if (code == '"' || code == '\\')
            lehr_text_add(text, "\\%c", (char)code);
        else if (needs_escape(code))
            lehr_text_add(text, "\\u%04x", code);
        else
            lehr_text_add_bytes(text, string + at, step);
    }
    lehr_text_add(text, "\"");
    return LEHR_OK;
}

static void print_word(const char *word, lehr_config_style style, lehr_text *text)
{
    lehr_text_add(text, style == LEHR_STYLE_JSON ? "\"%s\"" : "%s", word);
}

static lehr_status print_list(const lehr_config_key *key, const lehr_config_draft *draft,
                              lehr_config_style style, lehr_text *text)
{
    const void *field = lehr_config_field(key, 0, draft);
    int32_t count = 0;
    memcpy(&count, (const char *)draft + key->count, sizeof count);
    LEHR_CHECK(count >= 0 && (size_t)count <= key->size, LEHR_ERR_ARG,
               "%s holds 0 to %zu items, not %d", key->name, key->size, count);
    lehr_text_add(text, "[");
    for (int32_t i = 0; i < count; i++) {
        if (i > 0)
            lehr_text_add(text, style == LEHR_STYLE_JSON ? "," : ", ");
        if (key->value == LEHR_VALUE_WIDTHS)
            lehr_text_add(text, "%d", ((const int32_t *)field)[i]);
        else if (((const double *)field)[i] >= INFINITE_TEMPERATURE)
            print_word("inf", style, text);
        else
            LEHR_TRY(print_number(((const double *)field)[i], text));
    }
    lehr_text_add(text, "]");
    return LEHR_OK;
}

static lehr_status print_kind(const lehr_config_key *key, const void *field,
                              lehr_config_style style, lehr_text *text)
{
    int32_t value = 0;
    memcpy(&value, field, sizeof value);
    const char *name = lehr_kind_name(key->list, value);
    LEHR_CHECK(name != NULL, LEHR_ERR_ARG, "%s: %d is no %s", key->name, value,
               lehr_kind_list_name(key->list));
    print_word(name, style, text);
    return LEHR_OK;
}

static bool is_auto(const lehr_config_key *key, const void *field)
{
    if (!has(key, LEHR_KEY_AUTO))
        return false;
    return key->value == LEHR_VALUE_NUMBER || key->value == LEHR_VALUE_SCALE
               ? *(const double *)field == 0
               : *(const int32_t *)field == 0;
}

static lehr_status print_scale(const double *pair, lehr_config_style style, lehr_text *text)
{
    const bool json = style == LEHR_STYLE_JSON;
    if (pair[1] == 0)
        return print_number(pair[0], text);
    lehr_text_add(text, json ? "{\"from\":" : "{from: ");
    LEHR_TRY(print_number(pair[0], text));
    lehr_text_add(text, json ? ",\"to\":" : ", to: ");
    LEHR_TRY(print_number(pair[1], text));
    lehr_text_add(text, "}");
    return LEHR_OK;
}

lehr_status lehr_config_value_print(const lehr_config_key *key, int32_t move,
                                    const lehr_config_draft *draft, lehr_config_style style,
                                    lehr_text *text)
{
    const void *field = lehr_config_field(key, move, draft);
    if (is_auto(key, field)) {
        print_word("auto", style, text);
        return LEHR_OK;
    }
    switch (key->value) {
    case LEHR_VALUE_BOOL:
        lehr_text_add(text, *(const bool *)field ? "true" : "false");
        return LEHR_OK;
    case LEHR_VALUE_INT: lehr_text_add(text, "%d", *(const int32_t *)field); return LEHR_OK;
    case LEHR_VALUE_COUNT:
        lehr_text_add(text, "%lld", (long long)*(const int64_t *)field);
        return LEHR_OK;
    case LEHR_VALUE_SEED:
        lehr_text_add(text, "%llu", (unsigned long long)*(const uint64_t *)field);
        return LEHR_OK;
    case LEHR_VALUE_NUMBER: return print_number(*(const double *)field, text);
    case LEHR_VALUE_SCALE: return print_scale(field, style, text);
    case LEHR_VALUE_KIND: return print_kind(key, field, style, text);
    case LEHR_VALUE_TEXT:
    case LEHR_VALUE_PATH: return print_text(field, text);
    default: return print_list(key, draft, style, text);
    }
}
