/* config_schema.h: every key of a config, once.
 *
 * Reader, overrides, suggestions, writer, manual (configs/defaults.yaml) and the run's identity all
 * run from this one table. The default of a key is its value in lehr_config_default(). */
#ifndef LEHR_STUDY_CONFIG_SCHEMA_H
#define LEHR_STUDY_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/lehr.h"
#include "study/config_yaml.h"

enum { LEHR_CONFIG_KEYS_MAX = 96, LEHR_CONFIG_PATH_MAX = 160 };

/* A config and what only its file knows: where the table's offsets point to. */
typedef struct lehr_config_draft {
    lehr_config config;
    int32_t chains; /* 0: auto, rungs x copies */
    int32_t listed; /* temperatures in the list; 0: none */
} lehr_config_draft;

typedef enum lehr_value {
    LEHR_VALUE_BOOL,
    LEHR_VALUE_INT,    /* int32_t */
    LEHR_VALUE_COUNT,  /* int64_t */
    LEHR_VALUE_SEED,   /* uint64_t */
    LEHR_VALUE_NUMBER, /* double */
    LEHR_VALUE_SCALE,  /* two doubles: a number, or {from, to}; to 0: only one was given */
    LEHR_VALUE_TEXT,   /* char[size] */
    LEHR_VALUE_PATH,   /* char[size]; relative to the config's folder */
    LEHR_VALUE_KIND,   /* an enum of kinds.h */
    LEHR_VALUE_WIDTHS, /* int32_t[size], and their number */
    LEHR_VALUE_LADDER  /* double[size], and their number */
} lehr_value;

enum {
    LEHR_KEY_IDENTITY = 1, /* part of the run's identity; a path by the content of its file */
    LEHR_KEY_AUTO = 2,     /* the word auto is a value, stored as 0 */
    LEHR_KEY_ABOVE = 4,    /* `low` itself is out of range */
    LEHR_KEY_BELOW = 8,    /* `high` itself is out of range */
    LEHR_KEY_TUNED = 16    /* auto is a word of a later version */
};

typedef struct lehr_config_key {
    const char *name; /* dotted; '*' is the index of a move */
    lehr_value value;
    lehr_kind_list list; /* of a kind */
    size_t offset;       /* in lehr_config_draft; of the first move */
    size_t size;         /* of a text, path or list: its capacity */
    size_t count;        /* of a list: offset of its length, an int32_t */
    double low, high;    /* range of numbers; high 0: no upper end */
    int flags;
    const char *unit;    /* NULL: none */
    const char *meaning; /* one line */
} lehr_config_key;

/* In the order of a config file. */
extern const lehr_config_key lehr_config_keys[];
extern const int32_t lehr_config_key_count;

lehr_config_draft lehr_config_draft_of(const lehr_config *config);

/* A move of a list before any of its keys is read. */
lehr_move_spec lehr_config_move_blank(void);

/* Key of a dotted path ("moves.2.scale" finds "moves.*.scale" and move 2); NULL when there is none.
 */
const lehr_config_key *lehr_config_find(const char *path, int32_t *move);

/* Is `path` the beginning of keys ("stop", "stop.target", "moves.0")? */
bool lehr_config_is_section(const char *path);

bool lehr_config_is_move(const lehr_config_key *key);

/* The dotted path of a key, with the index of a move in its place. */
void lehr_config_name(const lehr_config_key *key, int32_t move, char out[LEHR_CONFIG_PATH_MAX]);

/* The known key or section that looks most like `path`, for "did you mean". */
void lehr_config_nearest(const char *path, char out[LEHR_CONFIG_PATH_MAX]);

/* What a key accepts: "a number of at least 0 and below 1", into text. */
void lehr_config_describe(const lehr_config_key *key, lehr_text *text);

/* Read a YAML node into the field of a key. Fails with LEHR_ERR_ARG and a sentence without a place;
 * *culprit is then the node to point at. The field is untouched on failure. */
lehr_status lehr_config_value_read(const lehr_config_key *key, int32_t move, const lehr_yaml *yaml,
                                   int32_t node, lehr_config_draft *draft, int32_t *culprit);

/* How a value is printed: both read back to the same bits. */
typedef enum lehr_config_style {
    LEHR_STYLE_YAML,
    LEHR_STYLE_JSON /* compact, words in quotes: canonical */
} lehr_config_style;

/* Append the value of a key. Fails with LEHR_ERR_ARG on a value that no config can hold (an unknown
 * kind, a number that is not finite, text that is not UTF-8). */
lehr_status lehr_config_value_print(const lehr_config_key *key, int32_t move,
                                    const lehr_config_draft *draft, lehr_config_style style,
                                    lehr_text *text);

/* Field of a key; const is the caller's. */
void *lehr_config_field(const lehr_config_key *key, int32_t move, const lehr_config_draft *draft);

#endif
