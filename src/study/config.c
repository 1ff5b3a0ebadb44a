/* config.c: the defaults of a config, and loading one: read, override, resolve, check. */
#include "study/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
                 .standardize = true,
                 .project = {.components = 64}},
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

/* A reader with its defaults; some 20 kB, so not on the caller's stack. */
static lehr_status new_reader(const char *file, const char *const *overrides,
                              lehr_config_reader **out)
{
    lehr_config_reader *reader = NULL;
    LEHR_TRY(LEHR_NEW(reader, 1, "a config"));
    reader->file = file;
    reader->overrides = overrides;
    reader->draft.config = lehr_config_default();
    *out = reader;
    return LEHR_OK;
}

lehr_status lehr_config_parse(const char *text, size_t length, const char *file,
                              const char *const *overrides, int32_t count, lehr_config *out)
{
    lehr_config_reader *reader = NULL;
    LEHR_TRY(new_reader(file, overrides, &reader));
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

lehr_status lehr_config_text(const char *path, char **text, size_t *length)
{
    FILE *file = fopen(path, "rb");
    LEHR_CHECK(file != NULL, LEHR_ERR_IO, "%s: cannot be read: %s", path, lehr_system_error(errno));
    lehr_status status = LEHR_NEW(*text, LEHR_CONFIG_BYTES_MAX + 1, "a config");
    if (status == LEHR_OK)
        status = read_text(path, file, *text, length);
    fclose(file);
    return status;
}

lehr_status lehr_config_load(const char *path, const char *const *overrides, int32_t count,
                             lehr_config *out)
{
    char *text = NULL;
    size_t length = 0;
    lehr_status status = lehr_config_text(path, &text, &length);
    if (status == LEHR_OK)
        status = lehr_config_parse(text, length, path, overrides, count, out);
    LEHR_FREE(text);
    return status;
}

/* ---- What only the data could tell ------------------------------------------------------------ */

/* Does the sentence begin with the name of a key in a section? */
static bool find_key(const char *sentence, char key[LEHR_CONFIG_PATH_MAX])
{
    int32_t move = 0;
    const size_t length = strcspn(sentence, " ");
    if (length >= LEHR_CONFIG_PATH_MAX)
        return false;
    snprintf(key, LEHR_CONFIG_PATH_MAX, "%.*s", (int)length, sentence);
    return strchr(key, '.') != NULL && lehr_config_find(key, &move) != NULL;
}

/* A key that was not given has its default because of the kind that was: `data.project.kind`. */
static void find_given(const lehr_config_reader *reader, char key[LEHR_CONFIG_PATH_MAX])
{
    char kind[LEHR_CONFIG_PATH_MAX];
    const int section = (int)(strrchr(key, '.') - key);
    int32_t move = 0;
    snprintf(kind, sizeof kind, "%.*s.kind", section, key);
    if (!lehr_config_given(reader, key) && lehr_config_find(kind, &move) != NULL &&
        lehr_config_given(reader, kind))
        snprintf(key, LEHR_CONFIG_PATH_MAX, "%s", kind);
}

/* A pipe gives its text once, and asking again can wait for ever. */
static bool reads_twice(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* Read everything once more, for the places alone. */
static lehr_status fill_again(const char *path, int32_t count, lehr_config_reader *reader)
{
    char *text = NULL;
    size_t length = 0;
    lehr_status status = lehr_config_text(path, &text, &length);
    if (status == LEHR_OK)
        status = fill(reader, text, length, count);
    LEHR_FREE(text);
    return status;
}

lehr_status lehr_config_blame_again(const char *path, const char *const *overrides, int32_t count,
                                    lehr_status status)
{
    char key[LEHR_CONFIG_PATH_MAX], sentence[512];
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    if (!find_key(sentence, key) || !reads_twice(path))
        return status;
    lehr_config_reader *reader = NULL;
    lehr_status again = new_reader(path, overrides, &reader);
    if (again == LEHR_OK)
        again = fill_again(path, count, reader);
    lehr_fail(status, "%s", sentence); /* whatever reading it again has said */
    if (again == LEHR_OK) {
        find_given(reader, key);
        lehr_config_blame(reader, key, status);
    }
    LEHR_FREE(reader);
    return status;
}
