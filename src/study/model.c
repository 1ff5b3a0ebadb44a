/* model.c: making, asking and writing a model. Reading is in model_load.c. */
#include "study/model.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "model/objective.h"

enum { SCALING_TENSORS = 4, PROJECTION_TENSORS = 1, METADATA_PAIRS = 7 };

/* ---- Questions ------------------------------------------------------------------------------- */

int32_t lehr_model_inputs(const lehr_model *model)
{
    return model->columns;
}

int32_t lehr_model_outputs(const lehr_model *model)
{
    return model->network.size[model->network.layers];
}

int32_t lehr_model_parameters(const lehr_model *model)
{
    return model->network.offset[model->network.layers];
}

int32_t lehr_model_classes(const lehr_model *model)
{
    return (int32_t)json_array_size(model->classes);
}

static const char *name_at(const json_t *names, int32_t index)
{
    const char *name = json_string_value(json_array_get(names, (size_t)index));
    return name != NULL ? name : "";
}

const char *lehr_model_input_name(const lehr_model *model, int32_t index)
{
    return name_at(model->inputs, index);
}

const char *lehr_model_class_name(const lehr_model *model, int32_t index)
{
    return name_at(model->classes, index);
}

float *lehr_model_weight(const lehr_model *model, int32_t layer)
{
    return model->theta + model->network.offset[layer];
}

float *lehr_model_bias(const lehr_model *model, int32_t layer)
{
    const lehr_network *n = &model->network;
    if (!n->bias)
        return NULL;
    return lehr_model_weight(model, layer) + (size_t)n->size[layer] * (size_t)n->size[layer + 1];
}

/* ---- Making ---------------------------------------------------------------------------------- */

static void fill_ones(float *values, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        values[i] = 1;
}

static lehr_status allocate_names(lehr_model *model)
{
    model->inputs = json_array();
    model->classes = json_array();
    LEHR_CHECK(model->inputs != NULL && model->classes != NULL, LEHR_ERR_MEMORY,
               "out of memory for the names of a model");
    return LEHR_OK;
}

static lehr_status allocate(lehr_model *model)
{
    const size_t D = (size_t)lehr_model_inputs(model), K = (size_t)lehr_model_outputs(model);
    LEHR_TRY(
        LEHR_NEW(model->theta, (size_t)lehr_model_parameters(model), "the weights of a model"));
    LEHR_TRY(LEHR_NEW(model->input_mean, D, "the input means of a model"));
    LEHR_TRY(LEHR_NEW(model->input_scale, D, "the input scales of a model"));
    LEHR_TRY(LEHR_NEW(model->output_mean, K, "the output means of a model"));
    LEHR_TRY(LEHR_NEW(model->output_scale, K, "the output scales of a model"));
    fill_ones(model->input_scale, (int32_t)D);
    fill_ones(model->output_scale, (int32_t)K);
    return allocate_names(model);
}

lehr_status lehr_model_empty(const lehr_network *network, lehr_model **out)
{
    lehr_model *model = NULL;
    LEHR_TRY(LEHR_NEW(model, 1, "a model"));
    model->network = *network;
    model->columns = network->size[0];
    const lehr_status status = allocate(model);
    if (status != LEHR_OK) {
        lehr_model_destroy(&model);
        return status;
    }
    *out = model;
    return LEHR_OK;
}

static lehr_status allocate_projected(lehr_model *model)
{
    size_t count = 0;
    LEHR_CHECK(lehr_size_mul((size_t)model->columns, (size_t)model->network.size[0], &count),
               LEHR_ERR_MEMORY, "a projection is too large");
    LEHR_TRY(LEHR_NEW(model->projection, count, "the projection of a model"));
    return allocate(model);
}

lehr_status lehr_model_empty_projected(const lehr_network *network, int32_t columns,
                                       lehr_model **out)
{
    lehr_model *model = NULL;
    LEHR_TRY(LEHR_NEW(model, 1, "a model"));
    model->network = *network;
    model->columns = columns;
    const lehr_status status = allocate_projected(model);
    if (status != LEHR_OK) {
        lehr_model_destroy(&model);
        return status;
    }
    *out = model;
    return LEHR_OK;
}

void lehr_model_destroy(lehr_model **model)
{
    if (model == NULL || *model == NULL)
        return;
    lehr_model *m = *model;
    json_decref(m->inputs);
    json_decref(m->classes);
    LEHR_FREE(m->theta);
    LEHR_FREE(m->input_mean);
    LEHR_FREE(m->input_scale);
    LEHR_FREE(m->projection);
    LEHR_FREE(m->output_mean);
    LEHR_FREE(m->output_scale);
    LEHR_FREE(*model);
}

static lehr_status add_names(json_t *list, const char *const *names, int32_t count,
                             const char *what)
{
    for (int32_t i = 0; names != NULL && i < count; i++)
        LEHR_CHECK(json_array_append_new(list, json_string(names[i])) == 0, LEHR_ERR_DATA,
                   "name %d of the %s is not UTF-8 text: '%.40s'", i, what, names[i]);
    return LEHR_OK;
}

