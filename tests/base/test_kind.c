/* The lists of kinds: every name there and back, and help for a name that is nearly right. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "lehr/lehr.h"

Test(kind, every_name_of_every_list_finds_its_value)
{
    int32_t all = 0;
    for (int list = 0; list < LEHR_LIST_COUNT; list++) {
        const int32_t count = lehr_kind_count((lehr_kind_list)list);
        cr_assert(count > 0 && lehr_kind_list_name((lehr_kind_list)list) != NULL);
        for (int32_t i = 0; i < count; i++, all++) {
            int32_t value = -1;
            const char *name = lehr_kind_name((lehr_kind_list)list, i);
            cr_assert_eq(lehr_kind_find((lehr_kind_list)list, name, &value), LEHR_OK);
            cr_assert_eq(value, i, "%s", name);
            cr_assert(strlen(lehr_kind_help((lehr_kind_list)list, i)) > 0);
        }
    }
    cr_assert(all > 50);
}

Test(kind, values_stand_where_the_enums_say)
{
    cr_assert_str_eq(lehr_kind_name(LEHR_LIST_ACTIVATION, LEHR_ACTIVATION_LEAKY_RELU),
                     "leaky_relu");
    cr_assert_str_eq(lehr_kind_name(LEHR_LIST_LOSS, LEHR_LOSS_ZERO_ONE), "zero_one");
    cr_assert_str_eq(lehr_kind_name(LEHR_LIST_STOP, LEHR_STOP_SIGNAL), "signal");
    cr_assert_str_eq(lehr_kind_list_name(LEHR_LIST_GENERATOR), "generator");
    cr_assert_eq(lehr_kind_count(LEHR_LIST_ACTIVATION), LEHR_ACTIVATION_COUNT);
}

Test(kind, what_is_out_of_range_has_no_name)
{
    cr_assert_null(lehr_kind_name(LEHR_LIST_LOSS, -1));
    cr_assert_null(lehr_kind_name(LEHR_LIST_LOSS, LEHR_LOSS_COUNT));
    cr_assert_null(lehr_kind_help(LEHR_LIST_LOSS, LEHR_LOSS_COUNT));
    cr_assert_null(lehr_kind_list_name(LEHR_LIST_COUNT));
    cr_assert_eq(lehr_kind_count(LEHR_LIST_COUNT), 0);
    cr_assert_eq(lehr_kind_count((lehr_kind_list)-1), 0);
}

Test(kind, an_unknown_name_is_told_the_nearest)
{
    static const struct {
        lehr_kind_list list;
        const char *name, *sentence;
    } cases[] = {
        {LEHR_LIST_ACTIVATION, "tan", "unknown activation 'tan': the nearest is 'tanh'"},
        {LEHR_LIST_ACTIVATION, "leakyrelu", "the nearest is 'leaky_relu'"},
        {LEHR_LIST_LOSS, "crossentropy", "the nearest is 'cross_entropy'"},
        {LEHR_LIST_LADDER, "", "unknown ladder ''"},
        {LEHR_LIST_LOSS, NULL, "without a list and a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t value = 77;
        cr_assert_eq(lehr_kind_find(cases[i].list, cases[i].name, &value), LEHR_ERR_ARG);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "%s", lehr_error());
        cr_assert_eq(value, 77);
    }
}

Test(clock, time_goes_forward)
{
    const double start = lehr_clock_s();
    double now = start;
    for (int i = 0; i < 1000; i++) {
        const double next = lehr_clock_s();
        cr_assert(next >= now);
        now = next;
    }
    cr_assert(now - start < 60.0);
}
