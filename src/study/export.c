/* export.c: folding scaling and projection, and weights as text. With x' = P (x - m)/s,
 * W x' + b = (WP/s) x + b - (WP/s) m. */
#include "study/export.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

static bool is_scaled(const float *mean, const float *scale, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (mean[i] != 0 || scale[i] != 1)
            return true;
    return false;
}

static bool has_scaled_inputs(const lehr_model *model)
{
    return is_scaled(model->input_mean, model->input_scale, lehr_model_inputs(model));
}

static bool has_scaled_outputs(const lehr_model *model)
{
    return is_scaled(model->output_mean, model->output_scale, lehr_model_outputs(model));
}

/* The same layers, the first for the inputs of a point, with biases when `bias` is 1. */
static lehr_status resize(const lehr_model *from, lehr_i32 bias, lehr_network *out)
{
    *out = from->network;
    out->bias = bias;
    out->size[0] = lehr_model_inputs(from);
    for (int32_t l = 0; l < out->layers; l++) {
        const int64_t end = out->offset[l] +
                            (int64_t)out->size[l + 1] * (out->size[l] + (int64_t)bias);
        LEHR_CHECK(end <= INT32_MAX, LEHR_ERR_UNSUPPORTED,
                   "folded there are more than %d parameters", INT32_MAX);
        out->offset[l + 1] = (int32_t)end;
    }
    return LEHR_OK;
}

/* All but the first weights of a projection, which are of another size. */
static void copy_layers(const lehr_model *from, lehr_model *to)
{
    const lehr_network *n = &from->network;
    for (int32_t l = 0; l < n->layers; l++) {
        const size_t high = (size_t)n->size[l + 1], weights = high * (size_t)n->size[l];
        if (l > 0 || from->projection == NULL)
            memcpy(lehr_model_weight(to, l), lehr_model_weight(from, l),
                   weights * sizeof *from->theta);
        if (n->bias)
            memcpy(lehr_model_bias(to, l), lehr_model_bias(from, l), high * sizeof *from->theta);
    }
}

/* Row o of WP [D], or of W where nothing is projected. */
static void project_row(const lehr_model *from, int32_t o, double *row)
{
    const int32_t D = lehr_model_inputs(from), C = from->network.size[0];
    const float *weight = lehr_model_weight(from, 0) + (int64_t)o * C;
    for (int32_t d = 0; d < D; d++)
        row[d] = from->projection == NULL ? (double)weight[d] : 0;
    for (int32_t c = 0; c < C && from->projection != NULL; c++)
        for (int32_t d = 0; d < D; d++)
            row[d] += (double)weight[c] * (double)from->projection[(int64_t)c * D + d];
}

/* Layer 0 of `to`, from what the network of `from` sees. */
static lehr_status fold_inputs(const lehr_model *from, lehr_model *to)
{
    const int32_t D = lehr_model_inputs(from), high = from->network.size[1];
    float *weight = lehr_model_weight(to, 0), *bias = lehr_model_bias(to, 0);
    double *row = NULL;
    LEHR_TRY(LEHR_NEW(row, (size_t)D, "a row of weights"));
    for (int32_t o = 0; o < high; o++) {
        double shift = bias != NULL ? (double)bias[o] : 0;
        project_row(from, o, row);
        for (int32_t d = 0; d < D; d++) {
            const double w = row[d] / (double)from->input_scale[d];
            shift -= w * (double)from->input_mean[d];
            weight[(int64_t)o * D + d] = (float)w;
        }
        if (bias != NULL)
            bias[o] = (float)shift;
    }
    LEHR_FREE(row);
    return LEHR_OK;
}

static void fold_outputs(const lehr_model *from, lehr_model *to)
{
    const int32_t last = from->network.layers - 1, wide = from->network.size[last];
    float *weight = lehr_model_weight(to, last), *bias = lehr_model_bias(to, last);
    for (int32_t k = 0; k < lehr_model_outputs(from); k++) {
        const double scale = (double)from->output_scale[k];
        for (int32_t i = 0; i < wide; i++)
            weight[(int64_t)k * wide + i] = (float)((double)weight[(int64_t)k * wide + i] * scale);
        bias[k] = (float)((double)bias[k] * scale + (double)from->output_mean[k]);
    }
}

/* A scale of 1e-38 can push a weight out of float32. */
static lehr_status check_finite(const lehr_model *model)
{
    for (int32_t i = 0; i < lehr_model_parameters(model); i++)
        LEHR_CHECK(isfinite(model->theta[i]), LEHR_ERR_NUMERIC,
                   "folding the inputs into the weights leaves the range of float32");
    return LEHR_OK;
}

static lehr_status fill_folded(const lehr_model *model, lehr_model *folded)
{
    folded->loss = model->loss;
    folded->task = model->task;
    json_decref(folded->inputs);
    json_decref(folded->classes);
    folded->inputs = json_incref(model->inputs);
    folded->classes = json_incref(model->classes);
    copy_layers(model, folded);
    if (model->projection != NULL || has_scaled_inputs(model))
        LEHR_TRY(fold_inputs(model, folded));
    if (has_scaled_outputs(model))
        fold_outputs(model, folded);
    return check_finite(folded);
}

lehr_status lehr_model_fold(const lehr_model *model, lehr_model **out)
{
    const bool inputs = has_scaled_inputs(model), outputs = has_scaled_outputs(model);
    LEHR_CHECK(
        !outputs || model->network.output == LEHR_ACTIVATION_IDENTITY, LEHR_ERR_UNSUPPORTED,
        "the scaling of the outputs stands behind an activation and cannot go into the weights");

    lehr_network network;
    lehr_model *folded = NULL;
    LEHR_TRY(resize(model, model->network.bias || inputs || outputs, &network));
    LEHR_TRY(lehr_model_empty(&network, &folded));
    const lehr_status status = fill_folded(model, folded);
    if (status == LEHR_OK)
        *out = folded;
    else
        lehr_model_destroy(&folded);
    return status;
}

/* Nine digits are enough for any float32. */
static void add_layer(const lehr_model *model, int32_t layer, lehr_text *text)
{
    const int32_t wide = model->network.size[layer], high = model->network.size[layer + 1];
    const float *weight = lehr_model_weight(model, layer), *bias = lehr_model_bias(model, layer);
    for (int32_t o = 0; o < high; o++)
        for (int32_t i = 0; i < wide; i++)
            lehr_text_add(text, "%d,weight,%d,%d,%.9g\n", layer, o, i,
                          (double)weight[(int64_t)o * wide + i]);
    for (int32_t o = 0; bias != NULL && o < high; o++)
        lehr_text_add(text, "%d,bias,%d,,%.9g\n", layer, o, (double)bias[o]);
}

lehr_status lehr_model_csv(const lehr_model *model, lehr_text *text)
{
    lehr_text_add(text, "layer,kind,output,input,value\n");
    for (int32_t l = 0; l < model->network.layers; l++)
        add_layer(model, l, text);
    LEHR_CHECK(!text->failed, LEHR_ERR_MEMORY, "out of memory for the weights as CSV");
    return LEHR_OK;
}
