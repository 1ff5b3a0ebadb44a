/* load.c: options that are keys of the config become overrides like those of -s. */
#include "cli/load.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "cli/console.h"
#include "cli/file_kind.h"
#include "study/config.h"
#include "study/directory.h"
#include "study/ledger.h"

static lehr_status add(const lehr_options *options, lehr_option option, const char *key,
                       lehr_overrides *o, char text[256])
{
    const char *value = lehr_option_value(options, option, NULL);
    if (value == NULL)
        return LEHR_OK;
    const int length = snprintf(text, sizeof o->key[0], "--%s=%s", key, value);
    LEHR_CHECK(length < (int)sizeof o->key[0], LEHR_ERR_ARG, "--%s %.40s... is too long", key,
               value);
    o->text[o->count++] = text;
    return LEHR_OK;
}

lehr_status lehr_overrides_collect(const lehr_options *options, lehr_overrides *out)
{
    *out = (lehr_overrides){0};
    LEHR_TRY(LEHR_NEW(out->text, (size_t)options->set_count + 2, "the overrides of a config"));
    for (; out->count < options->set_count; out->count++) {
        LEHR_CHECK(options->set[out->count][0] != '-', LEHR_ERR_ARG, "-s %.40s: no key has a dash",
                   options->set[out->count]);
        out->text[out->count] = options->set[out->count];
    }
    LEHR_TRY(add(options, LEHR_OPTION_BACKEND, "backend", out, out->key[0]));
    return add(options, LEHR_OPTION_THREADS, "threads", out, out->key[1]);
}

void lehr_overrides_free(lehr_overrides *overrides)
{
    LEHR_FREE(overrides->text);
    overrides->count = 0;
}

lehr_status lehr_load(const lehr_options *options, lehr_config *out)
{
    lehr_overrides o;
    lehr_status status = lehr_overrides_collect(options, &o);
    if (status == LEHR_OK)
        status = lehr_file_kind_blame(options->argument[0], LEHR_FILE_RUN,
                                      lehr_config_load(options->argument[0], o.text, o.count, out));
    lehr_overrides_free(&o);
    return status;
}

/* Put the place in the config before the last error sentence; returns status. */
static lehr_status blame(const lehr_options *options, lehr_status status)
{
    lehr_overrides o;
    if (lehr_overrides_collect(options, &o) == LEHR_OK)
        lehr_config_blame_again(options->argument[0], o.text, o.count, status);
    lehr_overrides_free(&o);
    return status;
}

lehr_status lehr_load_data(const lehr_options *options, const lehr_config *config,
                           lehr_dataset **out)
{
    const lehr_status status = lehr_dataset_create(&config->data, out);
    return status == LEHR_ERR_ARG ? blame(options, status) : status;
}

lehr_status lehr_sweep_place(const lehr_options *options, char name[LEHR_NAME_MAX],
                             char dir[LEHR_PATH_MAX])
{
    char parent[LEHR_PATH_MAX];
    LEHR_TRY(lehr_path_split(options->argument[0], parent, name));
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    const char *chosen = lehr_option_value(options, LEHR_OPTION_OUTPUT, NULL);
    if (chosen == NULL)
        return lehr_path_join("runs", name, dir);
    LEHR_CHECK(chosen[0] != '\0', LEHR_ERR_ARG, "-o needs the name of a directory");
    LEHR_CHECK(lehr_text_copy(dir, LEHR_PATH_MAX, chosen), LEHR_ERR_ARG, "-o is too long");
    return LEHR_OK;
}

lehr_status lehr_sweep_check(const lehr_trials *trials, const char *name, const char *dir,
                             const char *gets)
{
    char was[LEHR_NAME_MAX];
    LEHR_TRY(lehr_ledger_check(trials, name, dir, was));
    if (was[0] != '\0' && gets != NULL)
        lehr_console_note("%s: sweep %s %s called %s, since all trials of one are trials of the "
                          "other; to keep both, choose another directory with -o",
                          dir, was, gets, name);
    return LEHR_OK;
}
