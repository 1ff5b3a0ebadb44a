/* test_sum.c: core/sum.h against its definition, written down a second time and naively. */
#include "core/sum.h"
#include "support/check.h"
#include "support/stats.h"

#include <criterion/criterion.h>

enum { MOST = 5 * LEHR_CHUNK + 77 };

/* DESIGN's words, element by element. */
static double literal_sum(const float *x, int n)
{
    double total = 0.0;
    for (int chunk = 0; chunk * 1024 < n; chunk++) {
        float lane[256];
        for (int l = 0; l < 256; l++)
            lane[l] = 0.0f;
        for (int i = chunk * 1024; i < n && i < (chunk + 1) * 1024; i++)
            lane[i % 256] = lane[i % 256] + x[i];
        for (int step = 128; step > 0; step = step / 2)
            for (int l = 0; l < 256; l++) /* lanes past `step` hold what nobody reads again */
                lane[l] = l < step ? lane[l] + lane[l + step] : lane[l];
        total = total + (double)lane[0];
    }
    return total;
}

/* EXACT for every length up to five chunks and a bit; then within the error bound of the tree,
 * (3 + 8) roundings of 2^-24, of the sum in long double.                                         */
Test(sum, every_length_follows_the_definition)
{
    static float x[MOST];
    stats_rng rng = {7};
    for (int i = 0; i < MOST; i++)
        x[i] = (float)((stats_uniform(&rng) - 0.5) * exp(10.0 * stats_uniform(&rng)));

    long double right = 0.0L, size = 0.0L;
    for (int n = 0; n <= MOST; n++) {
        const double got = lehr_sum(x, n);
        if (n % 8 == 0 || n % LEHR_LANES < 3 || n % LEHR_LANES > LEHR_LANES - 3)
            cr_assert(check_same64(got, literal_sum(x, n)), "n = %d", n);
        cr_assert(fabsl((long double)got - right) <= 11.0L * 0x1p-24L * size, "n = %d", n);
        if (n < MOST) {
            right += (long double)x[n];
            size += fabsl((long double)x[n]);
        }
    }
}

/* EXACT: chunks can be summed apart; the sum of nothing, and of minus zeros, is +0; NaN stays. */
Test(sum, chunks_can_be_summed_by_anybody)
{
    static float x[MOST];
    for (int i = 0; i < MOST; i++)
        x[i] = 1.0f / (float)(i + 1);
    double total = 0.0;
    for (int c = 0; c < lehr_chunks(MOST); c++) {
        const int left = MOST - c * LEHR_CHUNK;
        total += (double)lehr_sum_chunk(x + c * LEHR_CHUNK, left < LEHR_CHUNK ? left : LEHR_CHUNK);
    }
    cr_expect(check_same64(total, lehr_sum(x, MOST)));
    cr_expect(lehr_chunks(0) == 0 && lehr_chunks(1024) == 1 && lehr_chunks(1025) == 2);
    cr_expect(check_same64(lehr_sum(x, 3000), 0x1.12ae148p+3), "%a", lehr_sum(x, 3000));

    const float zeros[3] = {-0.0f, -0.0f, -0.0f};
    cr_expect(check_same64(lehr_sum(zeros, 3), 0.0) && check_same64(lehr_sum(zeros, 0), 0.0));
    x[700] = NAN;
    cr_expect(isnan(lehr_sum(x, MOST)) && !isnan(lehr_sum(x, 700)));
}

/* EXACT: of every 256 points the first 64, in order; of the rest what there is of them. */
Test(sum, a_quarter_is_the_first_64_of_every_256)
{
    for (int n = 0; n <= 1100; n++) {
        int count = 0;
        for (int i = 0; i < n; i++)
            if (i % 256 < 64)
                cr_assert_eq(lehr_quarter_point(count++), i);
        cr_assert_eq(lehr_quarter_count(n), count, "n = %d", n);
    }
}
