/* Proposals of every instruction set against the scalar definitions of core/rng.h and core/proposal.h. EXACT. */
#include <criterion/criterion.h>
#include <string.h>

#include "cpu/lanes.h"

enum { P = 700 };

static const lehr_stream stream = {0x123456789abcdef0ull, (77ull << 32) + 5, 9};

/* theta' of the parameter at a place of a proposal. */
static float expected(const lehr_proposal *p, float theta, float sigma, lehr_i32 place)
{
    float z[4];
    lehr_noise4(p->kind, p->nu, stream, lehr_noise_block((lehr_u32)place), z);
    return lehr_perturb(theta, sigma, z[lehr_noise_word((lehr_u32)place)]);
}

/* Places [from,to) of a proposal are written, and nothing else. */
static void check(const lehr_lanes *lanes, const lehr_proposal *p, int from, int to)
{
    float theta[P], proposed[P], right[P];
    for (int i = 0; i < P; i++)
        theta[i] = (float)i * 0.01f - 2.0f;
    memset(proposed, 0x55, sizeof proposed);
    memcpy(right, proposed, sizeof right);
    for (int j = from; j < to; j++) {
        const lehr_i32 i = lehr_parameter_at(p, j);
        right[i] = expected(p, theta[i], 0.3f, j);
    }
    lehr_draft d = {.proposal = p,
                    .address = stream,
                    .sigma = 0.3f,
                    .from = from,
                    .to = to,
                    .theta = theta,
                    .proposed = proposed};
    cr_assert_eq(lanes->propose(&d), 0.0);
    for (int i = 0; i < P; i++)
        cr_assert_eq(memcmp(&right[i], &proposed[i], sizeof *right), 0,
                     "%s: kind %d, spans of %d, %d, %d, places [%d,%d), parameter %d", lanes->name,
                     p->kind, p->a.count, p->b.count, p->c.count, from, to, i);
}

static lehr_proposal proposal_of(int kind, lehr_span a, lehr_span b, lehr_span c)
{
    return (lehr_proposal){
        .kind = kind, .count = a.count + b.count + c.count, .a = a, .b = b, .c = c, .nu = 2.5f};
}

static const lehr_span empty = {0, 0, 1};

Test(noise, dense_moves_equal_the_definition)
{
    static const struct {
        lehr_span a, b, c;
    } cases[] = {
        {{0, P, 1}, {0, 0, 1}, {0, 0, 1}},       {{0, 1, 1}, {0, 0, 1}, {0, 0, 1}},
        {{0, 127, 1}, {0, 0, 1}, {0, 0, 1}},     {{0, 128, 1}, {0, 0, 1}, {0, 0, 1}},
        {{31, 129, 1}, {0, 0, 1}, {0, 0, 1}},    {{699, 1, 1}, {0, 0, 1}, {0, 0, 1}},
        {{20, 5, 1}, {40, 1, 1}, {50, 3, 7}},    {{20, 127, 1}, {200, 1, 1}, {210, 40, 12}},
        {{20, 128, 1}, {200, 1, 1}, {0, 0, 1}},  {{0, 0, 1}, {0, 0, 1}, {3, 130, 5}},
        {{0, 200, 1}, {0, 0, 1}, {201, 150, 3}},
    };
    for (int plain = 0; plain < 2; plain++)
        for (int kind = LEHR_MOVE_GAUSSIAN; kind <= LEHR_MOVE_UNIFORM; kind++)
            for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const lehr_proposal p = proposal_of(kind, cases[i].a, cases[i].b, cases[i].c);
                check(lehr_lanes_choose(plain), &p, 0, p.count);
            }
}

/* Pieces, as threads make them, begin anywhere in a group or in a span. */
Test(noise, pieces_of_a_move_equal_the_definition)
{
    static const int ends[][2] = {{0, 1},     {1, 128},   {127, 129}, {128, 256},
                                  {100, 350}, {180, 182}, {349, 350}, {350, 350}};
    const lehr_proposal whole = proposal_of(LEHR_MOVE_GAUSSIAN, (lehr_span){0, P, 1}, empty, empty);
    const lehr_proposal unit = proposal_of(LEHR_MOVE_STUDENT_T, (lehr_span){0, 180, 1},
                                           (lehr_span){190, 1, 1}, (lehr_span){200, 169, 2});
    for (int plain = 0; plain < 2; plain++)
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            check(lehr_lanes_choose(plain), &whole, ends[i][0], ends[i][1]);
            check(lehr_lanes_choose(plain), &unit, ends[i][0], ends[i][1]);
        }
}

