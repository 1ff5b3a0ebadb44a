/* What must not change a bit: threads, instruction set, point tile, the cutting into slices.
 * EXACT, by state_hash, on a table of cases that touches every kind (support/cases.c); and the
 * hash must see what does change the run. */
#include <criterion/criterion.h>

#include "support/cases.h"

/* The hash of every case driven one way equals the hash driven plainly: one thread, engine's own
 * slices and tile. */
static void expect_same(const parity_way *ways, int32_t count)
{
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        const parity_way straight = {.options = {.threads = 1}};
        const uint64_t expected = parity_hash(&c, &straight);
        for (int32_t w = 0; w < count; w++) {
            const uint64_t hash = parity_hash(&c, &ways[w]);
            cr_expect_eq(hash, expected, "case \"%s\", way %d: %016llx instead of %016llx", c.name,
                         w, (unsigned long long)hash, (unsigned long long)expected);
        }
        parity_close(&c);
    }
}

Test(invariance, threads_do_not_matter)
{
    const parity_way ways[] = {
        {.options = {.threads = 2}}, {.options = {.threads = 3}}, {.options = {.threads = 8}}};
    expect_same(ways, 3);
}

Test(invariance, plain_c_gives_the_same_bits_as_simd)
{
    const parity_way ways[] = {{.options = {.threads = 1, .plain = 1}},
                               {.options = {.threads = 2, .plain = 1}}};
    expect_same(ways, 2);
}

Test(invariance, point_tiles_do_not_matter)
{
    const parity_way ways[] = {{.options = {.threads = 1, .point_tile = 16}},
                               {.options = {.threads = 1, .point_tile = 64}},
                               {.options = {.threads = 1, .point_tile = 512}},
                               {.options = {.threads = 1, .point_tile = 1024, .plain = 1}}};
    expect_same(ways, 4);
}

/* What is kept of a row and how early a proposal is given up, in whatever order of tiles. */
Test(invariance, kept_activations_and_early_rejection_do_not_matter)
{
    const parity_way ways[] = {
        {.options = {.threads = 1, .forget = 1}},
        {.options = {.threads = 1, .whole = 1}},
        {.options = {.threads = 2, .forget = 1, .whole = 1}},
        {.options = {.threads = 1, .memory_bytes = 1}},
        {.options = {.threads = 1, .visit_seed = 3, .point_tile = 16}},
        {.options = {.threads = 2, .visit_seed = 4, .point_tile = 64}},
        {.options = {.threads = 3, .visit_seed = 5, .forget = 1, .point_tile = 32}},
        {.options = {.threads = 8, .visit_seed = 6, .plain = 1}},
        {.options = {.threads = 1, .point_tile = 16}, .slice = 1}};
    expect_same(ways, 9);
}

Test(invariance, slices_do_not_matter)
{
    const parity_way ways[] = {{.options = {.threads = 1}, .slice = 1},
                               {.options = {.threads = 1}, .slice = 3},
                               {.options = {.threads = 2}, .slice = 7},
                               {.options = {.threads = 1}, .cuts = 1},
                               {.options = {.threads = 3}, .cuts = 2}};
    expect_same(ways, 5);
}

/* How often a run is looked at changes `best`, which is chosen by looking, but not the rows. */
Test(invariance, observing_does_not_matter)
{
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        const parity_way way = {.options = {.threads = 1}};
        const uint64_t expected = parity_hash(&c, &way);
        c.spec.observe = 5;
        cr_expect_eq(parity_hash(&c, &way), expected, "case \"%s\"", c.name);
        parity_close(&c);
    }
}

/* The negative control: another seed, a scan less, another exchange period, one bit of one
 * weight. */
Test(invariance, the_hash_sees_other_runs)
{
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        const parity_way way = {.options = {.threads = 1}};
        const uint64_t expected = parity_hash(&c, &way);
        c.spec.seed++;
        cr_expect_neq(parity_hash(&c, &way), expected, "case \"%s\": another seed", c.name);
        c.spec.seed--;
        c.spec.stop.scans--;
        cr_expect_neq(parity_hash(&c, &way), expected, "case \"%s\": one scan less", c.name);
        c.spec.stop.scans++;
        c.spec.exchange.every += 7; /* annealed rows do not swap, and flips have no step to adapt */
        if (c.spec.method == LEHR_METHOD_TEMPERING)
            cr_expect_neq(parity_hash(&c, &way), expected, "case \"%s\": other exchanges", c.name);
        c.spec.exchange.every -= 7;
        cr_expect_eq(parity_hash(&c, &way), expected, "case \"%s\": the same again", c.name);
        parity_close(&c);
    }
}

Test(invariance, the_hash_sees_one_bit)
{
    parity_case c = parity_open(0);
    lehr_run *run = NULL;
    lehr_run_summary before, after;
    cr_assert_eq(lehr_run_create(&c.spec, c.objective, &run), LEHR_OK);
    cr_assert_eq(lehr_run_summarize(run, &before), LEHR_OK);
    uint32_t *bits = (void *)&run->pack->table->theta[3];
    *bits ^= 1;
    cr_assert_eq(lehr_run_summarize(run, &after), LEHR_OK);
    cr_expect_neq(before.state_hash, after.state_hash);
    lehr_run_destroy(&run);
    parity_close(&c);
}
