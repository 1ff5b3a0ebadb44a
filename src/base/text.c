/* base/text.c: growing strings, formatting and number parsing that no locale changes.
 *
 * The program around the library may have called setlocale: everything here runs under the C
 * locale of the calling thread alone. */
#define _POSIX_C_SOURCE 200809L

#include "base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    NUMBER_BYTES =
        1024,        /* longest number read: more than the 768 digits that can decide a rounding */
    NAME_BYTES = 256 /* distances look at this much of a name */
};

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The locale to give back to leave_c_locale. */
static locale_t enter_c_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale != (locale_t)0 ? uselocale(c_locale) : (locale_t)0;
}

static void leave_c_locale(locale_t previous)
{
    if (previous != (locale_t)0)
        uselocale(previous);
}

size_t lehr_format(char *out, size_t capacity, const char *format, va_list arguments)
{
    const locale_t previous = enter_c_locale();
    const int length = vsnprintf(out, capacity, format, arguments);
    leave_c_locale(previous);
    if (length < 0 && capacity > 0)
        out[0] = '\0';
    return length < 0 ? 0 : (size_t)length;
}

/* Room for `count` more bytes and the end; false, and failed for good, without memory. */
static bool reserve(lehr_text *text, size_t count)
{
    size_t need = 0;
    if (text->failed || !lehr_size_add(text->length, count, &need) ||
        !lehr_size_add(need, 1, &need)) {
        text->failed = true;
        return false;
    }
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : 2 * capacity;
    void *data = text->data;
    text->failed = lehr_memory_grow(capacity, 1, "a text", &data) != LEHR_OK;
    if (text->failed)
        return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void lehr_text_add_bytes(lehr_text *text, const char *bytes, size_t count)
{
    if (!reserve(text, count))
        return;
    if (count > 0)
        memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void lehr_text_add(lehr_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    const size_t length = lehr_format(NULL, 0, format, arguments);
    if (reserve(text, length)) {
        lehr_format(text->data + text->length, length + 1, format, again);
        text->length += length;
    }
    va_end(again);
    va_end(arguments);
}

void lehr_text_add_number(lehr_text *text, double value)
{
    const size_t start = text->length;
    for (int digits = 15; digits <= 17 && !text->failed; digits++) {
        text->length = start;
        lehr_text_add(text, "%.*g", digits, value);
        double again = 0;
        if (!text->failed && lehr_parse_double(text->data + start, text->length - start, &again) &&
            again == value)
            break;
    }
}

void lehr_text_free(lehr_text *text)
{
    LEHR_FREE(text->data);
    *text = (lehr_text){0};
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* A decimal number taken apart: value = mantissa * 10^exponent when exact. */
typedef struct decimal {
    bool negative;
    bool exact; /* all digits are in the mantissa and the exponent is plain */
    uint64_t mantissa;
    int64_t exponent;
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t sign_length(const char *text, size_t length)
{
    return length > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
}

/* Digits from `at` on, added to the mantissa; returns the first place behind them. */
static size_t take_digits(const char *text, size_t length, size_t at, int64_t weight, decimal *out)
{
    for (; at < length && is_digit(text[at]); at++) {
        const uint64_t digit = (uint64_t)(text[at] - '0');
        if (out->mantissa > (UINT64_MAX - digit) / 10) {
            out->exact = false;
            continue;
        }
        out->mantissa = 10 * out->mantissa + digit;
        out->exponent += weight;
    }
    return at;
}

/* "e-12" at `at`; false when it is no exponent. A large one only clears `exact`. */
static bool take_exponent(const char *text, size_t length, size_t at, decimal *out)
{
    if (at == length)
        return true;
    if (text[at] != 'e' && text[at] != 'E')
        return false;
    at++;
    decimal power = {.exact = true};
    const size_t sign = sign_length(text + at, length - at);
    const bool negative = sign > 0 && text[at] == '-';
    const size_t end = take_digits(text, length, at + sign, 0, &power);
    if (end != length || end == at + sign)
        return false;
    out->exact = out->exact && power.exact && power.mantissa < 1000;
    if (out->exact)
        out->exponent += negative ? -(int64_t)power.mantissa : (int64_t)power.mantissa;
    return true;
}

/* The grammar [+-] digits [. digits] [e [+-] digits], with a digit before or behind the point. */
static bool take_decimal(const char *text, size_t length, decimal *out)
{
    *out = (decimal){.exact = true};
    size_t at = sign_length(text, length);
    out->negative = at > 0 && text[0] == '-';
    const size_t first = at;
    at = take_digits(text, length, at, 0, out);
    size_t digits = at - first;
    if (at < length && text[at] == '.') {
        const size_t point = at + 1;
        at = take_digits(text, length, point, -1, out);
        digits += at - point;
    }
    return digits > 0 && take_exponent(text, length, at, out);
}

/* Correctly rounded without strtod where mantissa and power of ten are both exact doubles
 * (Clinger 1990, doi:10.1145/93542.93557). */
static bool convert_fast(const decimal *number, double *out)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint64_t exact_integers = UINT64_C(1) << 53;
    if (FLT_EVAL_METHOD != 0 || !number->exact || number->mantissa > exact_integers ||
        number->exponent < -22 || number->exponent > 22)
        return false;
    const double mantissa = (double)number->mantissa;
    const double value = number->exponent < 0 ? mantissa / power[-number->exponent]
                                              : mantissa * power[number->exponent];
    *out = number->negative ? -value : value;
    return true;
}

static bool convert_slowly(const char *text, size_t length, double *out)
{
    char copy[NUMBER_BYTES];
    memcpy(copy, text, length);
    copy[length] = '\0';
    const locale_t previous = enter_c_locale();
    const double value = strtod(copy, NULL);
    leave_c_locale(previous);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool lehr_parse_double(const char *text, size_t length, double *out)
{
    decimal number;
    if (length >= NUMBER_BYTES || !take_decimal(text, length, &number))
        return false;
    return convert_fast(&number, out) || convert_slowly(text, length, out);
}

/* Decimal digits only; false on overflow. */
static bool take_integer(const char *text, size_t length, uint64_t *out)
{
    decimal number = {.exact = true};
    if (length == 0 || take_digits(text, length, 0, 0, &number) != length || !number.exact)
        return false;
    *out = number.mantissa;
    return true;
}

bool lehr_parse_uint64(const char *text, size_t length, uint64_t *out)
{
    const size_t sign = sign_length(text, length);
    if (sign > 0 && text[0] == '-')
        return false;
    return take_integer(text + sign, length - sign, out);
}

bool lehr_parse_int64(const char *text, size_t length, int64_t *out)
{
    const size_t sign = sign_length(text, length);
    const bool negative = sign > 0 && text[0] == '-';
    uint64_t size = 0;
    if (!take_integer(text + sign, length - sign, &size))
        return false;
    if (size > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    /* -(size-1)-1 keeps INT64_MIN inside the type on the way. */
    *out = negative && size > 0 ? -(int64_t)(size - 1) - 1 : (int64_t)size;
    return true;
}

const char *lehr_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int least(int a, int b, int c)
{
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein 1966 by one row of Wagner and Fischer 1974, doi:10.1145/321796.321811. */
int lehr_text_distance(const char *a, const char *b)
{
    int row[NAME_BYTES];
    const int rows = (int)strnlen(a, NAME_BYTES - 1), columns = (int)strnlen(b, NAME_BYTES - 1);
    for (int j = 0; j <= columns; j++)
        row[j] = j;
    for (int i = 1; i <= rows; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= columns; j++) {
            const int above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[columns];
}

/* The Unicode Standard, table 3-7: no surrogates, nothing overlong, nothing above U+10FFFF. */
size_t lehr_utf8_length(const char *text, size_t length)
{
    static const struct {
        unsigned char first, last, low, high, bytes;
    } rows[] = {
        {0x00, 0x7f, 0x80, 0xbf, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *byte = (const unsigned char *)text;
    for (size_t r = 0; length > 0 && r < sizeof rows / sizeof *rows; r++) {
        if (byte[0] < rows[r].first || byte[0] > rows[r].last)
            continue;
        if (length < rows[r].bytes ||
            (rows[r].bytes > 1 && (byte[1] < rows[r].low || byte[1] > rows[r].high)))
            return 0;
        for (size_t i = 2; i < rows[r].bytes; i++)
            if (byte[i] < 0x80 || byte[i] > 0xbf)
                return 0;
        return rows[r].bytes;
    }
    return 0;
}

const char *lehr_text_show(char *out, size_t capacity, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    size_t to = 0, at = 0;
    while (at < length && to + 8 <= capacity) { /* room for one character and "..." */
        const unsigned char first = (unsigned char)text[at];
        const size_t bytes = lehr_utf8_length(text + at, length - at);
        if (bytes > 0 && first >= 0x20 && first != 0x7f) {
            memcpy(out + to, text + at, bytes);
            to += bytes;
            at += bytes;
            continue;
        }
        const char escape[4] = {'\\', 'x', hex[first >> 4], hex[first & 15]};
        memcpy(out + to, escape, sizeof escape);
        to += sizeof escape;
        at++;
    }
    memcpy(out + to, at < length ? "..." : "", at < length ? 4 : 1);
    return out;
}

const char *lehr_system_error(int number)
{
    const locale_t previous = enter_c_locale();
    leave_c_locale(previous);
    return c_locale != (locale_t)0 ? strerror_l(number, c_locale) : "unknown system error";
}

bool lehr_text_copy(char *out, size_t capacity, const char *text)
{
    const size_t length = strlen(text);
    if (length >= capacity)
        return false;
    memmove(out, text, length + 1);
    return true;
}

/* Fowler, Noll, Vo: FNV-1a with 64 bits, www.isthe.com/chongo/tech/comp/fnv. */
uint64_t lehr_hash(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}
