/* predict.h: what a model says about points. */
#ifndef LEHR_STUDY_PREDICT_H
#define LEHR_STUDY_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/run.h"
#include "study/model.h"
#include "study/points.h"

/* All zero is empty. */
typedef struct lehr_prediction {
    int64_t count;      /* N */
    int32_t outputs;    /* columns of value */
    bool probabilities; /* value holds one probability per class; else the network's outputs */
    float *value;       /* [N,outputs]; regression: in the data's units */
    int32_t *label;     /* [N] class number; NULL: regression */
} lehr_prediction;

/* Scale and project the inputs, run the network, and turn its outputs into classes, probabilities or values.
 * Cross-entropies give probabilities. The class is the largest output, the lowest number on a
 * tie; with one output, class 1 when it is not negative: as in training. Fails with
 * LEHR_ERR_MEMORY, LEHR_ERR_DATA on a point that a projection takes out of float32. */
lehr_status lehr_predict(const lehr_model *model, const lehr_points *points, lehr_prediction *out);

void lehr_prediction_free(lehr_prediction *prediction);

/* Accuracy, or r2 and rmse in the data's units, over the *compared points whose truth is known;
 * NaN without. The loss is NaN: it needs settings that a model does not hold. */
lehr_score lehr_prediction_score(const lehr_prediction *prediction, const lehr_points *points,
                                 int64_t *compared);

#endif
