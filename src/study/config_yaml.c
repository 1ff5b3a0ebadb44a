/* config_yaml.c: libyaml's events become nodes.
 *
 * Historical note: libyaml's document API resolves aliases before anybody can refuse them, and
 * recurses with the nesting of the file; the events do neither. */
#include "study/config_yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/status.h"

/* A tree being built: the open maps and lists, from the root down. */
typedef struct builder {
    lehr_yaml *tree;
    lehr_yaml_place *where;
    int32_t depth, documents;
    int32_t open[LEHR_YAML_DEPTH_MAX]; /* node */
    int32_t last[LEHR_YAML_DEPTH_MAX]; /* its newest child, -1: none yet */
} builder;

/* ---- Text ------------------------------------------------------------------------------------ */

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t lehr_utf8_decode(const char *bytes, size_t left, uint32_t *code)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (left == 0 || (b[0] >= 0x80 && b[0] < 0xc2) || b[0] > 0xf4)
        return 0;
    const size_t length = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (length > left)
        return 0;
    uint32_t value = length == 1 ? b[0] : b[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (b[i] & 0x3fU);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff)
        return 0;
    *code = value;
    return length;
}

void lehr_utf8_show(const char *text, size_t length, size_t capacity, char *out)
{
    const size_t room = capacity - sizeof "...";
    size_t at = 0, filled = 0;
    while (at < length) {
        uint32_t code = 0;
        const size_t step = lehr_utf8_decode(text + at, length - at, &code);
        const bool plain = step > 0 && code >= 0x20 && !(code >= 0x7f && code < 0xa0);
        const size_t bytes = plain ? step : 1;
        if (filled + bytes > room)
            break;
        memcpy(out + filled, plain ? text + at : "?", bytes);
        filled += bytes;
        at += step > 0 ? step : 1;
    }
    memcpy(out + filled, at < length ? "..." : "", at < length ? sizeof "..." : 1);
}

/* Step over one character at text[at]; its place is *where before, the next one's after. */
static size_t step_character(const char *text, size_t length, size_t at, lehr_yaml_place *where)
{
    uint32_t code = 0;
    const size_t bytes = lehr_utf8_decode(text + at, length - at, &code);
    const bool crlf = code == '\r' && at + 1 < length && text[at + 1] == '\n';
    if (code == '\n' || (code == '\r' && !crlf))
        *where = (lehr_yaml_place){where->line + 1, 1};
    else if (!crlf)
        where->column++;
    return bytes;
}

/* What libyaml would report without a line, we refuse first. */
static lehr_status check_text(const char *text, size_t length, lehr_yaml_place *where)
{
    *where = (lehr_yaml_place){1, 1};
    for (size_t at = 0; at < length;) {
        const unsigned char c = (unsigned char)text[at];
        const bool blank = c == '\t' || c == '\n' || c == '\r';
        LEHR_CHECK(c != 0, LEHR_ERR_ARG, "a NUL byte: this is not a text file");
        LEHR_CHECK(blank || (c >= 0x20 && c != 0x7f), LEHR_ERR_ARG,
                   "control character 0x%02x has no place in a config", c);
        uint32_t code = 0;
        LEHR_CHECK(lehr_utf8_decode(text + at, length - at, &code) > 0, LEHR_ERR_ARG,
                   "byte 0x%02x is not UTF-8", c);
        at += step_character(text, length, at, where);
    }
    return LEHR_OK;
}

/* Does a tab indent this line? Then *where is its place. */
static bool find_tab(const char *text, size_t length, int32_t line, lehr_yaml_place *where)
{
    lehr_yaml_place place = {1, 1};
    size_t at = 0;
    while (at < length && place.line < line)
        at += step_character(text, length, at, &place);
    while (at < length && text[at] == ' ')
        at += step_character(text, length, at, &place);
    if (at == length || text[at] != '\t')
        return false;
    *where = place;
    return true;
}

static lehr_yaml_place place_of(yaml_mark_t mark)
{
    return (lehr_yaml_place){(int32_t)mark.line + 1, (int32_t)mark.column + 1};
}

