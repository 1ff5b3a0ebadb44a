/* lanes_dense.c: the layers of a network over a tile of points.
 *
 * Activations stand as [panel,width,16]: 16 points side by side, outputs one after the other. A register
 * tile is 4 outputs x 16 points: 8 accumulators of 8 floats, just what hides the latency of an fma; narrow
 * layers take several panels at once. Each output is one chain over the inputs in index order: the
 * definition in core/network.h.
 *
 * Historical note: blocks of 128 to 512 inputs, so that a panel's inputs stay in L1 and accumulators are
 * put down in between, cost 3 to 7 % at 784 and 3,072 inputs: streams from L2 are free on Zen 3.    */
#include <stddef.h>
#include <string.h>

#include "core/activation.h"
#include "core/network.h"
#include "cpu/lanes_isa.h"

enum { WIDEST = 6, AT_ONCE = 4 }; /* outputs and panels of the largest register tiles */

/* Some outputs of a layer over some panels. */
typedef struct block {
    const float *w;            /* [.,inputs] from its first output on */
    const float *bias;         /* of its first output; NULL: without */
    const float *x;            /* [panels,inputs,16] */
    float *y;                  /* [panels,outputs,16] from its first output on */
    ptrdiff_t inputs, outputs; /* of the layer */
} block;

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

enum { HALF = 8 };

/* outs and panels are constants in each caller, so everything below is unrolled and lives in registers;
 * inputs, the block's, is one where they are very few.                                              */
INLINE void multiply(const block *b, const int outs, const int panels, const ptrdiff_t inputs)
{
    __m256 acc[WIDEST][2 * AT_ONCE];
    const ptrdiff_t xs = b->inputs * LEHR_PANEL, ys = b->outputs * LEHR_PANEL;
#pragma GCC unroll 8
    for (int o = 0; o < outs; o++)
#pragma GCC unroll 8
        for (int v = 0; v < 2 * panels; v++)
            acc[o][v] = b->bias ? _mm256_set1_ps(b->bias[o]) : _mm256_setzero_ps();
    const float *w = b->w, *x = b->x;
    for (ptrdiff_t i = 0; i < inputs; i++, w++, x += LEHR_PANEL) {
        __m256 in[2 * AT_ONCE];
#pragma GCC unroll 8
        for (int v = 0; v < 2 * panels; v++)
            in[v] = _mm256_load_ps(x + v / 2 * xs + v % 2 * HALF);
#pragma GCC unroll 8
        for (int o = 0; o < outs; o++) {
            const __m256 weight = _mm256_broadcast_ss(w + o * b->inputs);
#pragma GCC unroll 8
            for (int v = 0; v < 2 * panels; v++)
                acc[o][v] = _mm256_fmadd_ps(weight, in[v], acc[o][v]);
        }
    }
#pragma GCC unroll 8
    for (int o = 0; o < outs; o++)
#pragma GCC unroll 8
        for (int v = 0; v < 2 * panels; v++)
            _mm256_store_ps(b->y + v / 2 * ys + o * LEHR_PANEL + v % 2 * HALF, acc[o][v]);
}

#else

/* One output of one panel. */
INLINE void multiply_one(const float *w, const float *x, float *y, ptrdiff_t inputs, float start)
{
    float acc[LEHR_PANEL];
    for (int l = 0; l < LEHR_PANEL; l++)
        acc[l] = start;
    for (ptrdiff_t i = 0; i < inputs; i++)
        for (int l = 0; l < LEHR_PANEL; l++)
            acc[l] = lehr_fma(w[i], x[i * LEHR_PANEL + l], acc[l]);
    for (int l = 0; l < LEHR_PANEL; l++)
        y[l] = acc[l];
}

INLINE void multiply(const block *b, const int outs, const int panels, const ptrdiff_t inputs)
{
    for (int p = 0; p < panels; p++)
        for (int o = 0; o < outs; o++)
            multiply_one(b->w + o * b->inputs, b->x + p * b->inputs * LEHR_PANEL,
                         b->y + (p * b->outputs + o) * LEHR_PANEL, inputs,
                         b->bias ? b->bias[o] : 0.0f);
}

#endif

/* `outs` outputs of a block over `panels` panels, `at_once` of them in registers. */
INLINE void multiply_panels(block b, const int outs, const int at_once, int panels,
                            const ptrdiff_t inputs)
{
    int p = 0;
    for (; p + at_once <= panels; p += at_once) {
        multiply(&b, outs, at_once, inputs);
        b.x += at_once * b.inputs * LEHR_PANEL;
        b.y += at_once * b.outputs * LEHR_PANEL;
    }
    for (; at_once > 1 && p < panels; p++) {
        multiply(&b, outs, 1, inputs);
        b.x += b.inputs * LEHR_PANEL;
        b.y += b.outputs * LEHR_PANEL;
    }
}

/* The last outputs of a layer, fewer than 8. */
static void multiply_rest(const block *b, ptrdiff_t outs, int panels)
{
    switch (outs) {
    case 1: multiply_panels(*b, 1, 4, panels, b->inputs); break;
    case 2: multiply_panels(*b, 2, 2, panels, b->inputs); break;
    case 3: multiply_panels(*b, 3, 2, panels, b->inputs); break;
    case 5: multiply_panels(*b, 5, 1, panels, b->inputs); break;
    case 6: multiply_panels(*b, 6, 1, panels, b->inputs); break;
    default: break;
    }
}

