/* run.c: `lehr run`. What it does is in session.c. */
#include "cli/command.h"
#include "cli/session.h"

const lehr_command lehr_command_run = {
    .name = "run",
    .arguments = "CONFIG",
    .help = "run a config and leave its result in a directory",
    .notes = "The directory is -o DIR, else <output.dir>/<name>/<id>. A run that is finished "
             "prints its result again, one\n"
             "that is not goes on from its last checkpoint; anything else that stands there, and a "
             "run that another\n"
             "process works on, is exit code 73. The result is a table on stdout, or result.json "
             "with --json.\n"
             "TERM, INT, USR1, USR2, HUP and XCPU save the run after its slice, and so does "
             "--maxh: exit code 85, and\n"
             "the same command again goes on. A second INT ends it at once with 130; the last "
             "checkpoint stays good.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_SESSION_OPTIONS | LEHR_BIT(SET) | LEHR_BIT(OUTPUT) | LEHR_BIT(RESUME),
    .run = lehr_session,
};
