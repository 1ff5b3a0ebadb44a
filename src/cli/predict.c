/* predict.c: `lehr predict`: a model's answers for new points, as CSV or JSON. */
#include "study/predict.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/model_path.h"
#include "study/result.h"

/* What was predicted, from what, and how well. */
typedef struct answer {
    lehr_model *model;
    lehr_points points;
    lehr_prediction prediction;
    lehr_score score;
    int64_t compared; /* points with a known truth */
} answer;

static bool is_classification(const answer *a)
{
    return a->model->task == LEHR_TASK_CLASSIFICATION;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* A field with a prefix, quoted where RFC 4180 wants it. */
static void add_field(lehr_text *out, const char *prefix, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        lehr_text_add(out, "%s%s", prefix, text);
        return;
    }
    lehr_text_add(out, "\"%s", prefix);
    for (const char *c = text; *c != '\0'; c++)
        lehr_text_add(out, *c == '"' ? "\"\"" : "%c", *c);
    lehr_text_add(out, "\"");
}

static void add_classes_header(const answer *a, lehr_text *out)
{
    lehr_text_add(out, "prediction");
    for (int32_t k = 0; k < a->prediction.outputs; k++) {
        const bool single = a->prediction.outputs ==
                            1; /* one score for two classes: that of class 1 */
        lehr_text_add(out, ",");
        add_field(out, a->prediction.probabilities ? "p_" : "score_",
                  lehr_model_class_name(a->model, single ? 1 : k));
    }
    lehr_text_add(out, "\n");
}

static void add_values_header(const answer *a, lehr_text *out)
{
    lehr_text_add(out, "prediction");
    for (int32_t k = 1; k < a->prediction.outputs; k++)
        lehr_text_add(out, ",prediction_%d", k);
    lehr_text_add(out, "\n");
}

static void add_line(const answer *a, int64_t n, lehr_text *out)
{
    const lehr_prediction *p = &a->prediction;
    const float *value = p->value + n * p->outputs;
    if (p->label != NULL)
        add_field(out, "", lehr_model_class_name(a->model, p->label[n]));
    for (int32_t k = 0; k < p->outputs; k++)
        lehr_text_add(out, "%s%.9g", k > 0 || p->label != NULL ? "," : "", (double)value[k]);
    lehr_text_add(out, "\n");
}

static void add_csv(const answer *a, lehr_text *out)
{
    if (is_classification(a))
        add_classes_header(a, out);
    else
        add_values_header(a, out);
    for (int64_t n = 0; n < a->prediction.count; n++)
        add_line(a, n, out);
}

/* ---- Summary and JSON ------------------------------------------------------------------------ */

static void add_summary(const answer *a, lehr_text *out)
{
    lehr_text_add(out, "%lld point%s", (long long)a->prediction.count,
                  lehr_plural(a->prediction.count));
    if (a->compared == 0)
        return;
    if (is_classification(a))
        lehr_text_add(out, ", accuracy %.6g", a->score.accuracy);
    else
        lehr_text_add(out, ", r2 %.6g, rmse %.6g", a->score.r2, a->score.rmse);
    lehr_text_add(out, " of %lld compared", (long long)a->compared);
}

static json_t *json_summary(const answer *a)
{
    json_t *object = json_pack("{s:I, s:I}", "points", (json_int_t)a->prediction.count, "compared",
                               (json_int_t)a->compared);
    if (is_classification(a)) {
        json_object_set_new(object, "accuracy", lehr_json_number(a->score.accuracy));
        return object;
    }
    json_object_set_new(object, "r2", lehr_json_number(a->score.r2));
    json_object_set_new(object, "rmse", lehr_json_number(a->score.rmse));
    return object;
}

/* [outputs] of one point, or the number itself when there is only one. */
static json_t *json_values(const lehr_prediction *p, int64_t n)
{
    const float *value = p->value + n * p->outputs;
    if (p->outputs == 1)
        return lehr_json_number((double)value[0]);
    json_t *list = json_array();
    for (int32_t k = 0; k < p->outputs; k++)
        json_array_append_new(list, lehr_json_number((double)value[k]));
    return list;
}

