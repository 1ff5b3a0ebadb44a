/* model_load.c: from the tensors of a file back to a model; everything a file can get wrong is
 * found here. */
#include "study/model.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "lehr/lehr.h"

static const char *const projection_name = "input.projection";

/* ---- Layers ---------------------------------------------------------------------------------- */

static const lehr_tensor *find_layer(const lehr_safetensors *file, int32_t layer, const char *part)
{
    char name[LEHR_NAME_MAX];
    snprintf(name, sizeof name, "layers.%d.%s", layer, part);
    return lehr_safetensors_find(file, name);
}

/* Sizes of layer l from its weights; the layer before it must give what this one takes. */
static lehr_status read_sizes(const lehr_tensor *weight, lehr_network *network)
{
    const int32_t l = network->layers;
    LEHR_CHECK(l < LEHR_LAYERS_MAX, LEHR_ERR_DATA, "more than %d layers", LEHR_LAYERS_MAX);
    LEHR_CHECK(weight->dims == 2, LEHR_ERR_DATA, "tensor '%s' has %d dimensions, expected [out,in]",
               weight->name, weight->dims);
    const int64_t high = weight->shape[0], wide = weight->shape[1];
    LEHR_CHECK(high > 0 && high <= INT32_MAX && wide > 0 && wide <= INT32_MAX, LEHR_ERR_DATA,
               "tensor '%s' of shape [%lld,%lld] is no layer", weight->name, (long long)high,
               (long long)wide);
    LEHR_CHECK(l == 0 || network->size[l] == wide, LEHR_ERR_DATA,
               "tensor '%s' takes %lld inputs, the layer before gives %d", weight->name,
               (long long)wide, network->size[l]);
    network->size[l] = (int32_t)wide;
    network->size[l + 1] = (int32_t)high;
    network->layers++;
    return LEHR_OK;
}

/* Where layer l+1 starts in a row. */
static lehr_status place_layer(int32_t l, lehr_network *network)
{
    const int64_t high = network->size[l + 1], wide = network->size[l];
    const int64_t end = network->offset[l] + high * (wide + network->bias);
    LEHR_CHECK(end <= INT32_MAX, LEHR_ERR_DATA, "more parameters than %d", INT32_MAX);
    network->offset[l + 1] = (int32_t)end;
    return LEHR_OK;
}

/* Biases stand in every layer or in none. */
static lehr_status check_biases(const lehr_safetensors *file, const lehr_network *network)
{
    for (int32_t l = 0; l < network->layers; l++) {
        const lehr_tensor *bias = find_layer(file, l, "bias");
        LEHR_CHECK((bias != NULL) == (network->bias != 0), LEHR_ERR_DATA,
                   "'layers.%d.bias' is %s, unlike that of layer 0", l, bias ? "there" : "missing");
        LEHR_CHECK(bias == NULL || (bias->dims == 1 && bias->shape[0] == network->size[l + 1]),
                   LEHR_ERR_DATA, "tensor '%s' must have shape [%d]", bias->name,
                   network->size[l + 1]);
    }
    return LEHR_OK;
}

