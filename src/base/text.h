/* base/text.h: growing strings, exact number parsing, nearest names. Independent of the locale. */
#ifndef LEHR_BASE_TEXT_H
#define LEHR_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lehr/status.h"

/* A growing string; all zero is empty. `failed` keeps an allocation failure until it is asked
 * for. */
typedef struct lehr_text {
    char *data;
    size_t length, capacity;
    bool failed;
} lehr_text;

void lehr_text_add(lehr_text *text, const char *format, ...) LEHR_PRINTF(2, 3);
/* The shortest decimal that reads back as the same double; it must be finite. */
void lehr_text_add_number(lehr_text *text, double value);
void lehr_text_add_bytes(lehr_text *text, const char *bytes, size_t count);
void lehr_text_free(lehr_text *text);

/* vsnprintf under the C locale: what it would have written, without the end. */
size_t lehr_format(char *out, size_t capacity, const char *format, va_list arguments)
    LEHR_PRINTF(3, 0);

/* Whole of text[length] as a number: true only when all of it is used and it is in range.
 * "1e-3", "-5", ".5" are doubles; hex, "nan", "inf", blanks, what overflows and 1024 or more
 * bytes are not. A double is rounded correctly; what is too small becomes 0. */
bool lehr_parse_double(const char *text, size_t length, double *out);
bool lehr_parse_int64(const char *text, size_t length, int64_t *out);
bool lehr_parse_uint64(const char *text, size_t length, uint64_t *out);

/* The ending of a noun behind a number: "1 row", "2 rows". */
const char *lehr_plural(int64_t count);

/* Edit distance, for "did you mean". */
int lehr_text_distance(const char *a, const char *b);

/* Bytes of the UTF-8 character at the start of text[length]; 0 when there is no valid one. */
size_t lehr_utf8_length(const char *text, size_t length);

/* text[length] made safe for an error sentence: what is not printable becomes \xHH, what does
 * not fit "...". Returns out; capacity at least 8. */
const char *lehr_text_show(char *out, size_t capacity, const char *text, size_t length);

/* What the system says about an errno value, in the C locale. */
const char *lehr_system_error(int number);

/* Copy into a fixed array; false when it does not fit (the array is then untouched). */
bool lehr_text_copy(char *out, size_t capacity, const char *text);

/* 64-bit FNV-1a, continued from `hash`; start with LEHR_HASH_START. */
#define LEHR_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t lehr_hash(uint64_t hash, const void *bytes, size_t count);

#endif
