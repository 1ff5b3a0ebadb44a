/* activation.h: activation functions. A NaN passes through each of them.                            */
#ifndef LEHR_CORE_ACTIVATION_H
#define LEHR_CORE_ACTIVATION_H

#include "core/real.h"
#include "lehr/kinds.h"

#define LEHR_LEAK 0.01f /* slope of leaky_relu below 0; Maas, Hannun, Ng 2013 */

LEHR_FN float lehr_relu(float z)
{
    return z < 0.0f ? 0.0f : z;
}

LEHR_FN float lehr_leaky_relu(float z)
{
    return z < 0.0f ? LEHR_LEAK * z : z;
}

LEHR_FN float lehr_step(float z)
{
    return z >= 0.0f ? 1.0f : (z < 0.0f ? 0.0f : z);
}

LEHR_FN float lehr_sign(float z)
{
    return z >= 0.0f ? 1.0f : (z < 0.0f ? -1.0f : z);
}

/* kind: lehr_activation. A constant kind leaves one formula: loops resolve it outside. */
LEHR_FN float lehr_activate(lehr_i32 kind, float z)
{
    switch (kind) {
    case LEHR_ACTIVATION_TANH: return lehr_tanh(z);
    case LEHR_ACTIVATION_SIGMOID: return lehr_sigmoid(z);
    case LEHR_ACTIVATION_RELU: return lehr_relu(z);
    case LEHR_ACTIVATION_LEAKY_RELU: return lehr_leaky_relu(z);
    case LEHR_ACTIVATION_STEP: return lehr_step(z);
    case LEHR_ACTIVATION_SIGN: return lehr_sign(z);
    default: return z;
    }
}

#endif
