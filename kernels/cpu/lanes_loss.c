/* lanes_loss.c: losses of a chunk of points. */
#include "core/loss.h"
#include "core/sum.h"
#include "cpu/lanes_isa.h"

/* What every point of a part needs. */
typedef struct judge {
    lehr_i32 loss, outputs;
    lehr_loss_scale scale;
} judge;

/* The points of one tile. */
typedef struct tile_work {
    const float *z; /* [panels,K,16] outputs */
    const float *y; /* [panels,Y,16] targets */
    int64_t panels;
    int32_t target_count; /* Y */
} tile_work;

/* ---- One output: points stand in a row, z[count], y[count] ---------------------------------------- */

#define POINT_LOOP for (int64_t n = 0; n < count; n++)

static void one_regression(const judge *j, const float *z, const float *y, int64_t count,
                           float *loss)
{
    const lehr_loss_scale scale = j->scale;
    switch (j->loss) {
    case LEHR_LOSS_MSE:
        POINT_LOOP loss[n] = lehr_regression_point(LEHR_LOSS_MSE, scale, 1, z + n, y + n, 1);
        break;
    case LEHR_LOSS_MAE:
        POINT_LOOP loss[n] = lehr_regression_point(LEHR_LOSS_MAE, scale, 1, z + n, y + n, 1);
        break;
    case LEHR_LOSS_HUBER:
        POINT_LOOP loss[n] = lehr_regression_point(LEHR_LOSS_HUBER, scale, 1, z + n, y + n, 1);
        break;
    default:
        POINT_LOOP loss[n] = lehr_regression_point(LEHR_LOSS_GAUSSIAN, scale, 1, z + n, y + n, 1);
        break;
    }
}

static void one_output(const judge *j, const float *z, const float *y, int64_t count, float *loss)
{
    switch (j->loss) {
    case LEHR_LOSS_BINARY_CROSS_ENTROPY:
        POINT_LOOP loss[n] = lehr_binary_decay(z[n]);
        POINT_LOOP loss[n] = lehr_binary_end(z[n], y[n], loss[n]);
        break;
    case LEHR_LOSS_HINGE: POINT_LOOP loss[n] = lehr_hinge_one(z[n], y[n]); break;
    case LEHR_LOSS_ZERO_ONE: POINT_LOOP loss[n] = lehr_zero_one_one(z[n], y[n]); break;
    case LEHR_LOSS_CROSS_ENTROPY:
        POINT_LOOP loss[n] = lehr_cross_entropy_point(1, z + n, y[n], 1);
        break;
    default: one_regression(j, z, y, count, loss); break;
    }
}

/* ---- Several outputs: one after the other, over all panels ---------------------------------------- */

/* A chain over outputs would wait for itself if a panel went through all of them; with the panels inside,
 * its next step is far away (cross-entropy of 10 classes: 1.8 times as fast).                       */
#define LANE_LOOP                                                                                  \
    _Pragma("GCC unroll 1") for (int l = 0; l < LEHR_PANEL; l++) /* vectors, not copies */
#define AT (p * LEHR_PANEL + l)

static void set(const tile_work *w, float *x, float value)
{
    for (int64_t p = 0; p < w->panels; p++)
        LANE_LOOP x[AT] = value;
}

/* Output k and target k of a panel. */
static const float *output_of(const judge *j, const tile_work *w, int64_t p, lehr_i32 k)
{
    return w->z + (p * j->outputs + k) * LEHR_PANEL;
}

static const float *target_of(const tile_work *w, int64_t p, lehr_i32 k)
{
    return w->y + (p * w->target_count + k) * LEHR_PANEL;
}

