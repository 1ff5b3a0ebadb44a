/* model/network.h: from widths to the shape that the kernels know. */
#ifndef LEHR_MODEL_NETWORK_H
#define LEHR_MODEL_NETWORK_H

#include "core/args.h"
#include "lehr/objective.h"

/* Sizes and offsets of a network from `inputs` to `outputs`; out->offset[layers] is P.
 *
 * Fails with LEHR_ERR_ARG on a bad spec, or when P does not fit 31 bits. */
lehr_status lehr_network_shape(const lehr_network_spec *spec, int32_t inputs, int32_t outputs,
                               lehr_network *out);

#endif
