/* config_world.h: what the tests of the config share. */
#ifndef TESTS_STUDY_CONFIG_WORLD_H
#define TESTS_STUDY_CONFIG_WORLD_H

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/config.h"
#include "study/config_schema.h"

/* A config text named a.yaml, with up to one override (NULL: none). */
static inline lehr_status parse_text(const char *text, const char *override, lehr_config *out)
{
    const char *const overrides[] = {override};
    return lehr_config_parse(text, strlen(text), "a.yaml", overrides, override != NULL, out);
}

/* The same for a text that must be right. */
static inline lehr_config parse_good(const char *text, const char *override)
{
    lehr_config config;
    cr_assert_eq(parse_text(text, override, &config), LEHR_OK, "%s", lehr_error());
    return config;
}

/* Bytes of a key's value. */
static inline size_t value_size(const lehr_config_key *key)
{
    switch (key->value) {
    case LEHR_VALUE_BOOL: return sizeof(bool);
    case LEHR_VALUE_INT: return sizeof(int32_t);
    case LEHR_VALUE_COUNT:
    case LEHR_VALUE_SEED: return sizeof(int64_t);
    case LEHR_VALUE_NUMBER: return sizeof(double);
    case LEHR_VALUE_SCALE: return 2 * sizeof(double);
    case LEHR_VALUE_TEXT:
    case LEHR_VALUE_PATH: return key->size;
    case LEHR_VALUE_KIND: return sizeof(int32_t);
    case LEHR_VALUE_WIDTHS: return key->size * sizeof(int32_t);
    case LEHR_VALUE_LADDER: return key->size * sizeof(double);
    }
    return 0;
}

/* EXACT: the bytes of every field, all moves included; what lies behind the end of a text is no
 * matter. */
static inline void assert_same_config(const lehr_config *a, const lehr_config *b)
{
    const lehr_config_draft x = lehr_config_draft_of(a), y = lehr_config_draft_of(b);
    cr_assert_eq(a->run.move_count, b->run.move_count);
    cr_assert_eq(a->network.hidden_count, b->network.hidden_count);
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        for (int32_t m = 0; m < (lehr_config_is_move(key) ? a->run.move_count : 1); m++) {
            const void *p = lehr_config_field(key, m, &x), *q = lehr_config_field(key, m, &y);
            if (key->value == LEHR_VALUE_TEXT || key->value == LEHR_VALUE_PATH)
                cr_assert_str_eq((const char *)p, (const char *)q);
            else
                cr_assert_eq(memcmp(p, q, value_size(key)), 0, "%s of move %d", key->name, m);
        }
    }
}

/* configs/<pattern> of the source tree. */
static inline glob_t find_configs(const char *pattern)
{
    char path[512];
    snprintf(path, sizeof path, "%s/configs/%s", LEHR_SOURCE_DIR, pattern);
    glob_t found;
    cr_assert_eq(glob(path, 0, NULL, &found), 0, "nothing is called %s", path);
    return found;
}

#endif
