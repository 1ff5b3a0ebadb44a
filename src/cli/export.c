/* export.c: `lehr export`: a model for other programs, in the data's own units. */
#include "study/export.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/model_path.h"

/* Where to write: -o, or export.<format> beside the model. */
static lehr_status find_place(const lehr_options *options, const char *model_path,
                              const char *format, char path[LEHR_PATH_MAX])
{
    const char *chosen = lehr_option_value(options, LEHR_OPTION_OUTPUT, NULL);
    char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    if (chosen != NULL) {
        LEHR_CHECK(lehr_text_copy(path, LEHR_PATH_MAX, chosen), LEHR_ERR_ARG,
                   "the path after -o is too long");
        return LEHR_OK;
    }
    LEHR_TRY(lehr_path_split(model_path, parent, name));
    snprintf(name, sizeof name, "export.%s", format);
    return lehr_path_join(parent, name, path);
}

static lehr_status write_safetensors(const lehr_model *model, const lehr_dir *dir, const char *name)
{
    lehr_output output = {.fd = -1};
    LEHR_TRY(lehr_model_write(model, dir, name, &output));
    return lehr_output_commit_new(&output);
}

static lehr_status write_csv(const lehr_model *model, const lehr_dir *dir, const char *name)
{
    lehr_text text = {0};
    lehr_status status = lehr_model_csv(model, &text);
    if (status == LEHR_OK)
        status = lehr_output_whole_new(dir, name, text.data, text.length);
    lehr_text_free(&text);
    return status;
}

static lehr_status write_file(const lehr_model *model, const char *format, const char *path)
{
    char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    lehr_dir dir;
    LEHR_TRY(lehr_path_split(path, parent, name));
    LEHR_TRY(lehr_dir_open(parent, &dir));
    const bool csv = strcmp(format, "csv") == 0;
    const lehr_status status = csv ? write_csv(model, &dir, name)
                                   : write_safetensors(model, &dir, name);
    lehr_dir_close(&dir);
    return status;
}

static lehr_status fold_and_write(const lehr_model *model, const char *format, const char *path)
{
    lehr_model *folded = NULL;
    LEHR_TRY(lehr_model_fold(model, &folded));
    const lehr_status status = write_file(folded, format, path);
    lehr_model_destroy(&folded);
    return status;
}

static lehr_status export_model(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    const char *format = lehr_option_value(options, LEHR_OPTION_FORMAT, "safetensors");
    LEHR_CHECK(strcmp(format, "safetensors") == 0 || strcmp(format, "csv") == 0, LEHR_ERR_ARG,
               "--format is safetensors or csv, not '%s'", format);
    char from[LEHR_PATH_MAX], to[LEHR_PATH_MAX];
    LEHR_TRY(lehr_model_path(options->argument[0], from));
    LEHR_TRY(find_place(options, from, format, to));

    lehr_model *model = NULL;
    LEHR_TRY(lehr_model_load(from, &model));
    lehr_status status = fold_and_write(model, format, to);
    lehr_model_destroy(&model);
    LEHR_TRY(status);
    lehr_text line = {0};
    lehr_text_add(&line, "%s\n", to);
    return lehr_console_text(&line);
}

const lehr_command lehr_command_export = {
    .name = "export",
    .arguments = "DIR",
    .help = "write a run's best weights for other programs",
    .notes =
        "DIR is a run's directory, or a safetensors file of one. The scaling of inputs and "
        "outputs, and a projection\n"
        "of the inputs, are folded into the first and last layer, so that the network takes and "
        "gives the data's own\n"
        "units. Without -o the file is DIR/export.FORMAT; its path is printed. Nothing that "
        "exists is overwritten.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_BIT(FORMAT) | LEHR_BIT(OUTPUT),
    .run = export_model,
};
