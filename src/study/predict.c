/* predict.c: a forward pass from the numbers of a file to the words of an answer. */
#include "study/predict.h"

#include <math.h>
#include <string.h>

#include "backend.h"
#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "model/project.h"

enum { BATCH_POINTS = 1024 };

void lehr_prediction_free(lehr_prediction *prediction)
{
    LEHR_FREE(prediction->value);
    LEHR_FREE(prediction->label);
    prediction->count = 0;
}

/* Raw inputs [points,D], standardized. */
static void scale_inputs(const lehr_model *model, const float *raw, int64_t points, float *out)
{
    const int32_t D = lehr_model_inputs(model);
    for (int64_t n = 0; n < points; n++)
        for (int32_t d = 0; d < D; d++)
            out[n * D + d] = (float)(((double)raw[n * D + d] - (double)model->input_mean[d]) /
                                     (double)model->input_scale[d]);
}

/* As lehr_zero_one_point decides. */
static int32_t classify(const float *z, int32_t outputs)
{
    if (outputs == 1)
        return z[0] >= 0.0f;
    float best = -LEHR_INFINITY, arg = 0.0f;
    for (int32_t k = 0; k < outputs; k++) {
        arg = lehr_argmax_step(arg, best, z[k], (float)k);
        best = lehr_max_step(best, z[k]);
    }
    return (int32_t)arg;
}

static void softmax(const float *z, int32_t outputs, float *out)
{
    float best = -LEHR_INFINITY; /* not fmax of doubles: gcc 12 for ARM crashes on that reduction */
    double sum = 0;
    for (int32_t k = 0; k < outputs; k++)
        best = lehr_max_step(best, z[k]);
    for (int32_t k = 0; k < outputs; k++)
        sum += exp((double)z[k] - (double)best);
    for (int32_t k = 0; k < outputs; k++)
        out[k] = (float)(exp((double)z[k] - (double)best) / sum);
}

/* Outputs z[K] of one point into the values that are shown. */
static void convert(const lehr_model *model, const float *z, float *out)
{
    const int32_t K = lehr_model_outputs(model);
    if (model->loss == LEHR_LOSS_CROSS_ENTROPY) {
        softmax(z, K, out);
    } else if (model->loss == LEHR_LOSS_BINARY_CROSS_ENTROPY) {
        out[1] = (float)(1 / (1 + exp(-(double)z[0])));
        out[0] = (float)(1 / (1 + exp((double)z[0])));
    } else {
        for (int32_t k = 0; k < K; k++)
            out[k] = (float)((double)z[k] * (double)model->output_scale[k] +
                             (double)model->output_mean[k]);
    }
}

/* Memory of one batch. */
typedef struct scratch {
    float *input;     /* [BATCH_POINTS,D] standardized */
    float *projected; /* [BATCH_POINTS,C] what the network sees; NULL: the same */
    float *output;    /* [BATCH_POINTS,K] */
} scratch;

/* Raw inputs [points,D] as the network was trained on them: *seen points into the scratch. */
static lehr_status prepare(const lehr_model *model, const float *raw, int64_t points,
                           const scratch *s, const float **seen)
{
    scale_inputs(model, raw, points, s->input);
    *seen = s->input;
    if (model->projection == NULL)
        return LEHR_OK;
    *seen = s->projected;
    return lehr_project_points(s->input, points, model->projection, model->columns,
                               model->network.size[0], s->projected);
}

static lehr_status predict_batch(const lehr_model *model, const lehr_points *points, int64_t first,
                                 const scratch *s, lehr_prediction *out)
{
    const int32_t D = lehr_model_inputs(model), K = lehr_model_outputs(model);
    const int64_t left = points->count - first, count = left < BATCH_POINTS ? left : BATCH_POINTS;
    const float *seen = NULL;
    LEHR_TRY(prepare(model, points->input + first * D, count, s, &seen));
    LEHR_TRY(lehr_forward(&model->network, model->theta, seen, count, s->output));
    for (int64_t n = 0; n < count; n++) {
        const float *z = s->output + n * K;
        convert(model, z, out->value + (first + n) * out->outputs);
        if (out->label != NULL)
            out->label[first + n] = classify(z, K);
    }
    return LEHR_OK;
}

