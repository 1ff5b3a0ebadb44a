/* Texts, numbers and names: right to the last bit, whatever the locale. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "support/data.h"

static bool parse(const char *text, double *out)
{
    return lehr_parse_double(text, strlen(text), out);
}

/* EXACT: the compiler rounds a literal correctly, and so must we. Both ways through the parser: few
 * digits and small powers, and everything else. */
Test(text, numbers_are_rounded_correctly)
{
#define ROW(number)                                                                                \
    {                                                                                              \
#number, number                                                                            \
    }
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        ROW(0),
        ROW(1),
        ROW(-5),
        ROW(+7),
        ROW(.5),
        ROW(5.),
        ROW(1e-3),
        ROW(1E+3),
        ROW(0.1),
        ROW(-0.0),
        ROW(123456789012345),
        ROW(9007199254740993.0),
        ROW(1e22),
        ROW(1e23),
        ROW(8.5e-22),
        ROW(1e-22),
        ROW(1e-23),
        ROW(179769313486231570e291),
        ROW(1.7976931348623157e308),
        ROW(2.2250738585072014e-308),
        ROW(4.9406564584124654e-324),
        {"1e-400", 0.0},
        ROW(2.4703282292062328e-324),
        ROW(6929495644600919.5),
        ROW(3.4028235677973366e+38),
        ROW(0.000000000000000000000000000001e30),
        ROW(100000000000000000000000000000000000000e-38),
        ROW(2.22507385850720113605740979670913e-308),
    };
#undef ROW
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double got = 99;
        cr_assert(parse(cases[i].text, &got), "%s", cases[i].text);
        cr_assert_eq(memcmp(&got, &cases[i].value, sizeof got), 0, "%s gives %.17g", cases[i].text,
                     got);
    }
}

Test(text, what_is_no_number_is_refused_and_changes_nothing)
{
    static const char *const cases[] = {
        "",
        " ",
        "1 ",
        " 1",
        "+",
        "-",
        ".",
        "e5",
        "1e",
        "1e+",
        "--1",
        "+-1",
        "1..2",
        "1.2.3",
        "0x10",
        "0x1p3",
        "nan",
        "NaN",
        "inf",
        "infinity",
        "1,5",
        "1_0",
        "1e5.0",
        "1f",
        "1e400",
        "-1e309",
        "1.7976931348623159e308",
        "\xd9\xa3",
        "1e99999999999999999999",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double out = 42;
        cr_assert_not(parse(cases[i], &out), "'%s'", cases[i]);
        cr_assert_eq(out, 42.0);
    }
    double out = 42;
    cr_assert_not(lehr_parse_double("1\0", 2, &out));
    cr_assert(lehr_parse_double("12", 1, &out)); /* the length counts, not the end */
    cr_assert_eq(out, 1.0);
}

/* The digit that decides may be the 700th; 1,024 bytes and more are refused. */
Test(text, long_numbers_are_read_whole_or_refused)
{
    char text[1100];
    double got = 0;
    memset(text, '0', sizeof text);
    data_place(text, "9007199254740993."); /* between two doubles: the tie goes to the even one */
    cr_assert(lehr_parse_double(text, 700, &got));
    cr_assert_eq(got, 9007199254740992.0);
    text[699] = '1';
    cr_assert(lehr_parse_double(text, 700, &got));
    cr_assert_eq(got, 9007199254740994.0);
    cr_assert(lehr_parse_double(text, 1023, &got));
    cr_assert_not(lehr_parse_double(text, 1024, &got));
}

/* EXACT against strtod of the C locale, 20,000 random texts. */
Test(text, random_numbers_equal_strtod)
{
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const uint64_t digits = state >> (state >> 58);
        const int power = (int)(state >> 20 & 127) - 64;
        const int length = snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits,
                                    power);
        double got = 0;
        cr_assert(lehr_parse_double(text, (size_t)length, &got));
        cr_assert_eq(got, strtod(text, NULL), "%s", text);
    }
}

Test(text, integers_are_read_to_their_ends)
{
    static const struct {
        const char *text;
        bool is_signed, is_unsigned;
        int64_t value;
        uint64_t natural;
    } cases[] = {
        {"0", true, true, 0, 0},
        {"-0", true, false, 0, 0},
        {"+12", true, true, 12, 12},
        {"-7", true, false, -7, 0},
        {"0007", true, true, 7, 7},
        {"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
        {"-9223372036854775808", true, false, INT64_MIN, 0},
        {"9223372036854775808", false, true, 0, UINT64_C(9223372036854775808)},
        {"-9223372036854775809", false, false, 0, 0},
        {"18446744073709551615", false, true, 0, UINT64_MAX},
        {"18446744073709551616", false, false, 0, 0},
        {"99999999999999999999999", false, false, 0, 0},
        {"", false, false, 0, 0},
        {"+", false, false, 0, 0},
        {"1.0", false, false, 0, 0},
        {"1e3", false, false, 0, 0},
        {"0x1", false, false, 0, 0},
        {" 1", false, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t length = strlen(cases[i].text);
        int64_t value = 99;
        uint64_t natural = 99;
        cr_assert_eq(lehr_parse_int64(cases[i].text, length, &value), cases[i].is_signed);
        cr_assert_eq(value, cases[i].is_signed ? cases[i].value : 99, "%s", cases[i].text);
        cr_assert_eq(lehr_parse_uint64(cases[i].text, length, &natural), cases[i].is_unsigned);
        cr_assert_eq(natural, cases[i].is_unsigned ? cases[i].natural : 99, "%s", cases[i].text);
    }
}

/* Any locale with a decimal comma; without one on this machine the test says nothing new. */
Test(text, no_locale_changes_numbers)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "pt_BR.UTF-8", "de_DE"};
    for (size_t i = 0; i < 4 && setlocale(LC_ALL, names[i]) == NULL; i++)
        continue;
    const char *before = localeconv()->decimal_point;
    char point[8];
    cr_assert(lehr_text_copy(point, sizeof point, before));
    double got = 0;
    cr_assert(parse("1234567890123456789.5e-1", &got)); /* through strtod */
    cr_assert_eq(got, 123456789012345678.95);
    cr_assert_not(parse("1,5", &got));
    lehr_text text = {0};
    lehr_text_add(&text, "%g", 0.5);
    cr_assert_str_eq(text.data, "0.5");
    lehr_text_free(&text);
    lehr_fail(LEHR_ERR_ARG, "%.2f", 1234.5);
    cr_assert_str_eq(lehr_error(), "1234.50");
    cr_assert_str_eq(localeconv()->decimal_point, point);
}

