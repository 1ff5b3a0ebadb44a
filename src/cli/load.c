/* load.c: options that are keys of the config become overrides like those of -s. */
#include "cli/load.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/config.h"

enum { OVERRIDE_BYTES = 256, KEYS = 2 };

/* The overrides in order, with room for those that options stand for. */
typedef struct overrides {
    const lehr_options *options;
    const char **text;
    int32_t count;
    char key[KEYS][OVERRIDE_BYTES];
} overrides;

static lehr_status add(overrides *o, lehr_option option, const char *key, char *text)
{
    const char *value = lehr_option_value(o->options, option, NULL);
    if (value == NULL)
        return LEHR_OK;
    const int length = snprintf(text, OVERRIDE_BYTES, "%s=%s", key, value);
    LEHR_CHECK(length < OVERRIDE_BYTES, LEHR_ERR_ARG, "--%s %.40s... is too long", key, value);
    o->text[o->count++] = text;
    return LEHR_OK;
}

static lehr_status collect(overrides *o)
{
    for (; o->count < o->options->set_count; o->count++)
        o->text[o->count] = o->options->set[o->count];
    LEHR_TRY(add(o, LEHR_OPTION_BACKEND, "backend", o->key[0]));
    return add(o, LEHR_OPTION_THREADS, "threads", o->key[1]);
}

lehr_status lehr_load(const lehr_options *options, lehr_config *out)
{
    overrides o = {.options = options};
    LEHR_TRY(LEHR_NEW(o.text, (size_t)options->set_count + KEYS, "the overrides of a config"));
    lehr_status status = collect(&o);
    if (status == LEHR_OK)
        status = lehr_config_load(options->argument[0], o.text, o.count, out);
    LEHR_FREE(o.text);
    return status;
}

/* Put the place in the config before the last error sentence; returns status. */
static lehr_status blame(const lehr_options *options, lehr_status status)
{
    overrides o = {.options = options};
    LEHR_TRY(LEHR_NEW(o.text, (size_t)options->set_count + KEYS, "the overrides of a config"));
    if (collect(&o) == LEHR_OK)
        lehr_config_blame_again(options->argument[0], o.text, o.count, status);
    LEHR_FREE(o.text);
    return status;
}

lehr_status lehr_load_data(const lehr_options *options, const lehr_config *config,
                           lehr_dataset **out)
{
    const lehr_status status = lehr_dataset_create(&config->data, out);
    return status == LEHR_ERR_ARG ? blame(options, status) : status;
}
