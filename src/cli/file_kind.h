/* file_kind.h: is a file the config of a run, or a sweep? Commands take one of them, and people give them the other. */
#ifndef LEHR_CLI_FILE_KIND_H
#define LEHR_CLI_FILE_KIND_H

#include "lehr/status.h"

typedef enum lehr_file_kind {
    LEHR_FILE_OTHER, /* no YAML mapping, or one that shows neither */
    LEHR_FILE_RUN,
    LEHR_FILE_SWEEP /* it has a base */
} lehr_file_kind;

/* Fails with LEHR_ERR_IO when it cannot be read. */
lehr_status lehr_file_kind_find(const char *path, lehr_file_kind *out);

/* After a failure to read a file as one of `wanted`: a sentence that names the other command in place of the last
 * one, when that is what the file is for. Returns status. */
lehr_status lehr_file_kind_blame(const char *path, lehr_file_kind wanted, lehr_status status);

#endif
