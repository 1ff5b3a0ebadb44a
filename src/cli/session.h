/* session.h: one run from its config to its result, for the commands that run. */
#ifndef LEHR_CLI_SESSION_H
#define LEHR_CLI_SESSION_H

#include "cli/options.h"
#include "lehr/status.h"

/* Options of both commands. */
#define LEHR_SESSION_OPTIONS                                                                       \
    (LEHR_BIT(BACKEND) | LEHR_BIT(THREADS) | LEHR_BIT(MAXH) | LEHR_BIT(REQUIRE_TARGET) |           \
     LEHR_BIT(QUIET) | LEHR_BIT(JSON))

/* Run the config of the first argument, or go on with it, and print its result; *code as lehr_command.run. */
lehr_status lehr_session(const lehr_options *options, int *code);

#endif
