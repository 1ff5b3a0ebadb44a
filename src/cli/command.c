/* command.c: find the command, sort its words, run it, and say what went wrong. */
#include "cli/command.h"

#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "cli/console.h"
#include "lehr/lehr.h"

static const lehr_command *const commands[] = {
#define X(name) &lehr_command_##name,
    LEHR_COMMANDS(X)
#undef X
};

enum {
#define X(name) COMMAND_##name,
    LEHR_COMMANDS(X)
#undef X
        COMMAND_COUNT
};

static lehr_status print_version(void)
{
    lehr_text text = {0};
    lehr_text_add(&text, "lehr %s (%s)\n", lehr_version(), lehr_commit());
    return lehr_console_text(&text);
}

static lehr_status print_help(void)
{
    lehr_text text = {0};
    lehr_text_add(&text, "lehr: parallel tempering for neural networks, without gradients\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        lehr_text_add(&text, "  lehr %-12s %-14s  %s\n", commands[i]->name, commands[i]->arguments,
                      commands[i]->help);
    lehr_text_add(
        &text,
        "\nEvery command has --help. Exit codes: 0 done, 1 run error, 2 usage, config or data, "
        "3 a sweep with failed\ntrials, 4 target not reached, 69 no usable device, 73 a path is in "
        "use or holds something else,\n74 input or output failed, 85 not finished: run it again "
        "to go on, 130 interrupted twice.\n");
    return lehr_console_text(&text);
}

static lehr_status print_command_help(const lehr_command *command)
{
    lehr_text text = {0};
    lehr_text_add(&text, "lehr %s %s%s[options]\n\n%s\n%s%s\n", command->name, command->arguments,
                  command->arguments[0] ? " " : "", command->help, command->notes[0] ? "\n" : "",
                  command->notes);
    LEHR_TRY(lehr_console_text(&text));
    return lehr_options_help(command->options);
}

static lehr_status find_command(const char *word, const lehr_command **out)
{
    const lehr_command *nearest = NULL;
    int best = 4;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const int distance = lehr_text_distance(word, commands[i]->name);
        if (distance < best) {
            best = distance;
            nearest = commands[i];
        }
    }
    LEHR_CHECK(nearest != NULL, LEHR_ERR_ARG, "unknown command '%s'; try lehr --help", word);
    LEHR_CHECK(best == 0, LEHR_ERR_ARG, "unknown command '%s', did you mean '%s'?", word,
               nearest->name);
    *out = nearest;
    return LEHR_OK;
}

static lehr_status run_parsed(const lehr_command *command, const lehr_options *options, int *code)
{
    if (options->given[LEHR_OPTION_HELP])
        return print_command_help(command);
    if (options->given[LEHR_OPTION_VERSION])
        return print_version();
    LEHR_CHECK(options->arguments >= command->least, LEHR_ERR_ARG, "missing argument: lehr %s %s",
               command->name, command->arguments);
    LEHR_CHECK(options->arguments <= command->most, LEHR_ERR_ARG,
               "'%s' is one word too many: lehr %s %s", options->argument[command->most],
               command->name, command->arguments);
    return command->run(options, code);
}

static lehr_status run_command(int argc, char *const *argv, int *code)
{
    const lehr_command *command = NULL;
    LEHR_TRY(find_command(argv[1], &command));
    lehr_options options;
    lehr_status status = lehr_options_parse(argc - 2, argv + 2, command->options, &options);
    if (status == LEHR_OK)
        status = run_parsed(command, &options, code);
    lehr_options_free(&options);
    return status;
}

static lehr_status dispatch(int argc, char *const *argv, int *code)
{
    LEHR_CHECK(argc >= 2, LEHR_ERR_ARG, "a command is missing; try lehr --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return print_version();
    return run_command(argc, argv, code);
}

int lehr_cli(int argc, char *const *argv)
{
    int code = LEHR_EXIT_OK;
    const lehr_status status = dispatch(argc, argv, &code);
    if (status == LEHR_OK)
        return code;
    if (lehr_error()[0] != '\0') /* else it is said already */
        lehr_console_error(lehr_error());
    return lehr_status_exit_code(status);
}
