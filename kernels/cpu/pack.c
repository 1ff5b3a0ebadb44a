/* pack.c: data and activations in panels of 16 points, so that points run along SIMD lanes. */
#include "base/memory.h"
#include "base/status.h"
#include "cpu/cpu.h"

void lehr_pack_points(const float *x, int64_t first, int64_t count, int32_t width, float *out)
{
    const int64_t panels = (count + LEHR_PANEL - 1) / LEHR_PANEL;
    for (int64_t p = 0; p < panels; p++)
        for (int32_t d = 0; d < width; d++)
            for (int64_t l = 0; l < LEHR_PANEL; l++) {
                const int64_t n = p * LEHR_PANEL + l;
                *out++ = n < count ? x[(first + n) * width + d] : 0.0f;
            }
}

void lehr_unpack_points(const float *z, int64_t count, int32_t width, float *out)
{
    for (int64_t n = 0; n < count; n++)
        for (int32_t k = 0; k < width; k++)
            out[n * width + k] = z[(n / LEHR_PANEL * width + k) * LEHR_PANEL + n % LEHR_PANEL];
}

static lehr_status pack(const float *x, int64_t points, int32_t width, float **out)
{
    const size_t panels = ((size_t)points + LEHR_PANEL - 1) / LEHR_PANEL;
    size_t floats;
    LEHR_CHECK(lehr_size_mul(panels * LEHR_PANEL, (size_t)width, &floats), LEHR_ERR_ARG,
               "%lld points of %d columns are too many", (long long)points, width);
    LEHR_TRY(LEHR_NEW(*out, floats, "packed data"));
    lehr_pack_points(x, 0, points, width, *out);
    return LEHR_OK;
}

lehr_status lehr_pack_part(const lehr_part_data *data, int32_t inputs, int32_t targets,
                           float *packed[2], lehr_panels *out)
{
    if (data->points == 0)
        return LEHR_OK;
    LEHR_TRY(pack(data->inputs, data->points, inputs, &packed[0]));
    LEHR_TRY(pack(data->targets, data->points, targets, &packed[1]));
    *out = (lehr_panels){packed[0], packed[1], data->points, targets};
    return LEHR_OK;
}

int64_t lehr_padded(int64_t floats)
{
    return (floats + LEHR_PANEL - 1) / LEHR_PANEL * LEHR_PANEL;
}