Test(noise, picks_equal_the_definition)
{
    for (int plain = 0; plain < 2; plain++)
        for (int kind = 0; kind < LEHR_MOVE_COUNT; kind++) {
            lehr_proposal p = proposal_of(kind, (lehr_span){10, 6, 1}, (lehr_span){20, 1, 1},
                                          (lehr_span){33, 4, 9});
            p.picks = 64;
            float theta[P], right[P];
            double log_hastings = 0;
            for (int i = 0; i < P; i++)
                theta[i] = right[i] = kind == LEHR_MOVE_FLIP ? (float)(i % 3 - 1) : 0.5f;
            lehr_draft d = {.proposal = &p,
                            .weights = LEHR_WEIGHTS_TERNARY,
                            .address = stream,
                            .sigma = 0.1f,
                            .theta = theta,
                            .proposed = theta};
            const double got = lehr_lanes_choose(plain)->propose(&d);
            for (int j = 0; j < p.picks; j++) {
                const lehr_words words = lehr_draw(stream.key, (lehr_u32)j, stream.scan, stream.row,
                                                   LEHR_DOMAIN_PROPOSAL);
                const int place = (int)lehr_index(words.w[0], 11);
                const int i = place < 6 ? 10 + place : place == 6 ? 20 : 33 + 9 * (place - 7);
                right[i] = lehr_pick_value(&p, LEHR_WEIGHTS_TERNARY, right[i], 0.1f, words,
                                           &log_hastings);
                cr_assert_eq(d.picked[j], i);
            }
            cr_assert_eq(memcmp(theta, right, sizeof right), 0, "kind %d", kind);
            cr_assert_eq(got, log_hastings);
            cr_assert_eq(log_hastings != 0, kind == LEHR_MOVE_LOG_SCALE);
        }
}

static void check_same(const lehr_question *p, const lehr_question *q)
{
    const lehr_decision a = lehr_lanes_choose(0)->decide(p), b = lehr_lanes_choose(1)->decide(q);
    cr_assert_eq(memcmp(&p->ln_u, &q->ln_u, sizeof p->ln_u), 0);
    cr_assert_eq(memcmp(&p->beta, &q->beta, sizeof p->beta), 0);
    cr_assert_eq(memcmp(&a.alpha, &b.alpha, sizeof a.alpha), 0);
    cr_assert(a.accept == b.accept && a.finite == b.finite);
}

Test(noise, decisions_are_the_same_on_every_set)
{
    for (lehr_u64 scan = 0; scan < 200; scan++) {
        lehr_group g = {.cooling = LEHR_COOLING_GEOMETRIC,
                        .cooling_scans = 150,
                        .scheduled = 1,
                        .outcomes = scan % 2 == 1,
                        .start = 3,
                        .end = 0.01};
        g.move[1] = (lehr_move_args){.scheduled = 1, .log_from = -1, .log_slope = -0.03};
        const lehr_walk w = {.energy = 1, .prior = 2, .sigma = {0.125f}};
        const lehr_stream a = {1, scan, 3};
        const lehr_energies e = {0.5 + 0.01 * (double)scan, 2.1};
        const lehr_question p = lehr_lanes_choose(0)->question(&w, &g, a, -0.05, e),
                            q = lehr_lanes_choose(1)->question(&w, &g, a, -0.05, e),
                            r = lehr_walk_question(&w, &g, a, -0.05, e);
        check_same(&p, &q);
        check_same(&p, &r);
        for (int move = 0; move < 2; move++) {
            const float x = lehr_lanes_choose(0)->step(&w, &g, move, scan),
                        y = lehr_lanes_choose(1)->step(&w, &g, move, scan);
            cr_assert_eq(memcmp(&x, &y, sizeof x), 0);
            cr_assert(move == 1 || x == 0.125f);
        }
    }
}