static void regression_step(const judge *j, const float *z, const float *y, float *acc)
{
    switch (j->loss) {
    case LEHR_LOSS_MSE: LANE_LOOP acc[l] = lehr_mse_step(acc[l], z[l], y[l]); break;
    case LEHR_LOSS_MAE: LANE_LOOP acc[l] = lehr_mae_step(acc[l], z[l], y[l]); break;
    case LEHR_LOSS_HUBER:
        LANE_LOOP acc[l] = lehr_huber_step(acc[l], z[l], y[l], j->scale.delta);
        break;
    default:
        LANE_LOOP acc[l] = lehr_gaussian_step(acc[l], z[l], y[l], j->scale.inverse,
                                              j->scale.offset);
        break;
    }
}

static void regression(const judge *j, const tile_work *w, float *restrict loss)
{
    set(w, loss, 0.0f);
    for (lehr_i32 k = 0; k < j->outputs; k++)
        for (int64_t p = 0; p < w->panels; p++)
            regression_step(j, output_of(j, w, p, k), target_of(w, p, k), loss + p * LEHR_PANEL);
    if (j->loss != LEHR_LOSS_GAUSSIAN)
        for (int64_t p = 0; p < w->panels; p++)
            LANE_LOOP loss[AT] = loss[AT] / j->scale.outputs;
}

/* What a chain over classes carries for each point. */
typedef struct chains {
    _Alignas(64) float best[LEHR_CHUNK], own[LEHR_CHUNK], rest[LEHR_CHUNK];
} chains;

static void chains_begin(const tile_work *w, chains *c)
{
    set(w, c->best, -LEHR_INFINITY);
    set(w, c->own, 0.0f);
    set(w, c->rest, 0.0f);
}

static void cross_entropy(const judge *j, const tile_work *w, float *restrict loss)
{
    chains c;
    chains_begin(w, &c);
    for (lehr_i32 k = 0; k < j->outputs; k++)
        for (int64_t p = 0; p < w->panels; p++) {
            const float *z = output_of(j, w, p, k), *y = target_of(w, p, 0);
            float *restrict best = c.best + p * LEHR_PANEL, *restrict own = c.own + p * LEHR_PANEL;
            LANE_LOOP best[l] = lehr_max_step(best[l], z[l]);
            LANE_LOOP own[l] = lehr_pick_step(own[l], z[l], (float)k, y[l]);
        }
    for (lehr_i32 k = 0; k < j->outputs; k++)
        for (int64_t p = 0; p < w->panels; p++) {
            const float *z = output_of(j, w, p, k), *restrict best = c.best + p * LEHR_PANEL;
            float *restrict sum = c.rest + p * LEHR_PANEL;
            LANE_LOOP sum[l] = lehr_exp_sum_step(sum[l], z[l], best[l]);
        }
    for (int64_t p = 0; p < w->panels; p++)
        LANE_LOOP loss[AT] = lehr_cross_entropy_end(c.best[AT], c.rest[AT], c.own[AT]);
}

static void hinge(const judge *j, const tile_work *w, float *restrict loss)
{
    chains c; /* best: the rival, rest: the poison */
    chains_begin(w, &c);
    for (lehr_i32 k = 0; k < j->outputs; k++)
        for (int64_t p = 0; p < w->panels; p++) {
            const float *z = output_of(j, w, p, k), *y = target_of(w, p, 0);
            float *restrict best = c.best + p * LEHR_PANEL, *restrict own = c.own + p * LEHR_PANEL;
            float *restrict poison = c.rest + p * LEHR_PANEL;
            LANE_LOOP best[l] = lehr_rival_step(best[l], z[l], (float)k, y[l]);
            LANE_LOOP own[l] = lehr_pick_step(own[l], z[l], (float)k, y[l]);
            LANE_LOOP poison[l] = lehr_poison_step(poison[l], z[l]);
        }
    for (int64_t p = 0; p < w->panels; p++)
        LANE_LOOP loss[AT] = lehr_hinge_end(c.best[AT], c.own[AT], c.rest[AT]);
}

