/* model.h: a trained network that stands by itself: weights, scaling, projection, names. It is what
 * best.safetensors holds.
 *
 * Tensors, all float32: layers.L.weight [out,in], layers.L.bias [out], input.mean and
 * input.scale [D], input.projection [C,D], output.mean and output.scale [K]; the network sees
 * projection (x - mean)/scale and gives (y - mean)/scale. Missing scaling means mean 0, scale 1;
 * without a projection C is D and it is left out. __metadata__: activation, output, loss, task,
 * inputs and classes (JSON lists of names), version. */
#ifndef LEHR_STUDY_MODEL_H
#define LEHR_STUDY_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/args.h"
#include "lehr/objective.h"
#include "lehr/status.h"
#include "study/safetensors.h"

struct json_t; /* of jansson */

typedef struct lehr_model {
    lehr_network network;
    lehr_loss loss; /* tells how outputs become a class or a probability */
    lehr_task task;
    float *theta;    /* [P] in the order of a row: layer 0 weights, layer 0 biases, ... */
    int32_t columns; /* D, inputs of a point: the network's own, or more */
    float *input_mean, *input_scale;   /* [D] */
    float *projection;                 /* [C,D], C the inputs of the network; NULL: C = D */
    float *output_mean, *output_scale; /* [K] */
    struct json_t *inputs;             /* names, [D]; empty when unknown */
    struct json_t *classes;            /* names; empty for regression */
} lehr_model;

/* A model with the network of an objective and the scaling, projection and names of its dataset;
 * theta is zero. Fails with LEHR_ERR_DATA when the names are not UTF-8, LEHR_ERR_ARG when it is not a
 * network. */
lehr_status lehr_model_create(const lehr_objective *objective, lehr_model **out);

/* A model of this network without names; theta and means are 0, scales are 1. */
lehr_status lehr_model_empty(const lehr_network *network, lehr_model **out);

/* The same behind a projection of `columns` inputs of a point, which is 0. */
lehr_status lehr_model_empty_projected(const lehr_network *network, int32_t columns,
                                       lehr_model **out);

/* Read a file, or bytes in memory, called `label` in messages. Fails with LEHR_ERR_DATA on
 * anything that is not such a model: sizes that do not fit, numbers that are not finite, a scale
 * that is not positive. */
lehr_status lehr_model_load(const char *path, lehr_model **out);
lehr_status lehr_model_parse(const char *label, const void *bytes, size_t count, lehr_model **out);

/* First weights for an objective from a file's layers.*; other tensors and metadata do not
 * matter. theta[P]. Fails with LEHR_ERR_DATA when the layers are not the objective's. */
lehr_status lehr_model_load_weights(const char *path, const lehr_objective *objective,
                                    float *theta);

void lehr_model_destroy(lehr_model **model);

/* Sizes, names ("" when unknown or out of range). Inputs are those of a point, D. */
int32_t lehr_model_inputs(const lehr_model *model);
int32_t lehr_model_outputs(const lehr_model *model);
int32_t lehr_model_parameters(const lehr_model *model);
int32_t lehr_model_classes(const lehr_model *model); /* 0: regression */
const char *lehr_model_input_name(const lehr_model *model, int32_t index);
const char *lehr_model_class_name(const lehr_model *model, int32_t index);

/* Weights [out,in] of a layer, its biases [out] (NULL without). */
float *lehr_model_weight(const lehr_model *model, int32_t layer);
float *lehr_model_bias(const lehr_model *model, int32_t layer);

/* Can it be written? Fails as lehr_safetensors_header, so that a run knows before its work. */
lehr_status lehr_model_check(const lehr_model *model);

/* Write into a new output, still to be committed. */
lehr_status lehr_model_write(const lehr_model *model, const lehr_dir *dir, const char *name,
                             lehr_output *output);

#endif
