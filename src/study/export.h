/* export.h: a model for other programs. */
#ifndef LEHR_STUDY_EXPORT_H
#define LEHR_STUDY_EXPORT_H

#include "base/text.h"
#include "study/model.h"

/* A model that takes and gives the data's own units: scaling and projection of inputs go into the
 * first layer, which then takes the inputs of a point, that of outputs into the last. A network
 * without biases gets them when it needs them.
 *
 * Fails with LEHR_ERR_UNSUPPORTED when outputs are scaled behind an activation: then no weights
 * do it. */
lehr_status lehr_model_fold(const lehr_model *model, lehr_model **out);

/* All numbers of a model as CSV lines "layer,kind,output,input,value", added to `text`; kind is
 * weight or bias, and a bias has no input. Values read back to the same float32. */
lehr_status lehr_model_csv(const lehr_model *model, lehr_text *text);

#endif
