/* load.h: the config of a command, with what the command line says about it. */
#ifndef LEHR_CLI_LOAD_H
#define LEHR_CLI_LOAD_H

#include "cli/options.h"
#include "lehr/study.h"

/* Load the config of the first argument with -s, --backend and --threads, the last two being the last word.
 * Fails like lehr_config_load. */
lehr_status lehr_load(const lehr_options *options, lehr_config *out);

/* The data of that config. Fails like lehr_dataset_create, with the place in the config before a
 * sentence about one of its keys. */
lehr_status lehr_load_data(const lehr_options *options, const lehr_config *config,
                           lehr_dataset **out);

#endif