static lehr_status describe(lehr_model *model, const lehr_dataset_info *info)
{
    model->task = info->task;
    for (int32_t d = 0; d < info->columns; d++) {
        model->input_mean[d] = (float)info->input_mean[d];
        model->input_scale[d] = (float)info->input_scale[d];
    }
    if (info->projection != NULL)
        memcpy(model->projection, info->projection,
               (size_t)info->inputs * (size_t)info->columns * sizeof *info->projection);
    if (info->task == LEHR_TASK_REGRESSION) {
        for (int32_t k = 0; k < info->targets; k++) {
            model->output_mean[k] = (float)info->target_mean[k];
            model->output_scale[k] = (float)info->target_scale[k];
        }
    }
    LEHR_TRY(add_names(model->inputs, info->input_names, info->columns, "inputs"));
    return add_names(model->classes, info->class_names, info->classes, "classes");
}

lehr_status lehr_model_create(const lehr_objective *objective, lehr_model **out)
{
    const lehr_energy_args *args = &lehr_objective_problem(objective)->args;
    LEHR_CHECK(args->network.layers > 0, LEHR_ERR_ARG, "only a network can be a model");
    const lehr_dataset_info info = lehr_dataset_describe(lehr_objective_dataset(objective));
    lehr_model *model = NULL;
    LEHR_TRY(info.projection != NULL
                 ? lehr_model_empty_projected(&args->network, info.columns, &model)
                 : lehr_model_empty(&args->network, &model));
    model->loss = (lehr_loss)args->loss;
    const lehr_status status = describe(model, &info);
    if (status != LEHR_OK) {
        lehr_model_destroy(&model);
        return status;
    }
    *out = model;
    return LEHR_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A model laid out for a safetensors file. */
typedef struct layout {
    lehr_tensor tensor[2 * LEHR_LAYERS_MAX + SCALING_TENSORS + PROJECTION_TENSORS];
    lehr_pair metadata[METADATA_PAIRS];
    char *inputs, *classes; /* JSON, freed with free() */
    lehr_tensors all;
} layout;

static void add_layers(const lehr_model *model, layout *out)
{
    const lehr_network *n = &model->network;
    char name[LEHR_NAME_MAX];
    for (int32_t l = 0; l < n->layers; l++) {
        const int64_t wide = n->size[l], high = n->size[l + 1];
        snprintf(name, sizeof name, "layers.%d.weight", l);
        out->tensor[out->all.count++] = lehr_tensor_matrix(name, lehr_model_weight(model, l), high,
                                                           wide);
        if (!n->bias)
            continue;
        snprintf(name, sizeof name, "layers.%d.bias", l);
        out->tensor[out->all.count++] = lehr_tensor_vector(name, lehr_model_bias(model, l), high);
    }
}

static void add_scaling(const lehr_model *model, layout *out)
{
    const int32_t D = lehr_model_inputs(model), K = lehr_model_outputs(model);
    lehr_tensor *next = out->tensor + out->all.count;
    next[0] = lehr_tensor_vector("input.mean", model->input_mean, D);
    next[1] = lehr_tensor_vector("input.scale", model->input_scale, D);
    next[2] = lehr_tensor_vector("output.mean", model->output_mean, K);
    next[3] = lehr_tensor_vector("output.scale", model->output_scale, K);
    out->all.count += SCALING_TENSORS;
    if (model->projection != NULL)
        out->tensor[out->all.count++] = lehr_tensor_matrix("input.projection", model->projection,
                                                           model->network.size[0], D);
}

static lehr_status add_metadata(const lehr_model *model, layout *out)
{
    out->inputs = json_dumps(model->inputs, JSON_COMPACT);
    out->classes = json_dumps(model->classes, JSON_COMPACT);
    LEHR_CHECK(out->inputs != NULL && out->classes != NULL, LEHR_ERR_MEMORY,
               "out of memory for the names of a model");
    const lehr_pair pairs[METADATA_PAIRS] = {
        {"activation", lehr_kind_name(LEHR_LIST_ACTIVATION, model->network.activation)},
        {"output", lehr_kind_name(LEHR_LIST_ACTIVATION, model->network.output)},
        {"loss", lehr_kind_name(LEHR_LIST_LOSS, (int32_t)model->loss)},
        {"task", lehr_kind_name(LEHR_LIST_TASK, (int32_t)model->task)},
        {"inputs", out->inputs},
        {"classes", out->classes},
        {"version", lehr_version()},
    };
    memcpy(out->metadata, pairs, sizeof pairs);
    out->all.metadata = out->metadata;
    out->all.metadata_count = METADATA_PAIRS;
    return LEHR_OK;
}

static lehr_status lay_out(const lehr_model *model, layout *out)
{
    out->all.tensor = out->tensor;
    add_layers(model, out);
    add_scaling(model, out);
    return add_metadata(model, out);
}

static lehr_status check_header(const lehr_tensors *tensors)
{
    lehr_text header = {0};
    const lehr_status status = lehr_safetensors_header(tensors, &header);
    lehr_text_free(&header);
    return status;
}

static void drop(layout *out)
{
    free(out->inputs);
    free(out->classes);
}

lehr_status lehr_model_check(const lehr_model *model)
{
    layout parts = {0};
    lehr_status status = lay_out(model, &parts);
    if (status == LEHR_OK)
        status = check_header(&parts.all);
    drop(&parts);
    return status;
}

lehr_status lehr_model_write(const lehr_model *model, const lehr_dir *dir, const char *name,
                             lehr_output *output)
{
    layout parts = {0};
    lehr_status status = lay_out(model, &parts);
    if (status == LEHR_OK)
        status = lehr_safetensors_write(dir, name, &parts.all, output);
    drop(&parts);
    return status;
}
