/* options.h: the words after a command, sorted. Options are listed once, for all commands. */
#ifndef LEHR_CLI_OPTIONS_H
#define LEHR_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/status.h"

/* X(SUFFIX, letter or 0, "long name", "VALUE" or NULL, "help"). */
#define LEHR_OPTIONS(X)                                                                            \
    X(SET, 's', "set", "KEY=VALUE", "set a config key (dotted path); may be given many times")     \
    X(OUTPUT, 'o', "output", "PATH", "where the results go: nothing that exists is overwritten")   \
    X(BACKEND, 0, "backend", "NAME", "auto, cpu, cuda, cuda:N,M, cuda:all or cuda:PART-OF-NAME")   \
    X(THREADS, 0, "threads", "N",                                                                  \
      "threads of the cpu backend; auto: one per CPU of the affinity mask")                        \
    X(RESUME, 0, "resume", "auto|never", "auto (default): go on with a run that is there already") \
    X(EXTEND, 0, "extend", "scans=+N", "N more scans at the last temperatures, nothing adapts")    \
    X(BREAK_LOCK, 0, "break-lock", NULL, "take the directory from a process that is gone")         \
    X(MAXH, 0, "maxh", "HOURS", "save the run after this many hours and leave with exit code 85")  \
    X(REQUIRE_TARGET, 0, "require-target", NULL, "exit 4 when the run ends without its target")    \
    X(SHARD, 0, "shard", "I/N|auto", "only trials I, I+N, ...; auto: as a Slurm array says")       \
    X(DRY_RUN, 0, "dry-run", NULL, "show the trials and what they would take; write nothing")      \
    X(RETRY, 0, "retry", "failed|stale",                                                           \
      "try failed trials again, or those nobody can tell about")                                   \
    X(WATCH, 0, "watch", NULL, "look again every two seconds, until it has ended")                 \
    X(FORMAT, 0, "format", "NAME", "safetensors or csv")                                           \
    X(WORKLOAD, 0, "workload", "NAME", "only this built-in workload: a, b or c")                   \
    X(QUICK, 0, "quick", NULL, "a moment only: shows that it works, its figures mean little")      \
    X(SCALING, 0, "scaling", NULL, "also time 16 to 16,384 rows (takes minutes)")                  \
    X(ROWS, 0, "rows", "N,N,...", "numbers of rows to compare: 1,2,4,8")                           \
    X(SEEDS, 0, "seeds", "N", "runs of everything, with seeds from that of the config on: 20")     \
    X(TARGET, 0, "target", "METRIC=VALUE", "what is to be reached, in place of stop.target")       \
    X(TASKS, 0, "tasks", "N",                                                                      \
      "tasks of the array of a sweep: 8; ranks that share a run's rows: 1")                        \
    X(AT_ONCE, 0, "at-once", "M", "tasks of the array that run at one time; else as many as can")  \
    X(TIME, 0, "time", "LIMIT",                                                                    \
      "of one visit, as Slurm reads it: minutes, h:mm:ss, d-hh; 1:00:00")                          \
    X(GPUS, 0, "gpus", "N",                                                                        \
      "of a task of an array, or of a run and all its ranks; else one each for cuda")              \
    X(QUIET, 'q', "quiet", NULL, "no progress and no notes on stderr; errors stay")                \
    X(JSON, 0, "json", NULL, "one JSON object on stdout instead of a table")                       \
    X(HELP, 'h', "help", NULL, "show this text")                                                   \
    X(VERSION, 'V', "version", NULL, "show version and commit")

/* clang-format off */
typedef enum lehr_option {
#define X(s, l, n, v, h) LEHR_OPTION_##s,
    LEHR_OPTIONS(X)
#undef X
    LEHR_OPTION_COUNT
} lehr_option;
/* clang-format on */

/* A set of options, for the `options` of a command. */
#define LEHR_BIT(suffix) (1u << LEHR_OPTION_##suffix)

/* `most` arguments of a command that takes any number. */
enum { LEHR_ARGUMENTS_ANY = INT32_MAX };

typedef struct lehr_options {
    const char *const *argument; /* [arguments] what is not an option */
    int32_t arguments;
    bool given[LEHR_OPTION_COUNT];
    const char *value[LEHR_OPTION_COUNT]; /* the last one given; NULL: none */
    const char **set;                     /* [set_count] values of -s, in order */
    int32_t set_count;
} lehr_options;

/* Sort words[count]; only the options of `allowed` are known, help and version always. Fails
 * with LEHR_ERR_ARG, naming the nearest option; free in both cases. */
lehr_status lehr_options_parse(int count, char *const *words, uint32_t allowed, lehr_options *out);
void lehr_options_free(lehr_options *options);

/* Value of an option, or a default. */
const char *lehr_option_value(const lehr_options *options, lehr_option option,
                              const char *otherwise);

/* One line of help per allowed option, on stdout. */
lehr_status lehr_options_help(uint32_t allowed);

#endif
