/* config.h: inside the doors of lehr/study.h: a config from memory, and the manual. */
#ifndef LEHR_STUDY_CONFIG_H
#define LEHR_STUDY_CONFIG_H

#include <stddef.h>

#include "base/text.h"
#include "lehr/study.h"

/* A config file is small; larger ones are refused before they are read. */
#define LEHR_CONFIG_BYTES_MAX ((size_t)1 << 20)

/* The text of a config or sweep file; *text is the caller's to free, with LEHR_FREE, in any case.
 * Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY and, when it is too large, LEHR_ERR_ARG. */
lehr_status lehr_config_text(const char *path, char **text, size_t *length);

/* lehr_config_load on text[length]; `file` is its name for messages and for relative paths. */
lehr_status lehr_config_parse(const char *text, size_t length, const char *file,
                              const char *const *overrides, int32_t count, lehr_config *out);

/* The last error sentence, of something that was made with a config that was loaded so: when it
 * begins with the name of a key, put the place where that was given before it. The file is read
 * again; where that cannot be (a pipe) the sentence stays as it is. Returns status. */
lehr_status lehr_config_blame_again(const char *path, const char *const *overrides, int32_t count,
                                    lehr_status status);

/* The first key of the identity in which two configs differ, and both values, added to text; nothing when there is
 * none (the content of a file is not looked at). */
void lehr_config_difference(const lehr_config *there, const lehr_config *here, lehr_text *text);

/* A config as YAML with two lines of comment above every key: meaning, unit, range, part of the
 * identity or not. configs/defaults.yaml is this text for the defaults. Paths stay as they are.
 * Fails like lehr_config_write; the text is the caller's to free in both cases. */
lehr_status lehr_config_manual(const lehr_config *config, lehr_text *text);

#endif
