/* config_read.h: a config while it is read: values, and where each of them was given. */
#ifndef LEHR_STUDY_CONFIG_READ_H
#define LEHR_STUDY_CONFIG_READ_H

#include "study/config_schema.h"

/* Where a value was given; all zero: nowhere, it is the default. */
typedef struct lehr_config_place {
    lehr_yaml_place file;
    int32_t override; /* from 1; 0: not by an override */
} lehr_config_place;

typedef struct lehr_config_reader {
    const char *file;             /* its name, for messages; its folder is that of relative paths */
    const char *const *overrides; /* "key=value" of -s, "--key=value" of an option */
    int32_t override;             /* being applied, from 1; 0: the file is */
    const lehr_yaml *yaml;        /* being applied */
    lehr_config_draft draft;
    lehr_config_place given[LEHR_CONFIG_KEYS_MAX]
                           [LEHR_MOVES_MAX]; /* key, move (0 where there is none) */
} lehr_config_reader;

/* Put all keys of the file, or the value of an override, into the draft. */
lehr_status lehr_config_apply_file(lehr_config_reader *reader, const char *text, size_t length);
lehr_status lehr_config_apply_override(lehr_config_reader *reader, int32_t index);

/* Work out what depends on several keys (copies, rungs of a list, limits), then check all rules
 * between keys. */
lehr_status lehr_config_resolve(lehr_config_reader *reader);

/* Was this key given, by the file or an override? */
bool lehr_config_given(const lehr_config_reader *reader, const char *path);

/* Put the place where `path` was given before the last error sentence; returns status. */
lehr_status lehr_config_blame(const lehr_config_reader *reader, const char *path,
                              lehr_status status);

/* The same for a known place. */
lehr_status lehr_config_blame_place(const lehr_config_reader *reader, lehr_config_place place,
                                    lehr_status status);

#endif
