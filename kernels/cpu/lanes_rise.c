/* lanes_rise.c: a row's sorted points after their losses have changed a little. */
#include "cpu/lanes_isa.h"

enum { HALF = LEHR_PANEL / 2 };

#define HALF_LOOP _Pragma("GCC unroll 1") for (int l = 0; l < HALF; l++) /* vectors, not copies */

/* Where up[l] is all ones, the points at x[l] and y[l] trade places; where it is 0, not. */
static void trade(const lehr_u32 *up, float *restrict x, float *restrict y)
{
    HALF_LOOP
    {
        const lehr_u32 a = lehr_bits(x[l]), b = lehr_bits(y[l]), both = (a ^ b) & up[l];
        x[l] = lehr_float(a ^ both);
        y[l] = lehr_float(b ^ both);
    }
}

static void trade_index(const lehr_u32 *up, lehr_u32 *restrict x, lehr_u32 *restrict y)
{
    HALF_LOOP
    {
        const lehr_u32 both = (x[l] ^ y[l]) & up[l];
        x[l] ^= both;
        y[l] ^= both;
    }
}

/* Half panel h of column c among `columns`. */
static float *half_of(float *x, int32_t columns, int64_t h, int32_t c)
{
    return x + (h / 2 * columns + c) * LEHR_PANEL + h % 2 * HALF;
}

void LEHR_ISA_FN(rise)(const lehr_pile *p, float *loss)
{
    for (int64_t h = (p->points - 1) / HALF; h > 0; h--) {
        float *mine = loss + h * HALF, *before = mine - HALF;
        _Alignas(32) lehr_u32 up[HALF];
        HALF_LOOP up[l] = mine[l] > before[l] ? 0xffffffffu : 0u;
        trade(up, mine, before);
        trade_index(up, p->index + h * HALF, p->index + (h - 1) * HALF);
        for (int32_t c = 0; c < p->input_count; c++)
            trade(up, half_of(p->inputs, p->input_count, h, c),
                  half_of(p->inputs, p->input_count, h - 1, c));
        for (int32_t c = 0; c < p->target_count; c++)
            trade(up, half_of(p->targets, p->target_count, h, c),
                  half_of(p->targets, p->target_count, h - 1, c));
    }
}
