/* A row's points in an order of its own (kernels/cpu/lanes_rise.c, sorted.c). */
#include "cpu/cpu_world.h"
#include "cpu/lanes.h"

enum { POINTS = 200, PADDED = 208, INPUTS = 3, TARGETS = 2 };

typedef struct shelf {
    _Alignas(64) float inputs[PADDED * INPUTS];
    _Alignas(64) float targets[PADDED * TARGETS], loss[PADDED];
    lehr_u32 index[PADDED];
} shelf;

/* What stands in column c of point n. */
static float *at(float *x, int columns, int n, int c)
{
    return x + (n / LEHR_PANEL * columns + c) * LEHR_PANEL + n % LEHR_PANEL;
}

/* Every column of a point tells its number, so that points which are torn apart show. */
static void fill(shelf *s)
{
    for (int n = 0; n < PADDED; n++) {
        const float u = lehr_uniform(lehr_draw(5, (lehr_u32)n, 0, 0, 0).w[0]);
        s->index[n] = (lehr_u32)n;
        s->loss[n] = n < POINTS ? u * u * u : -1.0f;
        for (int c = 0; c < INPUTS; c++)
            *at(s->inputs, INPUTS, n, c) = (float)(10 * n + c);
        for (int c = 0; c < TARGETS; c++)
            *at(s->targets, TARGETS, n, c) = (float)(-10 * n - c);
    }
}

static void check_whole(shelf *s, const shelf *first)
{
    int seen[PADDED] = {0};
    for (int n = 0; n < PADDED; n++) {
        const int m = (int)s->index[n];
        cr_assert_lt(m, PADDED);
        cr_assert_eq(seen[m]++, 0, "point %d stands twice", m);
        cr_assert_eq(n >= POINTS, m >= POINTS, "padding at %d came from %d", n, m);
        cr_assert_eq(s->loss[n], first->loss[m]);
        for (int c = 0; c < INPUTS; c++)
            cr_assert_eq(*at(s->inputs, INPUTS, n, c), (float)(10 * m + c));
        for (int c = 0; c < TARGETS; c++)
            cr_assert_eq(*at(s->targets, TARGETS, n, c), (float)(-10 * m - c));
    }
}

/* One pass brings the largest of every lane to the front; 25 half panels are in order after 24 of them. */
static void check_rise(const lehr_lanes *lanes)
{
    static shelf s, first;
    fill(&s), fill(&first);
    const lehr_pile pile = {s.inputs, s.targets, s.index, INPUTS, TARGETS, POINTS};
    for (int pass = 0; pass < 24; pass++) {
        lanes->rise(&pile, s.loss);
        check_whole(&s, &first);
        for (int n = 8; n < POINTS && pass == 0; n++)
            cr_assert_geq(s.loss[n % 8], s.loss[n], "lane %d", n % 8);
    }
    for (int n = 8; n < POINTS; n++)
        cr_assert_geq(s.loss[n - 8], s.loss[n], "point %d", n);
}

Test(sorted, points_rise_as_wholes)
{
    check_rise(lehr_lanes_choose(0));
    check_rise(lehr_lanes_choose(1));
}

/* Long enough for every row to be sorted anew several times (after 32 acceptances). EXACT. */
Test(sorted, long_runs_equal_those_in_full)
{
    const world_spec spec = {.layers = 2,
                             .size = {2, 7, 1},
                             .activation = LEHR_ACTIVATION_TANH,
                             .loss = LEHR_LOSS_BINARY_CROSS_ENTROPY,
                             .points = 333,
                             .rungs = 3,
                             .outcomes = 1,
                             .adapt_scans = 300,
                             .moves = 1,
                             .move = {{.kind = LEHR_MOVE_GAUSSIAN, .adapt = 1, .target = 0.3}}};
    world full = world_create(spec), early = world_create(spec);
    world_run(&full, (lehr_backend_options){.threads = 1, .whole = 1}, 600, 600);
    world_run(&early, (lehr_backend_options){.threads = 2}, 600, 77);
    cr_assert_null(world_difference(&full.table, &early.table), "%s differs",
                   world_difference(&full.table, &early.table));
    for (int row = 0; row < 3; row++)
        cr_assert_gt(early.table.accepts[row], 100, "row %d", row);
    world_destroy(&full);
    world_destroy(&early);
}
