/* The limit of early rejection and the bound of sums in float. EXACT: what they decide is what the whole sum decides. */
#include <criterion/criterion.h>
#include <math.h>

#include "core/early.h"
#include "core/sum.h"
#include "support/stats.h"

/* ---- The limit ---- */

typedef struct proposal {
    lehr_energy_args energy;
    lehr_walk walk;
    lehr_question question;
    lehr_sizes sizes;
    lehr_i64 points;
} proposal;

/* Of any size that a run meets: beta from 1e-3 to 1e12, energies from 1e-3 to 1e6. */
static proposal draw_proposal(stats_rng *rng)
{
    proposal p = {.energy = {.target = LEHR_TARGET_NETWORK,
                             .reduction = stats_uniform(rng) < 0.5f ? LEHR_REDUCTION_MEAN
                                                                    : LEHR_REDUCTION_SUM,
                             .l2 = stats_uniform(rng) < 0.5f ? 1e-3 : 0,
                             .l1 = stats_uniform(rng) < 0.5f ? 2e-3 : 0},
                  .sizes = {100 * stats_uniform(rng), 100 * stats_uniform(rng)},
                  .points = 1 + (lehr_i64)(3000 * stats_uniform(rng))};
    p.walk.energy = pow(10, 9 * stats_uniform(rng) - 3) +
                    lehr_energy_end(&p.energy, 0, p.sizes.squares, p.sizes.sizes);
    p.question = (lehr_question){.beta = pow(10, 15 * stats_uniform(rng) - 3),
                                 .du = stats_normal(rng),
                                 .log_hastings = stats_normal(rng),
                                 .ln_u = log(stats_uniform(rng)),
                                 .outcome = 1};
    return p;
}

/* Would a sum of losses be accepted? */
static int accepts(const proposal *p, double sum)
{
    lehr_question q = p->question;
    q.de = lehr_loss_energy(&p->energy, p->sizes, sum, p->points) - p->walk.energy;
    return lehr_decide(&q).accept;
}

static double limit_of(const proposal *p)
{
    return lehr_loss_limit(&p->walk, &p->energy, p->question, p->sizes, p->points);
}

/* 20,000 proposals: the limit and what is above it are rejected; 1e-5 of the energies below it, and of the change that
 * temperature allows, all is accepted, so that little is lost by rounding.                           */
Test(limit, it_is_rejected_and_all_above_it_and_little_below_it)
{
    stats_rng rng = {3};
    for (int i = 0; i < 20000; i++) {
        const proposal p = draw_proposal(&rng);
        const lehr_question *q = &p.question;
        const double limit = limit_of(&p);
        cr_assert(isfinite(limit), "proposal %d", i);
        cr_assert(!accepts(&p, limit) && !accepts(&p, nextafter(limit, INFINITY)) &&
                      !accepts(&p, limit + fabs(limit)),
                  "proposal %d", i);
        const double scale = p.walk.energy + fabs(q->log_hastings - q->du - q->ln_u) / q->beta;
        const double points = p.energy.reduction == LEHR_REDUCTION_MEAN ? (double)p.points : 1;
        cr_assert(accepts(&p, limit - 1e-5 * scale * points), "proposal %d: limit %g", i, limit);
    }
}

/* Where nothing can be rejected early, nothing is. */
Test(limit, there_is_none_without_a_temperature_or_a_number)
{
    stats_rng rng = {4};
    proposal p = draw_proposal(&rng);
    p.question.beta = 0;
    cr_expect_eq(limit_of(&p), INFINITY);
    p.question.beta = 1e-300;
    cr_expect_eq(limit_of(&p), INFINITY);
    p = draw_proposal(&rng);
    p.question.du = NAN;
    cr_expect_eq(limit_of(&p), INFINITY);
    p = draw_proposal(&rng);
    p.sizes.squares = INFINITY;
    p.energy.l2 = 1;
    cr_expect_eq(limit_of(&p), INFINITY);
}

/* ---- Sums in float ---- */

/* Added backwards, which no backend does, with 24 roundings or fewer on the way of an element. */
static float add_backwards(const float *x, int count)
{
    float lane[64] = {0};
    float sum = 0;
    for (int n = count - 1; n >= 0; n--)
        lane[n % 64] += x[n];
    for (int l = 0; l < 64; l += 8) {
        float some = 0;
        for (int k = 0; k < 8; k++)
            some += lane[l + k];
        sum += some;
    }
    return sum;
}

/* 2,000 chunks of magnitudes near and far: what is seen of them never exceeds the whole, and 1e-5 less it does. */
Test(part, it_exceeds_only_what_the_whole_exceeds)
{
    static float x[LEHR_CHUNK];
    stats_rng rng = {12};
    int above = 0;
    for (int round = 0; round < 2000; round++) {
        const int count = 1 + (int)(stats_uniform(&rng) * LEHR_CHUNK);
        const double spread = round % 3 * 20;
        for (int i = 0; i < count; i++)
            x[i] = (float)exp(spread * (stats_uniform(&rng) - 1));
        const double whole = lehr_sum(x, count);
        const float some = add_backwards(x, count);
        above += (double)some > whole;
        cr_assert(!lehr_part_exceeds(some, (float)whole), "round %d", round);
        cr_assert(lehr_part_exceeds(some, (float)(whole * (1 - 1e-5))), "round %d", round);
    }
    cr_expect_gt(above, 200, "the margin was needed in %d rounds only", above);
}

/* NaN, and what overflows, which is for the whole sum to say. */
Test(part, what_is_no_number_exceeds_nothing)
{
    cr_expect(!lehr_part_exceeds(NAN, 0));
    cr_expect(!lehr_part_exceeds(INFINITY, 0));
    cr_expect(!lehr_part_exceeds(1, NAN));
    cr_expect(!lehr_part_exceeds(1, INFINITY));
    cr_expect(!lehr_part_exceeds(0, 0));
    cr_expect(lehr_part_exceeds(0, -1));
    cr_expect(lehr_part_exceeds(1, -INFINITY));
}
