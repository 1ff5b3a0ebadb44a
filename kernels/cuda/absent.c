/* absent.c: the CUDA backend of a build without CUDA: it has no device and says why. */
#include "backend.h"
#include "base/status.h"

static int32_t device_count(const char **reason)
{
    if (reason)
        *reason = "this build has no CUDA backend";
    return 0;
}

static lehr_status supports(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table)
{
    (void)options;
    (void)problem;
    (void)table;
    return lehr_fail(LEHR_ERR_DEVICE, "this build has no CUDA backend");
}

const lehr_backend lehr_backend_cuda = {
    .name = "cuda",
    .device_count = device_count,
    .supports = supports,
};