/* Four outputs. Where inputs are very few their weights stay in registers. */
static void multiply_fours(const block *b, int panels)
{
    switch (b->inputs) {
    case 1: multiply_panels(*b, 4, 1, panels, 1); break;
    case 2: multiply_panels(*b, 4, 1, panels, 2); break;
    default: multiply_panels(*b, 4, 1, panels, b->inputs); break;
    }
}

/* All outputs. Fours reach 97 % of the fma peak of Zen 3 from 16 inputs on; sixes reach 80 %
 * there and catch up at 256, so they and the other widths only serve at the end of a layer.         */
static void multiply_outputs(block b, int panels)
{
    ptrdiff_t left = b.outputs;
    while (left >= 8 || left == 7 || left == 4) {
        multiply_fours(&b, panels);
        b.w += 4 * b.inputs;
        b.y += 4 * LEHR_PANEL;
        b.bias += b.bias ? 4 : 0;
        left -= 4;
    }
    multiply_rest(&b, left, panels);
}

static void activate(lehr_i32 kind, float *z, ptrdiff_t count)
{
    switch (kind) {
#define X(suffix, name, help)                                                                      \
    case LEHR_ACTIVATION_##suffix:                                                                 \
        if (LEHR_ACTIVATION_##suffix != LEHR_ACTIVATION_IDENTITY)                                  \
            for (ptrdiff_t i = 0; i < count; i++)                                                  \
                z[i] = lehr_activate(LEHR_ACTIVATION_##suffix, z[i]);                              \
        break;
        LEHR_ACTIVATIONS(X)
#undef X
    default: break;
    }
}

/* Panels that share one pass over the weights: their inputs fill at most half of a 512 kB L2. */
static int group_panels(ptrdiff_t inputs)
{
    const ptrdiff_t fit = 256 * 1024 / (ptrdiff_t)(LEHR_PANEL * sizeof(float)) / inputs;
    return fit > 1 ? (int)fit : 1;
}

/* One layer over the panels of a tile; x[panels,inputs,16], y[panels,outputs,16]. */
static void run_layer(const lehr_network *n, lehr_i32 layer, const float *theta, block b,
                      int panels)
{
    b.w = theta + n->offset[layer];
    b.bias = n->bias ? theta + lehr_bias_offset(n, layer) : NULL;
    b.inputs = n->size[layer];
    b.outputs = n->size[layer + 1];
    const int group = group_panels(b.inputs);
    for (int p = 0; p < panels; p += group) {
        block part = b;
        part.x += p * b.inputs * LEHR_PANEL;
        part.y += p * b.outputs * LEHR_PANEL;
        multiply_outputs(part, panels - p < group ? panels - p : group);
    }
}

static void take_sums(const lehr_pass *pass, float *column, int panels)
{
    for (int p = 0; p < panels; p++)
        memcpy(column + p * LEHR_PANEL, pass->sums + (ptrdiff_t)p * pass->sums_step,
               LEHR_PANEL * sizeof *column);
}

/* The outputs of one unit of a layer into a column of its own, which then trades places with the column among
 * the layer's activations. b: the layer's input and activations. */
static void run_unit(const lehr_network *n, const lehr_pass *pass, block b, float *column,
                     int panels)
{
    const lehr_i32 layer = pass->touch.layer, unit = pass->touch.unit, width = n->size[layer + 1];
    const block one = {.w = pass->theta + n->offset[layer] + unit * n->size[layer],
                       .bias = n->bias ? pass->theta + lehr_bias_offset(n, layer) + unit : NULL,
                       .x = b.x,
                       .y = column,
                       .inputs = n->size[layer],
                       .outputs = 1};
    if (pass->sums)
        take_sums(pass, column, panels);
    else
        multiply_outputs(one, panels);
    activate(lehr_layer_activation(n, layer), column, (ptrdiff_t)panels * LEHR_PANEL);
    for (int p = 0; p < panels; p++) {
        float *restrict mine = column + p * LEHR_PANEL;
        float *restrict there = b.y + ((ptrdiff_t)p * width + unit) * LEHR_PANEL;
        for (int l = 0; l < LEHR_PANEL; l++) {
            const float old = there[l];
            there[l] = mine[l];
            mine[l] = old;
        }
    }
}

/* Rows are the outputs of one layer here: a panel is read once for four of them. */
void LEHR_ISA_FN(units)(const lehr_units *units, const lehr_tile *tile)
{
    const ptrdiff_t inputs = units->inputs;
    const block b = {.w = units->weights,
                     .bias = units->bias,
                     .x = tile->part->inputs + tile->panel * inputs * LEHR_PANEL,
                     .y = units->sums,
                     .inputs = inputs,
                     .outputs = units->rows};
    multiply_outputs(b, tile->count);
}

const float *LEHR_ISA_FN(outputs)(const lehr_network *network, const lehr_tile *tile,
                                  const lehr_pass *pass)
{
    const lehr_i32 first = pass->touch.layer;
    const ptrdiff_t at = (tile->panel - pass->first) * LEHR_PANEL, count = tile->count;
    block b = {.x = first > 0 ? pass->act[first - 1] + at * network->size[first]
                              : tile->part->inputs + tile->panel * network->size[0] * LEHR_PANEL};
    for (lehr_i32 layer = first; layer < network->layers; layer++) {
        const lehr_i32 width = network->size[layer + 1];
        b.y = pass->act[layer] + at * width;
        if (layer == first && pass->touch.unit >= 0) {
            run_unit(network, pass, b, pass->column + at, tile->count);
        } else {
            run_layer(network, layer, pass->theta, b, tile->count);
            activate(lehr_layer_activation(network, layer), b.y, count * width * LEHR_PANEL);
        }
        b.x = b.y;
    }
    return b.x;
}
