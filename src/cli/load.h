/* load.h: the config of a command, with what the command line says about it. */
#ifndef LEHR_CLI_LOAD_H
#define LEHR_CLI_LOAD_H

#include "cli/options.h"
#include "lehr/study.h"
#include "study/trials.h"

/* Keys of the config as the command line gives them, "key=value" of -s in order, then
 * "--backend=value" and "--threads=value". */
typedef struct lehr_overrides {
    const char **text; /* [count] */
    int32_t count;
    char key[2][256]; /* those that options stand for */
} lehr_overrides;

/* They point into the options and into themselves: both must stay where they are. Free them in both cases. */
lehr_status lehr_overrides_collect(const lehr_options *options, lehr_overrides *out);
void lehr_overrides_free(lehr_overrides *overrides);

/* Load the config of the first argument with -s, --backend and --threads, the last two being the last word.
 * Fails like lehr_config_load, and on a sweep with the command that takes one. */
lehr_status lehr_load(const lehr_options *options, lehr_config *out);

/* The data of that config. Fails like lehr_dataset_create, with the place in the config before a
 * sentence about one of its keys. */
lehr_status lehr_load_data(const lehr_options *options, const lehr_config *config,
                           lehr_dataset **out);

/* The name of the sweep that the first argument is the file of, and its directory: -o, else runs/<name>. */
lehr_status lehr_sweep_place(const lehr_options *options, char name[LEHR_NAME_MAX],
                             char dir[LEHR_PATH_MAX]);

/* May that sweep work there? Fails where the work would. A sweep that `gets` another name, in the words of the command,
 * is said on stderr; NULL: not a word. */
lehr_status lehr_sweep_check(const lehr_trials *trials, const char *name, const char *dir,
                             const char *gets);

#endif
