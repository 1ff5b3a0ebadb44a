/* list.c: `lehr list`: every kind that a config can name. */
#include <jansson.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "lehr/lehr.h"

static void add_table(lehr_kind_list list, lehr_text *text)
{
    lehr_text_add(text, "%s\n", lehr_kind_list_name(list));
    for (int32_t i = 0; i < lehr_kind_count(list); i++)
        lehr_text_add(text, "  %-20s  %s\n", lehr_kind_name(list, i), lehr_kind_help(list, i));
}

static json_t *json_kinds(lehr_kind_list list)
{
    json_t *kinds = json_array();
    for (int32_t i = 0; i < lehr_kind_count(list); i++)
        json_array_append_new(kinds, json_pack("{s:s, s:s}", "name", lehr_kind_name(list, i),
                                               "help", lehr_kind_help(list, i)));
    return kinds;
}

/* Number of a list by its name; the nearest is named when there is none. */
static lehr_status find_list(const char *name, int *out)
{
    int nearest = 0;
    for (int i = 1; i < LEHR_LIST_COUNT; i++)
        if (lehr_text_distance(name, lehr_kind_list_name((lehr_kind_list)i)) <
            lehr_text_distance(name, lehr_kind_list_name((lehr_kind_list)nearest)))
            nearest = i;
    const char *found = lehr_kind_list_name((lehr_kind_list)nearest);
    LEHR_CHECK(lehr_text_distance(name, found) == 0, LEHR_ERR_ARG,
               "unknown list '%s', did you mean '%s'?", name, found);
    *out = nearest;
    return LEHR_OK;
}

static lehr_status print_lists(int first, int end)
{
    lehr_text text = {0};
    for (int i = first; i < end; i++) {
        if (i > first)
            lehr_text_add(&text, "\n");
        add_table((lehr_kind_list)i, &text);
    }
    return lehr_console_text(&text);
}

static lehr_status print_json(int first, int end)
{
    json_t *lists = json_object();
    for (int i = first; i < end; i++)
        json_object_set_new(lists, lehr_kind_list_name((lehr_kind_list)i),
                            json_kinds((lehr_kind_list)i));
    return lehr_console_json(lists);
}

static lehr_status list(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    int first = 0, end = LEHR_LIST_COUNT;
    if (options->arguments == 1) {
        LEHR_TRY(find_list(options->argument[0], &first));
        end = first + 1;
    }
    return options->given[LEHR_OPTION_JSON] ? print_json(first, end) : print_lists(first, end);
}

const lehr_command lehr_command_list = {
    .name = "list",
    .arguments = "[KIND]",
    .help = "the kinds that a config can name: activations, losses, moves, ...",
    .notes = "",
    .most = 1,
    .options = LEHR_BIT(JSON),
    .run = list,
};