Test(text, a_text_grows_and_ends_with_zero)
{
    lehr_text text = {0};
    for (int i = 0; i < 1000; i++)
        lehr_text_add(&text, "%d,", i % 10);
    lehr_text_add_bytes(&text, "a\0b", 3);
    cr_assert_not(text.failed);
    cr_assert_eq(text.length, 2003);
    cr_assert_eq(memcmp(text.data + 1996, "8,9,a\0b", 8), 0);
    lehr_text_free(&text);
    cr_assert_null(text.data);
    lehr_text_add_bytes(&text, "", 0);
    cr_assert_str_eq(text.data, "");
    lehr_text_free(&text);
}

Test(text, a_text_without_memory_fails_for_good)
{
    lehr_text text = {0};
    lehr_text_add(&text, "kept");
    lehr_memory_fail_at(1);
    lehr_text_add(&text, "%100d", 1);
    cr_assert(text.failed);
    lehr_text_add(&text, "x");
    cr_assert(text.failed);
    cr_assert_str_eq(text.data, "kept");
    lehr_text_free(&text);
}

Test(text, distance_counts_edits)
{
    static const struct {
        const char *a, *b;
        int distance;
    } cases[] = {
        {"", "", 0},        {"", "abc", 3},      {"tanh", "tanh", 0},
        {"tan", "tanh", 1}, {"thna", "tanh", 2}, {"kitten", "sitting", 3},
        {"relu", "", 4},    {"a", "b", 1},       {"source", "soruce", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(lehr_text_distance(cases[i].a, cases[i].b), cases[i].distance, "%s",
                     cases[i].a);
        cr_assert_eq(lehr_text_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    cr_assert(lehr_text_distance(longer, "tanh") > 100);
}

Test(text, copying_needs_room_for_the_end)
{
    char out[4] = "abc";
    cr_assert_not(lehr_text_copy(out, sizeof out, "1234"));
    cr_assert_str_eq(out, "abc");
    cr_assert(lehr_text_copy(out, sizeof out, "123"));
    cr_assert_str_eq(out, "123");
}

Test(text, utf8_is_told_from_what_only_looks_like_it)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc3\xb6", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x94\xa5", 4},
        {"\x80", 0},
        {"\xc0\x80", 0},
        {"\xc3", 0},
        {"\xc3(", 0},
        {"\xe0\x80\x80", 0},
        {"\xed\xa0\x80", 0},
        {"\xe2\x82", 0},
        {"\xf0\x80\x80\x80", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xe2\x82(", 0},
        {"\xf0\x9f\x94", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(lehr_utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].length,
                     "case %zu", i);
    cr_assert_eq(lehr_utf8_length("", 0), 0);
}

Test(text, what_is_shown_is_printable_and_short)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"a\nb\x01", "a\\x0ab\\x01"},
        {"\xff\xc3\xb6", "\\xff\xc3\xb6"},
        {"0123456789abcdef", "012345678..."},
        {"\x01\x02\x03\x04\x05", "\\x01\\x02\\x03..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[16];
        memset(out, '#', sizeof out);
        lehr_text_show(out, sizeof out, cases[i].text, strlen(cases[i].text));
        cr_assert_str_eq(out, cases[i].shown);
    }
}

/* Known answers of FNV-1a (www.isthe.com/chongo/tech/comp/fnv). */
Test(text, the_hash_has_its_known_answers)
{
    cr_assert_eq(lehr_hash(LEHR_HASH_START, "", 0), UINT64_C(0xcbf29ce484222325));
    cr_assert_eq(lehr_hash(LEHR_HASH_START, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    cr_assert_eq(lehr_hash(LEHR_HASH_START, "foobar", 6), UINT64_C(0x85944171f73967e8));
    const uint64_t part = lehr_hash(LEHR_HASH_START, "foo", 3);
    cr_assert_eq(lehr_hash(part, "bar", 3), UINT64_C(0x85944171f73967e8));
}

Test(text, one_is_no_plural)
{
    static const struct {
        int64_t count;
        const char *ending;
    } cases[] = {{0, "s"}, {1, ""}, {2, "s"}, {-1, "s"}, {INT64_C(1) << 32, "s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_str_eq(lehr_plural(cases[i].count), cases[i].ending);
}