static lehr_status predict_all(const lehr_model *model, const lehr_points *points, const scratch *s,
                               lehr_prediction *out)
{
    for (int64_t first = 0; first < points->count; first += BATCH_POINTS)
        LEHR_TRY(predict_batch(model, points, first, s, out));
    return LEHR_OK;
}

static lehr_status allocate(const lehr_model *model, const lehr_points *points, scratch *s,
                            lehr_prediction *out)
{
    const size_t D = (size_t)lehr_model_inputs(model), K = (size_t)lehr_model_outputs(model);
    size_t values;
    LEHR_CHECK(lehr_size_mul((size_t)points->count, (size_t)out->outputs, &values), LEHR_ERR_MEMORY,
               "too many predictions");
    LEHR_TRY(LEHR_NEW(s->input, BATCH_POINTS * D, "scaled inputs"));
    if (model->projection != NULL)
        LEHR_TRY(LEHR_NEW(s->projected, BATCH_POINTS * (size_t)model->network.size[0],
                          "projected inputs"));
    LEHR_TRY(LEHR_NEW(s->output, BATCH_POINTS * K, "network outputs"));
    LEHR_TRY(LEHR_NEW(out->value, values, "predictions"));
    if (model->task == LEHR_TASK_CLASSIFICATION)
        LEHR_TRY(LEHR_NEW(out->label, (size_t)points->count, "predictions"));
    return LEHR_OK;
}

lehr_status lehr_predict(const lehr_model *model, const lehr_points *points, lehr_prediction *out)
{
    const bool binary = model->loss == LEHR_LOSS_BINARY_CROSS_ENTROPY;
    scratch s = {0};
    lehr_prediction made = {
        .count = points->count,
        .outputs = binary ? 2 : lehr_model_outputs(model),
        .probabilities = binary || model->loss == LEHR_LOSS_CROSS_ENTROPY,
    };
    lehr_status status = allocate(model, points, &s, &made);
    if (status == LEHR_OK)
        status = predict_all(model, points, &s, &made);
    LEHR_FREE(s.input);
    LEHR_FREE(s.projected);
    LEHR_FREE(s.output);
    if (status == LEHR_OK)
        *out = made;
    else
        lehr_prediction_free(&made);
    return status;
}

/* ---- Compared with the truth ----------------------------------------------------------------- */

static double accuracy(const lehr_prediction *prediction, const float *truth, int64_t *compared)
{
    int64_t right = 0;
    for (int64_t n = 0; n < prediction->count; n++) {
        *compared += !isnan(truth[n]);
        right += (float)prediction->label[n] == truth[n];
    }
    return (double)right / (double)*compared;
}

static double mean_truth(const float *truth, int64_t count, int64_t *compared)
{
    double sum = 0;
    for (int64_t n = 0; n < count; n++) {
        *compared += !isnan(truth[n]);
        sum += isnan(truth[n]) ? 0 : (double)truth[n];
    }
    return sum / (double)*compared;
}

static void regression(const lehr_prediction *prediction, const float *truth, int64_t *compared,
                       lehr_score *score)
{
    const double mean = mean_truth(truth, prediction->count, compared);
    double error = 0, spread = 0;
    for (int64_t n = 0; n < prediction->count; n++) {
        if (isnan(truth[n]))
            continue;
        const double y = (double)truth[n], e = (double)prediction->value[n] - y;
        error += e * e;
        spread += (y - mean) * (y - mean);
    }
    score->r2 = spread > 0 ? 1 - error / spread : NAN;
    score->rmse = sqrt(error / (double)*compared);
}

lehr_score lehr_prediction_score(const lehr_prediction *prediction, const lehr_points *points,
                                 int64_t *compared)
{
    lehr_score score = {NAN, NAN, NAN, NAN};
    *compared = 0;
    if (points->truth == NULL)
        return score;
    if (prediction->label != NULL)
        score.accuracy = accuracy(prediction, points->truth, compared);
    else if (prediction->outputs == 1)
        regression(prediction, points->truth, compared, &score);
    return score;
}