/* libyaml's complaint in our words. */
static lehr_status fail_parser(const yaml_parser_t *parser, const char *text, size_t length,
                               lehr_yaml_place *where)
{
    const char *problem = parser->problem != NULL ? parser->problem : "unreadable";
    LEHR_CHECK(parser->error != YAML_MEMORY_ERROR, LEHR_ERR_MEMORY, "out of memory: reading YAML");
    if (parser->error == YAML_READER_ERROR) { /* the one error without a mark */
        *where = (lehr_yaml_place){1, 1};
        for (size_t at = 0; at < parser->problem_offset && at < length;)
            at += step_character(text, length, at, where);
        return lehr_fail(LEHR_ERR_ARG, "not YAML: %s", problem);
    }
    *where = place_of(parser->problem_mark);
    if (find_tab(text, length, where->line, where))
        return lehr_fail(LEHR_ERR_ARG, "a tab indents this line; YAML is indented by spaces only");
    if (parser->context == NULL)
        return lehr_fail(LEHR_ERR_ARG, "not YAML: %s", problem);
    return lehr_fail(LEHR_ERR_ARG, "not YAML: %s, %s", parser->context, problem);
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static lehr_status grow_tree(lehr_yaml *tree)
{
    if (tree->count < tree->capacity)
        return LEHR_OK;
    const int32_t capacity = tree->capacity == 0 ? 64 : 2 * tree->capacity;
    void *node = tree->node;
    LEHR_TRY(
        lehr_memory_grow((size_t)capacity, sizeof *tree->node, "the nodes of a config", &node));
    tree->node = node;
    tree->capacity = capacity;
    return LEHR_OK;
}

/* Append a node to the innermost open map or list. */
static lehr_status add_node(builder *b, lehr_yaml_kind kind)
{
    lehr_yaml *tree = b->tree;
    LEHR_TRY(grow_tree(tree));
    const int32_t node = tree->count;
    if (b->depth > 0) {
        lehr_yaml_node *parent = &tree->node[b->open[b->depth - 1]];
        const bool is_key = parent->kind == LEHR_YAML_MAP && parent->children % 2 == 0;
        LEHR_CHECK(!is_key || kind == LEHR_YAML_SCALAR, LEHR_ERR_ARG, "a key must be a word");
        int32_t *last = &b->last[b->depth - 1];
        *(*last < 0 ? &parent->first : &tree->node[*last].next) = node;
        *last = node;
        parent->children++;
    }
    tree->node[node] = (lehr_yaml_node){.kind = kind, .place = *b->where, .first = -1, .next = -1};
    tree->count++;
    return LEHR_OK;
}

static lehr_status add_scalar(builder *b, const char *text, size_t length)
{
    LEHR_TRY(add_node(b, LEHR_YAML_SCALAR));
    lehr_yaml *tree = b->tree;
    tree->node[tree->count - 1].text = tree->text.length;
    tree->node[tree->count - 1].length = length;
    lehr_text_add_bytes(&tree->text, text, length);
    lehr_text_add_bytes(&tree->text, "", 1);
    return tree->text.failed ? LEHR_ERR_MEMORY : LEHR_OK;
}

static lehr_status open_node(builder *b, lehr_yaml_kind kind)
{
    LEHR_CHECK(b->depth < LEHR_YAML_DEPTH_MAX, LEHR_ERR_ARG, "nested deeper than %d levels",
               LEHR_YAML_DEPTH_MAX);
    LEHR_TRY(add_node(b, kind));
    b->open[b->depth] = b->tree->count - 1;
    b->last[b->depth] = -1;
    b->depth++;
    return LEHR_OK;
}

static lehr_status refuse_marks(const yaml_char_t *anchor, const yaml_char_t *tag)
{
    LEHR_CHECK(anchor == NULL, LEHR_ERR_ARG, "anchors (&%.40s) are not part of a config",
               (const char *)anchor);
    if (tag == NULL)
        return LEHR_OK;
    char shown[48]; /* unlike an anchor, a tag can hold any character */
    lehr_utf8_show((const char *)tag, strlen((const char *)tag), sizeof shown, shown);
    return lehr_fail(LEHR_ERR_ARG, "tags (%s) are not part of a config: the key decides the type",
                     shown);
}

static lehr_status take_event(builder *b, const yaml_event_t *event)
{
    *b->where = place_of(event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        LEHR_CHECK(++b->documents == 1, LEHR_ERR_ARG,
                   "a second document begins here; a config is one");
        return LEHR_OK;
    case YAML_ALIAS_EVENT:
        return lehr_fail(LEHR_ERR_ARG, "aliases (*%.40s) are not part of a config",
                         (const char *)event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        LEHR_TRY(refuse_marks(event->data.scalar.anchor, event->data.scalar.tag));
        return add_scalar(b, (const char *)event->data.scalar.value, event->data.scalar.length);
    case YAML_MAPPING_START_EVENT:
        LEHR_TRY(refuse_marks(event->data.mapping_start.anchor, event->data.mapping_start.tag));
        return open_node(b, LEHR_YAML_MAP);
    case YAML_SEQUENCE_START_EVENT:
        LEHR_TRY(refuse_marks(event->data.sequence_start.anchor, event->data.sequence_start.tag));
        return open_node(b, LEHR_YAML_LIST);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: b->depth--; return LEHR_OK;
    default: return LEHR_OK;
    }
}

static lehr_status read_events(yaml_parser_t *parser, const char *text, size_t length, builder *b)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail_parser(parser, text, length, b->where);
        const lehr_status status = take_event(b, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        LEHR_TRY(status);
    }
    return LEHR_OK;
}

lehr_status lehr_yaml_parse(const char *text, size_t length, lehr_yaml *tree,
                            lehr_yaml_place *where)
{
    if (length >= 3 &&
        memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* libyaml would indent the first line by it */
        text += 3;
        length -= 3;
    }
    LEHR_TRY(check_text(text, length, where));
    yaml_parser_t parser;
    LEHR_CHECK(yaml_parser_initialize(&parser), LEHR_ERR_MEMORY, "out of memory: reading YAML");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    builder b = {.tree = tree, .where = where};
    const lehr_status status = read_events(&parser, text, length, &b);
    yaml_parser_delete(&parser);
    return status;
}

void lehr_yaml_free(lehr_yaml *tree)
{
    LEHR_FREE(tree->node);
    lehr_text_free(&tree->text);
    *tree = (lehr_yaml){0};
}

const char *lehr_yaml_text(const lehr_yaml *tree, int32_t node)
{
    return tree->text.data + tree->node[node].text;
}

/* ---- Printing -------------------------------------------------------------------------------- */

/* Words and numbers stand as they are, all else in quotes. */
static void print_scalar(const char *text, size_t length, lehr_text *out)
{
    static const char *const plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    if (length > 0 && strspn(text, plain) == length && (text[0] != '-' || length > 1)) {
        lehr_text_add_bytes(out, text, length);
        return;
    }
    lehr_text_add(out, "\"");
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20)
            lehr_text_add(out, "\\x%02x", (unsigned char)text[i]);
        else
            lehr_text_add(out, text[i] == '"' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
    }
    lehr_text_add(out, "\"");
}

/* As deep as the tree, which is limited. */
void lehr_yaml_print(const lehr_yaml *tree, int32_t node, lehr_text *out)
{
    const lehr_yaml_node *n = &tree->node[node];
    if (n->kind == LEHR_YAML_SCALAR) {
        print_scalar(lehr_yaml_text(tree, node), n->length, out);
        return;
    }
    const bool map = n->kind == LEHR_YAML_MAP;
    lehr_text_add(out, map ? "{" : "[");
    for (int32_t child = n->first, i = 0; child >= 0; child = tree->node[child].next, i++) {
        if (i > 0)
            lehr_text_add(out, map && i % 2 == 1 ? ": " : ", ");
        lehr_yaml_print(tree, child, out);
    }
    lehr_text_add(out, map ? "}" : "]");
}
