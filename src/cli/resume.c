/* resume.c: `lehr resume`: a run by its directory instead of its config. */
#include "base/status.h"
#include "cli/command.h"
#include "cli/session.h"
#include "study/directory.h"
#include "study/yard.h"

/* `lehr run DIR/config.yaml -o DIR`. */
static lehr_status resume(const lehr_options *options, int *code)
{
    char config[LEHR_PATH_MAX];
    const char *words[] = {config};
    lehr_options run = *options;
    LEHR_CHECK(!lehr_yard_is(options->argument[0]), LEHR_ERR_EXISTS,
               "%s is the directory of a sweep, not of a run: lehr sweep SWEEP -o %s goes on with "
               "it",
               options->argument[0], options->argument[0]);
    LEHR_TRY(lehr_path_join(options->argument[0], "config.yaml", config));
    run.argument = words;
    run.given[LEHR_OPTION_OUTPUT] = true;
    run.value[LEHR_OPTION_OUTPUT] = options->argument[0];
    return lehr_session(&run, code);
}

const lehr_command lehr_command_resume = {
    .name = "resume",
    .arguments = "DIR",
    .help = "go on with the run of a directory",
    .notes = "As lehr run with the config that the run was started with. --extend adds scans to a "
             "run that is finished,\n"
             "whatever it stopped for; they are the only stop rule then. --break-lock is for a "
             "directory that is locked\n"
             "though the process is gone (a dead host on a network file system); should it live "
             "after all, it notices\n"
             "and stops.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_SESSION_OPTIONS | LEHR_BIT(BREAK_LOCK) | LEHR_BIT(EXTEND),
    .run = resume,
};