static json_t *json_prediction(const answer *a)
{
    const lehr_prediction *p = &a->prediction;
    json_t *object = json_summary(a), *labels = json_array(), *values = json_array();
    for (int64_t n = 0; n < p->count; n++) {
        json_array_append_new(values, json_values(p, n));
        if (p->label != NULL)
            json_array_append_new(labels,
                                  json_string(lehr_model_class_name(a->model, p->label[n])));
    }
    const bool classes = is_classification(a);
    if (classes)
        json_object_set(object, "classes", a->model->classes);
    json_object_set(object, "predictions", classes ? labels : values);
    if (classes)
        json_object_set(object, p->probabilities ? "probabilities" : "scores", values);
    json_decref(labels);
    json_decref(values);
    return object;
}

/* ---- Where it goes --------------------------------------------------------------------------- */

static lehr_status write_file(const char *path, const lehr_text *text)
{
    char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    lehr_dir dir;
    LEHR_CHECK(!text->failed, LEHR_ERR_MEMORY, "out of memory for the predictions");
    LEHR_TRY(lehr_path_split(path, parent, name));
    LEHR_TRY(lehr_dir_open(parent, &dir));
    const lehr_status status = lehr_output_whole_new(&dir, name, text->data, text->length);
    lehr_dir_close(&dir);
    return status;
}

static lehr_status print_summary(const answer *a, bool json)
{
    if (json)
        return lehr_console_json(json_summary(a));
    lehr_text text = {0};
    add_summary(a, &text);
    lehr_text_add(&text, "\n");
    return lehr_console_text(&text);
}

/* The lines go to a file: stdout has the summary. */
static lehr_status save(const answer *a, const char *path, bool json)
{
    lehr_text text = {0};
    add_csv(a, &text);
    const lehr_status status = write_file(path, &text);
    lehr_text_free(&text);
    return status == LEHR_OK ? print_summary(a, json) : status;
}

/* The lines go to stdout: the summary is a note on stderr. */
static lehr_status print(const answer *a, const lehr_options *options)
{
    if (options->given[LEHR_OPTION_JSON])
        return lehr_console_json(json_prediction(a));
    lehr_text text = {0};
    add_csv(a, &text);
    LEHR_TRY(lehr_console_text(&text));
    if (options->given[LEHR_OPTION_QUIET])
        return LEHR_OK;
    add_summary(a, &text);
    if (!text.failed)
        lehr_console_note("%s", text.data);
    lehr_text_free(&text);
    return LEHR_OK;
}

static lehr_status answer_points(const lehr_options *options, answer *a)
{
    char path[LEHR_PATH_MAX];
    LEHR_TRY(lehr_model_path(options->argument[0], path));
    LEHR_TRY(lehr_model_load(path, &a->model));
    LEHR_TRY(lehr_points_read(options->argument[1], a->model, &a->points));
    LEHR_TRY(lehr_predict(a->model, &a->points, &a->prediction));
    a->score = lehr_prediction_score(&a->prediction, &a->points, &a->compared);
    const char *chosen = lehr_option_value(options, LEHR_OPTION_OUTPUT, NULL);
    if (chosen != NULL)
        return save(a, chosen, options->given[LEHR_OPTION_JSON]);
    return print(a, options);
}

static lehr_status predict(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    answer a = {0};
    const lehr_status status = answer_points(options, &a);
    lehr_model_destroy(&a.model);
    lehr_points_free(&a.points);
    lehr_prediction_free(&a.prediction);
    return status;
}

const lehr_command lehr_command_predict = {
    .name = "predict",
    .arguments = "MODEL DATA",
    .help = "a model's answers for the points of a CSV, NPY or IDX file",
    .notes = "MODEL is a run's directory or a safetensors file of one. A CSV file with a header is "
             "read by the names of\n"
             "the model's inputs, everything else by place; one more column is the target, and the "
             "answers are then\n"
             "compared with it. CSV goes to stdout, or with -o to a new file: the class and one "
             "probability or score\n"
             "per class, or the value in the data's units.\n",
    .least = 2,
    .most = 2,
    .options = LEHR_BIT(OUTPUT) | LEHR_BIT(JSON) | LEHR_BIT(QUIET),
    .run = predict,
};
