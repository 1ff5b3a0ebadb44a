/* config.c: the defaults of a config, and loading one: read, override, resolve, check. */
#include "study/config.h"

#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "study/config_read.h"

lehr_config lehr_config_default(void)
{
    return (lehr_config){
        .name = "run",
        .data = {.generator = {.points = 200, .bits = 4},
                 .task = LEHR_TASK_CLASSIFICATION,
                 .split_seed = 1,
                 .test_fraction = 0.2,
                 .validation_fraction = 0.1,
                 .standardize = true},
        .network = {.hidden_count = 1,
                    .hidden = {12},
                    .activation = LEHR_ACTIVATION_TANH,
                    .output = LEHR_ACTIVATION_IDENTITY,
                    .bias = true},
        .loss = {.kind = LEHR_LOSS_CROSS_ENTROPY, .noise = 1, .delta = 1},
        .prior = {.scale = 1},
        .run = lehr_run_spec_default(),
        .output_dir = "runs",
        .checkpoint_s = 60,
    };
}

static lehr_status fill(lehr_config_reader *reader, const char *text, size_t length, int32_t count)
{
    LEHR_TRY(lehr_config_apply_file(reader, text, length));
    for (int32_t i = 0; i < count; i++)
        LEHR_TRY(lehr_config_apply_override(reader, i));
    return lehr_config_resolve(reader);
}

lehr_status lehr_config_parse(const char *text, size_t length, const char *file,
                              const char *const *overrides, int32_t count, lehr_config *out)
{
    lehr_config_reader *reader = NULL; /* some 20 kB: not on the caller's stack */
    LEHR_TRY(LEHR_NEW(reader, 1, "a config"));
    reader->file = file;
    reader->overrides = overrides;
    reader->draft.config = lehr_config_default();
    const lehr_status status = fill(reader, text, length, count);
    if (status == LEHR_OK)
        *out = reader->draft.config;
    LEHR_FREE(reader);
    return status;
}

/* At most LEHR_CONFIG_BYTES_MAX of an open file; pipes and standard input are welcome. */
static lehr_status read_text(const char *path, FILE *file, char *text, size_t *length)
{
    *length = fread(text, 1, LEHR_CONFIG_BYTES_MAX + 1, file);
    const int number = errno;
    LEHR_CHECK(ferror(file) == 0, LEHR_ERR_IO, "%s: cannot be read: %s", path,
               lehr_system_error(number));
    LEHR_CHECK(*length <= LEHR_CONFIG_BYTES_MAX, LEHR_ERR_ARG,
               "%s:1:1: larger than %zu bytes: this is not a config", path, LEHR_CONFIG_BYTES_MAX);
    return LEHR_OK;
}

lehr_status lehr_config_load(const char *path, const char *const *overrides, int32_t count,
                             lehr_config *out)
{
    FILE *file = fopen(path, "rb");
    LEHR_CHECK(file != NULL, LEHR_ERR_IO, "%s: cannot be read: %s", path, lehr_system_error(errno));
    char *text = NULL;
    size_t length = 0;
    lehr_status status = LEHR_NEW(text, LEHR_CONFIG_BYTES_MAX + 1, "a config");
    if (status == LEHR_OK)
        status = read_text(path, file, text, &length);
    fclose(file);
    if (status == LEHR_OK)
        status = lehr_config_parse(text, length, path, overrides, count, out);
    LEHR_FREE(text);
    return status;
}
