/* Proposals of every instruction set against the scalar definitions of core/rng.h and core/proposal.h. EXACT. */
#include <criterion/criterion.h>
#include <string.h>

#include "cpu/lanes.h"

enum { P = 700 };

static const lehr_stream stream = {0x123456789abcdef0ull, (77ull << 32) + 5, 9};

static float expected(const lehr_proposal *p, float theta, float sigma, lehr_i32 i)
{
    float z[4];
    lehr_noise4(p->kind, p->nu, stream, lehr_noise_block((lehr_u32)i), z);
    return lehr_perturb(theta, sigma, z[lehr_noise_word((lehr_u32)i)]);
}

static void check(const lehr_lanes *lanes, lehr_proposal p)
{
    float theta[P], proposed[P];
    for (int i = 0; i < P; i++)
        theta[i] = (float)i * 0.01f - 2.0f;
    memset(proposed, 0x55, sizeof proposed);
    float untouched;
    memcpy(&untouched, proposed, sizeof untouched);
    cr_assert_eq(lanes->propose(&p, LEHR_WEIGHTS_REAL, stream, 0.3f, theta, proposed), 0.0);
    for (int i = 0; i < P; i++) {
        const float right = i >= p.lo && i < p.hi ? expected(&p, theta[i], 0.3f, i) : untouched;
        cr_assert_eq(memcmp(&right, &proposed[i], sizeof right), 0,
                     "%s: kind %d, [%d,%d), parameter %d", lanes->name, p.kind, p.lo, p.hi, i);
    }
}

Test(noise, dense_moves_equal_the_definition)
{
    static const struct {
        int lo, hi;
    } ranges[] = {
        {0, P},   {0, 1},     {0, 127},   {0, 128},   {0, 129},
        {31, 33}, {127, 129}, {130, 250}, {128, 256}, {699, 700},
    };
    for (int plain = 0; plain < 2; plain++)
        for (int kind = LEHR_MOVE_GAUSSIAN; kind <= LEHR_MOVE_UNIFORM; kind++)
            for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
                check(lehr_lanes_choose(plain),
                      (lehr_proposal){
                          .kind = kind, .lo = ranges[r].lo, .hi = ranges[r].hi, .nu = 2.5f});
}

Test(noise, picks_equal_the_definition)
{
    for (int plain = 0; plain < 2; plain++)
        for (int kind = 0; kind < LEHR_MOVE_COUNT; kind++) {
            const lehr_proposal p = {.kind = kind, .picks = 64, .lo = 10, .hi = 20, .nu = 2.5f};
            float theta[P], right[P];
            double log_hastings = 0;
            for (int i = 0; i < P; i++)
                theta[i] = right[i] = kind == LEHR_MOVE_FLIP ? (float)(i % 3 - 1) : 0.5f;
            for (int j = 0; j < p.picks; j++) {
                const lehr_words words = lehr_draw(stream.key, (lehr_u32)j, stream.scan, stream.row,
                                                   LEHR_DOMAIN_PROPOSAL);
                const lehr_i32 i = 10 + (lehr_i32)lehr_index(words.w[0], 10);
                right[i] = lehr_pick_value(&p, LEHR_WEIGHTS_TERNARY, right[i], 0.1f, words,
                                           &log_hastings);
            }
            const double got = lehr_lanes_choose(plain)->propose(&p, LEHR_WEIGHTS_TERNARY, stream,
                                                                 0.1f, theta, theta);
            cr_assert_eq(memcmp(theta, right, sizeof right), 0, "kind %d", kind);
            cr_assert_eq(got, log_hastings);
            cr_assert_eq(log_hastings != 0, kind == LEHR_MOVE_LOG_SCALE);
        }
}

Test(noise, decisions_are_the_same_on_every_set)
{
    for (lehr_u64 scan = 0; scan < 200; scan++) {
        const lehr_question q = {2.0, -0.5 + 0.01 * (double)scan, 0.1, -0.05, {1, scan, 3}};
        const lehr_decision a = lehr_lanes_choose(0)->decide(&q),
                            b = lehr_lanes_choose(1)->decide(&q);
        cr_assert_eq(memcmp(&a.alpha, &b.alpha, sizeof a.alpha), 0);
        cr_assert(a.accept == b.accept && a.finite == b.finite);
        lehr_group g = {
            .cooling = LEHR_COOLING_GEOMETRIC, .cooling_scans = 150, .start = 3, .end = 0.01};
        const double x = lehr_lanes_choose(0)->cooling_beta(&g, scan),
                     y = lehr_lanes_choose(1)->cooling_beta(&g, scan);
        cr_assert_eq(memcmp(&x, &y, sizeof x), 0);
    }
}
