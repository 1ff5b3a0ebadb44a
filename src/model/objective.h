/* model/objective.h: what the run module needs to know of an objective.
 *
 * Everything here only reads; pointers live as long as the objective (and, for a network, its
 * dataset). */
#ifndef LEHR_MODEL_OBJECTIVE_H
#define LEHR_MODEL_OBJECTIVE_H

#include <stdint.h>

#include "backend.h"
#include "lehr/objective.h"

/* What a backend evaluates: formulas, sizes and data. */
const lehr_problem *lehr_objective_problem(const lehr_objective *objective);

/* Real, binary or ternary parameters. */
lehr_weights lehr_objective_weights(const lehr_objective *objective);

/* Standard deviation of the first value of a parameter, 0 <= parameter < P; 0: it starts at
 * zero. `auto` is 1/sqrt(inputs of the parameter's layer) in a network, biases too, and 1
 * elsewhere. */
double lehr_objective_init_scale(const lehr_objective *objective, int32_t parameter);

/* The data of a network objective; NULL for test targets and callbacks. */
const lehr_dataset *lehr_objective_dataset(const lehr_objective *objective);

#endif
