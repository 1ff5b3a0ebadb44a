/* config_yaml.h: YAML text as a tree of nodes, each with its line and column. It knows no config
 * key.
 *
 * A subset on purpose: one document, no anchors, aliases or tags, at most LEHR_YAML_DEPTH_MAX
 * levels, UTF-8 without control characters. Scalars stay text: whoever knows the key decides what
 * `1e-3` or `yes` is. */
#ifndef LEHR_STUDY_CONFIG_YAML_H
#define LEHR_STUDY_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/status.h"

enum { LEHR_YAML_DEPTH_MAX = 64 };

typedef enum lehr_yaml_kind { LEHR_YAML_SCALAR, LEHR_YAML_MAP, LEHR_YAML_LIST } lehr_yaml_kind;

/* A place in the text, both from 1; columns count characters, not bytes. */
typedef struct lehr_yaml_place {
    int32_t line, column;
} lehr_yaml_place;

typedef struct lehr_yaml_node {
    lehr_yaml_kind kind;
    lehr_yaml_place place;
    int32_t first, next; /* first child and next sibling, -1: none */
    int32_t children;    /* a map's are key, value, key, value, ... */
    size_t text, length; /* of a scalar: its place in the tree's text, where a zero byte follows */
} lehr_yaml_node;

/* All zero is empty. Node 0 is the root. */
typedef struct lehr_yaml {
    lehr_yaml_node *node;
    int32_t count, capacity;
    lehr_text text;
} lehr_yaml;

/* Read text[length] into an empty tree; no content leaves it without nodes. Free it in both cases.
 *
 * Fails with LEHR_ERR_ARG on what is not YAML or outside the subset; *where is then the place, and
 * the sentence does not repeat it. Fails with LEHR_ERR_MEMORY. */
lehr_status lehr_yaml_parse(const char *text, size_t length, lehr_yaml *tree,
                            lehr_yaml_place *where);

void lehr_yaml_free(lehr_yaml *tree);

/* Text of a scalar, ended by a zero byte (one inside it is possible: compare with `length`). */
const char *lehr_yaml_text(const lehr_yaml *tree, int32_t node);

/* A node as YAML on one line, added to `out`; it reads back as the same tree. */
void lehr_yaml_print(const lehr_yaml *tree, int32_t node, lehr_text *out);

/* One character of UTF-8 from bytes[left] into *code; returns its bytes, 0 when it is malformed. */
size_t lehr_utf8_decode(const char *bytes, size_t left, uint32_t *code);

/* text[length] as an error sentence may show it: cut to `capacity` bytes with its end, at a whole
 * character, and without control characters. */
void lehr_utf8_show(const char *text, size_t length, size_t capacity, char *out);

#endif
