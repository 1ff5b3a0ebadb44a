/* command.h: the table of commands. A new one is a file, a line in LEHR_COMMANDS, and nothing
 * else. */
#ifndef LEHR_CLI_COMMAND_H
#define LEHR_CLI_COMMAND_H

#include "cli/options.h"
#include "lehr/status.h"

/* X(name): the descriptor lehr_command_<name> in <name>.c, in the order of the help. */
#define LEHR_COMMANDS(X)                                                                           \
    X(run)                                                                                         \
    X(resume)                                                                                      \
    X(sweep)                                                                                       \
    X(status)                                                                                      \
    X(collect)                                                                                     \
    X(slurm_script)                                                                                \
    X(plan)                                                                                        \
    X(predict)                                                                                     \
    X(export)                                                                                      \
    X(report)                                                                                      \
    X(list)                                                                                        \
    X(devices)                                                                                     \
    X(bench)

enum {
    LEHR_EXIT_OK = 0,
    LEHR_EXIT_USAGE = 2,
    LEHR_EXIT_FAILED_TRIALS = 3, /* of a sweep that has ended */
    LEHR_EXIT_NO_TARGET = 4,     /* with --require-target */
    LEHR_EXIT_AGAIN = 85,        /* not finished: the same command again goes on */
    LEHR_EXIT_INTERRUPTED = 130  /* by a second INT */
};

typedef struct lehr_command {
    const char *name;
    const char *arguments; /* "CONFIG", "[KIND]" */
    const char *help;      /* one line */
    const char *notes;     /* what more --help says; "" */
    int32_t least, most;   /* number of arguments */
    uint32_t options;      /* LEHR_BIT(...) | ... */
    /* Do it. *code is 0 before; a failure's sentence is printed by the caller. */
    lehr_status (*run)(const lehr_options *options, int *code);
} lehr_command;

#define X(name) extern const lehr_command lehr_command_##name;
LEHR_COMMANDS(X)
#undef X

/* The whole program: argv[0] is its name. Returns the exit code. */
int lehr_cli(int argc, char *const *argv);

#endif