static void zero_one(const judge *j, const tile_work *w, float *restrict loss)
{
    chains c; /* own: the argmax, rest: the poison */
    chains_begin(w, &c);
    for (lehr_i32 k = 0; k < j->outputs; k++)
        for (int64_t p = 0; p < w->panels; p++) {
            const float *z = output_of(j, w, p, k);
            float *restrict best = c.best + p * LEHR_PANEL, *restrict arg = c.own + p * LEHR_PANEL;
            float *restrict poison = c.rest + p * LEHR_PANEL;
            LANE_LOOP arg[l] = lehr_argmax_step(arg[l], best[l], z[l], (float)k);
            LANE_LOOP best[l] = lehr_max_step(best[l], z[l]);
            LANE_LOOP poison[l] = lehr_poison_step(poison[l], z[l]);
        }
    for (int64_t p = 0; p < w->panels; p++)
        LANE_LOOP loss[AT] = lehr_zero_one_end(c.own[AT], target_of(w, p, 0)[l], c.rest[AT]);
}

/* ---- A tile ------------------------------------------------------------------------------------- */

/* Losses x[panels,16] of a tile; what stands after its last point is not used. */
static void tile_losses(const judge *j, const tile_work *w, float *x)
{
    if (j->outputs == 1) {
        one_output(j, w->z, w->y, w->panels * LEHR_PANEL, x);
        return;
    }
    switch (j->loss) {
    case LEHR_LOSS_CROSS_ENTROPY: cross_entropy(j, w, x); break;
    case LEHR_LOSS_HINGE: hinge(j, w, x); break;
    case LEHR_LOSS_ZERO_ONE: zero_one(j, w, x); break;
    default: regression(j, w, x); break;
    }
}

static tile_work work_on(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass)
{
    const lehr_panels *part = tile->part;
    return (tile_work){
        .z = LEHR_ISA_FN(outputs)(&e->network, tile, pass),
        .y = part->targets + tile->panel * part->target_count * LEHR_PANEL,
        .panels = tile->count,
        .target_count = part->target_count,
    };
}

void LEHR_ISA_FN(losses)(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass,
                         float *x)
{
    const judge j = {e->loss, e->outputs, pass->scale};
    const tile_work w = work_on(e, tile, pass);
    tile_losses(&j, &w, x);
}

/* Right classes: those that the zero-one loss does not count. */
void LEHR_ISA_FN(hits)(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass,
                       float *x)
{
    const judge j = {LEHR_LOSS_ZERO_ONE, e->outputs, pass->scale};
    const tile_work w = work_on(e, tile, pass);
    tile_losses(&j, &w, x);
    for (int64_t n = 0; n < w.panels * LEHR_PANEL; n++)
        x[n] = x[n] == 0.0f ? 1.0f
                            : 0.0f; /* NOLINT(clang-analyzer-core.*): every panel is filled */
}

/* ---- Sums ---------------------------------------------------------------------------------------- */

float LEHR_ISA_FN(sum_chunk)(const float *x, int count)
{
    return lehr_sum_chunk(x, count);
}

/* The sum of whole panels, at least one. Several chains: a proposal's fate waits for it. */
static double sum_panels(const float *x, int count)
{
    double lane[LEHR_PANEL];
    for (int l = 0; l < LEHR_PANEL; l++)
        lane[l] = (double)x[l];
    for (int n = LEHR_PANEL; n < count; n += LEHR_PANEL)
        for (int l = 0; l < LEHR_PANEL; l++)
            lane[l] += (double)x[n + l];
    for (int l = 0; l < 8; l++)
        lane[l] += lane[l + 8];
    for (int l = 0; l < 4; l++)
        lane[l] += lane[l + 4];
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

double LEHR_ISA_FN(sum_some)(const float *x, int count)
{
    int n = count / LEHR_PANEL * LEHR_PANEL;
    double sum = n > 0 ? sum_panels(x, n) : 0.0;
    for (; n < count; n++)
        sum += (double)x[n];
    return sum;
}
