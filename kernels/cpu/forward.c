/* forward.c: network outputs for inputs as they come, for predictions. Tile by tile, one thread; the
 * same bits as inside a run. */
#include "base/memory.h"
#include "base/status.h"
#include "cpu/cpu.h"

enum { TILE = 64 };

/* What one call works with. */
typedef struct forward {
    const lehr_network *network;
    const float *theta, *inputs;
    float *packed; /* [TILE/16,D,16] */
    lehr_scratch scratch;
} forward;

static void forward_tile(const forward *f, int64_t first, int64_t count, float *outputs)
{
    const lehr_i32 inputs = f->network->size[0], width = f->network->size[f->network->layers];
    const int32_t panels = (int32_t)((count + LEHR_PANEL - 1) / LEHR_PANEL);
    lehr_pack_points(f->inputs, first, count, inputs, f->packed);
    const lehr_panels part = {.inputs = f->packed, .points = count};
    const lehr_tile tile = {&part, 0, panels};
    const lehr_pass pass = {.theta = f->theta, .touch = {0, -1}, .act = f->scratch.swing};
    const float *z = lehr_lanes_choose(0)->outputs(f->network, &tile, &pass);
    lehr_unpack_points(z, count, width, outputs + first * width);
}

static lehr_status forward_all(forward *f, int64_t points, float *outputs)
{
    const size_t inputs = (size_t)f->network->size[0];
    LEHR_TRY(LEHR_NEW(f->packed, TILE * inputs, "packed inputs"));
    LEHR_TRY(lehr_scratch_create(f->network, TILE / LEHR_PANEL, &f->scratch));
    const fenv_t callers = lehr_fp_enter();
    for (int64_t first = 0; first < points; first += TILE)
        forward_tile(f, first, points - first < TILE ? points - first : TILE, outputs);
    lehr_fp_leave(&callers);
    return LEHR_OK;
}

lehr_status lehr_forward(const lehr_network *network, const float *theta, const float *inputs,
                         int64_t points, float *outputs)
{
    forward f = {.network = network, .theta = theta, .inputs = inputs};
    const lehr_status status = forward_all(&f, points, outputs);
    LEHR_FREE(f.packed);
    lehr_scratch_destroy(&f.scratch);
    return status;
}
