/* model/network.c: shapes of dense networks. What they compute is core/network.h's. */
#include "model/network.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "lehr/lehr.h"

static lehr_status check(const lehr_network_spec *spec)
{
    LEHR_CHECK(spec->hidden_count >= 0 && spec->hidden_count <= LEHR_LAYERS_MAX - 1, LEHR_ERR_ARG,
               "a network has 0 to %d hidden layers, got %d", LEHR_LAYERS_MAX - 1,
               spec->hidden_count);
    for (int32_t l = 0; l < spec->hidden_count; l++)
        LEHR_CHECK(spec->hidden[l] >= 1, LEHR_ERR_ARG,
                   "hidden layer %d needs at least 1 unit, got %d", l, spec->hidden[l]);
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_ACTIVATION, (int32_t)spec->activation) != NULL,
               LEHR_ERR_ARG, "there is no activation number %d", (int)spec->activation);
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_ACTIVATION, (int32_t)spec->output) != NULL, LEHR_ERR_ARG,
               "there is no output activation number %d", (int)spec->output);
    return LEHR_OK;
}

/* Where the layer after one of in x out begins; false beyond 31 bits. */
static bool next_offset(int32_t offset, int32_t in, int32_t out, bool bias, int32_t *next)
{
    int32_t weights = 0;
    if (__builtin_mul_overflow(in, out, &weights) || __builtin_add_overflow(offset, weights, next))
        return false;
    return !bias || !__builtin_add_overflow(*next, out, next);
}

lehr_status lehr_network_shape(const lehr_network_spec *spec, int32_t inputs, int32_t outputs,
                               lehr_network *out)
{
    LEHR_TRY(check(spec));
    lehr_network shape = {.layers = spec->hidden_count + 1,
                          .bias = spec->bias,
                          .activation = (lehr_i32)spec->activation,
                          .output = (lehr_i32)spec->output};
    shape.size[0] = inputs;
    for (int32_t l = 0; l < shape.layers; l++) {
        shape.size[l + 1] = l < spec->hidden_count ? spec->hidden[l] : outputs;
        LEHR_CHECK(next_offset(shape.offset[l], shape.size[l], shape.size[l + 1], spec->bias,
                               &shape.offset[l + 1]),
                   LEHR_ERR_ARG, "layer %d of %d x %d weights makes more than %d parameters", l,
                   shape.size[l], shape.size[l + 1], INT32_MAX);
    }
    *out = shape;
    return LEHR_OK;
}
