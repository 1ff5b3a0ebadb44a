/* model/generator.h: small problems made by formula. */
#ifndef LEHR_MODEL_GENERATOR_H
#define LEHR_MODEL_GENERATOR_H

#include "lehr/objective.h"
#include "model/samples.h"

/* Fill empty samples. The noise is a function of (seed, point) alone; it is added to the inputs
 * of a classification and to the targets of a regression.
 *
 * Fails with LEHR_ERR_ARG on a bad spec or a task that the generator does not have. */
lehr_status lehr_generate(const lehr_generator_spec *spec, lehr_task task, uint64_t seed,
                          lehr_samples *samples);

#endif