static lehr_status read_network(const lehr_safetensors *file, lehr_network *network)
{
    const lehr_tensor *weight;
    while ((weight = find_layer(file, network->layers, "weight")) != NULL)
        LEHR_TRY(read_sizes(weight, network));
    LEHR_CHECK(network->layers > 0, LEHR_ERR_DATA, "no tensor 'layers.0.weight'");

    network->bias = find_layer(file, 0, "bias") != NULL;
    LEHR_TRY(check_biases(file, network));
    for (int32_t l = 0; l < network->layers; l++)
        LEHR_TRY(place_layer(l, network));
    return LEHR_OK;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Copy a float32 tensor into out[count]; only finite numbers. */
static lehr_status read_floats(const lehr_tensor *tensor, int64_t count, float *out)
{
    LEHR_CHECK(tensor->dtype == LEHR_DTYPE_F32, LEHR_ERR_DATA, "tensor '%s' is %s, expected F32",
               tensor->name, lehr_dtype_name(tensor->dtype));
    LEHR_CHECK(tensor->bytes == (size_t)count * sizeof *out, LEHR_ERR_DATA,
               "tensor '%s' holds %zu numbers, expected %lld", tensor->name,
               tensor->bytes / sizeof *out, (long long)count);
    memcpy(out, tensor->data, tensor->bytes);
    for (int64_t i = 0; i < count; i++)
        LEHR_CHECK(isfinite(out[i]), LEHR_ERR_DATA, "tensor '%s': number %lld is not finite",
                   tensor->name, (long long)i);
    return LEHR_OK;
}

static lehr_status read_theta(const lehr_safetensors *file, const lehr_network *network,
                              float *theta)
{
    for (int32_t l = 0; l < network->layers; l++) {
        const int64_t high = network->size[l + 1], count = high * network->size[l];
        float *at = theta + network->offset[l];
        LEHR_TRY(read_floats(find_layer(file, l, "weight"), count, at));
        if (network->bias)
            LEHR_TRY(read_floats(find_layer(file, l, "bias"), high, at + count));
    }
    return LEHR_OK;
}

/* Inputs of a point from the projection's shape; without one they are the network's. */
static lehr_status read_columns(const lehr_tensor *projection, const lehr_network *network,
                                int32_t *columns)
{
    *columns = network->size[0];
    if (projection == NULL)
        return LEHR_OK;
    const bool fits = projection->dims == 2 && projection->shape[0] == network->size[0] &&
                      projection->shape[1] > 0 && projection->shape[1] <= INT32_MAX;
    LEHR_CHECK(fits, LEHR_ERR_DATA, "tensor '%s' must have shape [%d,inputs of a point]",
               projection->name, network->size[0]);
    *columns = (int32_t)projection->shape[1];
    return LEHR_OK;
}

/* A scaling tensor when it is there. */
static lehr_status read_optional(const lehr_safetensors *file, const char *name, int32_t count,
                                 float *out)
{
    const lehr_tensor *tensor = lehr_safetensors_find(file, name);
    return tensor != NULL ? read_floats(tensor, count, out) : LEHR_OK;
}

static lehr_status check_scale(const char *name, const float *scale, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        LEHR_CHECK(scale[i] > 0, LEHR_ERR_DATA,
                   "tensor '%s': number %d is %g, a scale must be positive", name, i,
                   (double)scale[i]);
    return LEHR_OK;
}

static lehr_status read_scaling(const lehr_safetensors *file, lehr_model *model)
{
    const int32_t D = lehr_model_inputs(model), K = lehr_model_outputs(model);
    LEHR_TRY(read_optional(file, "input.mean", D, model->input_mean));
    LEHR_TRY(read_optional(file, "input.scale", D, model->input_scale));
    LEHR_TRY(read_optional(file, "output.mean", K, model->output_mean));
    LEHR_TRY(read_optional(file, "output.scale", K, model->output_scale));
    LEHR_TRY(check_scale("input.scale", model->input_scale, D));
    return check_scale("output.scale", model->output_scale, K);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static lehr_status read_kind(const lehr_safetensors *file, const char *key, lehr_kind_list list,
                             int32_t *out)
{
    const char *name = lehr_safetensors_metadata(file, key);
    LEHR_CHECK(name != NULL, LEHR_ERR_DATA, "no '%s' in __metadata__: not a model of lehr", key);
    if (lehr_kind_find(list, name, out) != LEHR_OK)
        return lehr_fail_prefix(LEHR_ERR_DATA, "__metadata__ '%s': ", key);
    return LEHR_OK;
}

static lehr_status read_kinds(const lehr_safetensors *file, lehr_model *model)
{
    int32_t loss, task;
    LEHR_TRY(read_kind(file, "activation", LEHR_LIST_ACTIVATION, &model->network.activation));
    LEHR_TRY(read_kind(file, "output", LEHR_LIST_ACTIVATION, &model->network.output));
    LEHR_TRY(read_kind(file, "loss", LEHR_LIST_LOSS, &loss));
    LEHR_TRY(read_kind(file, "task", LEHR_LIST_TASK, &task));
    model->loss = (lehr_loss)loss;
    model->task = (lehr_task)task;
    return LEHR_OK;
}

/* Loss, task and number of outputs belong together. */
static lehr_status check_kinds(const lehr_model *model)
{
    const int32_t K = lehr_model_outputs(model);
    const bool classes = lehr_loss_has_classes((lehr_i32)model->loss) != 0;
    LEHR_CHECK(classes == (model->task == LEHR_TASK_CLASSIFICATION), LEHR_ERR_DATA,
               "__metadata__: task and loss do not belong together");
    LEHR_CHECK(model->loss != LEHR_LOSS_BINARY_CROSS_ENTROPY || K == 1, LEHR_ERR_DATA,
               "%d outputs, binary_cross_entropy has 1", K);
    LEHR_CHECK(model->loss != LEHR_LOSS_CROSS_ENTROPY || K > 1, LEHR_ERR_DATA,
               "1 output, cross_entropy has one per class");
    return LEHR_OK;
}

static bool all_strings(const json_t *list)
{
    size_t index;
    json_t *value;
    json_array_foreach((json_t *)list, index, value) if (!json_is_string(value)) return false;
    return json_is_array(list);
}

/* A JSON list of names from the metadata, in place of *names; stays empty when the key is
 * missing. */
static lehr_status read_names(const lehr_safetensors *file, const char *key, json_t **names)
{
    const char *text = lehr_safetensors_metadata(file, key);
    if (text == NULL)
        return LEHR_OK;
    json_t *list = json_loads(text, 0, NULL);
    if (list == NULL || !all_strings(list)) {
        json_decref(list);
        return lehr_fail(LEHR_ERR_DATA, "__metadata__ '%s' is not a JSON list of names", key);
    }
    json_decref(*names);
    *names = list;
    return LEHR_OK;
}

/* As many names as there are inputs; as many classes as the outputs can tell apart. */
static lehr_status check_names(const lehr_model *model)
{
    const int32_t D = lehr_model_inputs(model), K = lehr_model_outputs(model);
    const size_t inputs = json_array_size(model->inputs), classes = json_array_size(model->classes);
    LEHR_CHECK(inputs == 0 || inputs == (size_t)D, LEHR_ERR_DATA,
               "__metadata__ names %zu inputs, the model has %d", inputs, D);
    if (model->task == LEHR_TASK_REGRESSION) {
        LEHR_CHECK(classes == 0, LEHR_ERR_DATA, "__metadata__ names classes of a regression");
        return LEHR_OK;
    }
    LEHR_CHECK(classes == (K == 1 ? 2 : (size_t)K), LEHR_ERR_DATA,
               "__metadata__ names %zu classes, the network has %d outputs", classes, K);
    return LEHR_OK;
}

static lehr_status read_words(const lehr_safetensors *file, lehr_model *model)
{
    LEHR_TRY(read_kinds(file, model));
    LEHR_TRY(check_kinds(model));
    LEHR_TRY(read_names(file, "inputs", &model->inputs));
    LEHR_TRY(read_names(file, "classes", &model->classes));
    return check_names(model);
}

/* ---- Whole files ----------------------------------------------------------------------------- */

static lehr_status fill(const lehr_safetensors *file, lehr_model *model)
{
    const int64_t projected = (int64_t)model->network.size[0] * model->columns;
    LEHR_TRY(read_theta(file, &model->network, model->theta));
    if (model->projection != NULL)
        LEHR_TRY(read_floats(lehr_safetensors_find(file, projection_name), projected,
                             model->projection));
    LEHR_TRY(read_scaling(file, model));
    return read_words(file, model);
}

static lehr_status convert(const lehr_safetensors *file, lehr_model **out)
{
    lehr_network network = {0};
    LEHR_TRY(read_network(file, &network));
    const lehr_tensor *projection = lehr_safetensors_find(file, projection_name);
    int32_t columns = 0;
    LEHR_TRY(read_columns(projection, &network, &columns));
    lehr_model *model = NULL;
    LEHR_TRY(projection != NULL ? lehr_model_empty_projected(&network, columns, &model)
                                : lehr_model_empty(&network, &model));
    const lehr_status status = fill(file, model);
    if (status != LEHR_OK) {
        lehr_model_destroy(&model);
        return status;
    }
    *out = model;
    return LEHR_OK;
}

/* Convert and let the file go. */
static lehr_status finish(const char *label, lehr_safetensors *file, lehr_model **out)
{
    const lehr_status status = convert(file, out);
    lehr_safetensors_destroy(&file);
    return status == LEHR_OK ? LEHR_OK : lehr_fail_prefix(status, "%s: ", label);
}

lehr_status lehr_model_load(const char *path, lehr_model **out)
{
    lehr_safetensors *file = NULL;
    LEHR_TRY(lehr_safetensors_load(path, &file));
    return finish(path, file, out);
}

lehr_status lehr_model_parse(const char *label, const void *bytes, size_t count, lehr_model **out)
{
    lehr_safetensors *file = NULL;
    LEHR_TRY(lehr_safetensors_parse(label, bytes, count, &file));
    return finish(label, file, out);
}

static lehr_status same_layers(const lehr_network *network, const lehr_objective *objective)
{
    const int32_t layers = lehr_objective_layers(objective);
    LEHR_CHECK(network->layers == layers, LEHR_ERR_DATA, "%d layers, the network has %d",
               network->layers, layers);
    for (int32_t l = 0; l < layers; l++) {
        const lehr_layer_info layer = lehr_objective_layer(objective, l);
        LEHR_CHECK(network->size[l] == layer.inputs && network->size[l + 1] == layer.outputs,
                   LEHR_ERR_DATA, "layer %d is [%d,%d], that of the network [%d,%d]", l,
                   network->size[l + 1], network->size[l], layer.outputs, layer.inputs);
        LEHR_CHECK((layer.bias_offset >= 0) == (network->bias != 0), LEHR_ERR_DATA,
                   "the file has %s biases, the network is the other way",
                   network->bias ? "its" : "no");
    }
    return LEHR_OK;
}

static lehr_status read_weights(const lehr_safetensors *file, const lehr_objective *objective,
                                float *theta)
{
    lehr_network network = {0};
    LEHR_TRY(read_network(file, &network));
    LEHR_TRY(same_layers(&network, objective));
    return read_theta(file, &network, theta);
}

lehr_status lehr_model_load_weights(const char *path, const lehr_objective *objective, float *theta)
{
    lehr_safetensors *file = NULL;
    LEHR_TRY(lehr_safetensors_load(path, &file));
    const lehr_status status = read_weights(file, objective, theta);
    lehr_safetensors_destroy(&file);
    return status == LEHR_OK ? LEHR_OK : lehr_fail_prefix(status, "%s: ", path);
}
