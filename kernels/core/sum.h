/* sum.h: the one order in which long sums are added.
 *
 * Element n belongs to chunk n/1024 and there to lane n mod 256. A lane starts at +0 and adds its four
 * elements in increasing n, in float; the lanes join as l += l+128, +64, ..., +1; the sums of the
 * chunks are added in chunk order, in double. The order is a definition: blocks of 256 threads, SIMD
 * lanes and single threads all follow it, so a chunk may be summed by anybody and no bit changes.
 *
 * Short sums (classes, outputs) are not made here: they are one chain in index order.              */
#ifndef LEHR_CORE_SUM_H
#define LEHR_CORE_SUM_H

#include "core/real.h"

#define LEHR_CHUNK   1024
#define LEHR_LANES   256
#define LEHR_QUARTER 64 /* of 256 points in a row the first 64 are the quarter */

/* The number of chunks that n elements need. */
LEHR_FN lehr_i64 lehr_chunks(lehr_i64 n)
{
    return (n + LEHR_CHUNK - 1) / LEHR_CHUNK;
}

/* Join the lanes of one chunk, lane[256], into its sum. The lanes are destroyed. */
LEHR_FN float lehr_sum_join(float *lane)
{
    for (int width = LEHR_LANES / 2; width >= 1; width /= 2)
        for (int l = 0; l < width; l++)
            lane[l] += lane[l + width];
    return lane[0];
}

/* The sum of one chunk: of x[count], 0 <= count <= 1024. Missing elements add nothing. */
LEHR_FN float lehr_sum_chunk(const float *x, int count)
{
    float lane[LEHR_LANES];
    for (int l = 0; l < LEHR_LANES; l++)
        lane[l] = 0.0f;
    for (int start = 0; start < count; start += LEHR_LANES) {
        const int left = count - start;
        const int lanes = left < LEHR_LANES ? left : LEHR_LANES;
        for (int l = 0; l < lanes; l++)
            lane[l] += x[start + l];
    }
    return lehr_sum_join(lane);
}

/* Points of the quarter that delayed acceptance looks at first, of n. It is spread over the data, which may
 * stand in any order. */
LEHR_FN lehr_i64 lehr_quarter_count(lehr_i64 n)
{
    const lehr_i64 rest = n % (4 * LEHR_QUARTER);
    return n / (4 * LEHR_QUARTER) * LEHR_QUARTER + (rest < LEHR_QUARTER ? rest : LEHR_QUARTER);
}

/* The point that is number m of the quarter. */
LEHR_FN lehr_i64 lehr_quarter_point(lehr_i64 m)
{
    return m / LEHR_QUARTER * (4 * LEHR_QUARTER) + m % LEHR_QUARTER;
}

/* The sum of x[n]; 0 for n = 0. The reference that every backend equals bit for bit. */
LEHR_FN double lehr_sum(const float *x, lehr_i64 n)
{
    double total = 0.0;
    for (lehr_i64 start = 0; start < n; start += LEHR_CHUNK) {
        const lehr_i64 left = n - start;
        total += (double)lehr_sum_chunk(x + start, left < LEHR_CHUNK ? (int)left : LEHR_CHUNK);
    }
    return total;
}

#endif
