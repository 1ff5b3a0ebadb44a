/* base/status.c: error names, exit codes, and the sentence that each thread keeps of its last
 * failure. */
#define _POSIX_C_SOURCE 200809L

#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Room for a path, a place and a sentence; what is longer is cut. */
enum { SENTENCE_BYTES = 2048 };

static _Thread_local char sentence[SENTENCE_BYTES];

const char *lehr_status_name(lehr_status status)
{
    static const char *const names[] = {
#define X(suffix, name, code) name,
        LEHR_STATUSES(X)
#undef X
    };
    const size_t at = (size_t)status;
    return at < sizeof names / sizeof *names ? names[at] : "unknown status";
}

int lehr_status_exit_code(lehr_status status)
{
    static const int codes[] = {
#define X(suffix, name, code) code,
        LEHR_STATUSES(X)
#undef X
    };
    const size_t at = (size_t)status;
    return at < sizeof codes / sizeof *codes ? codes[at] : 1;
}

const char *lehr_error(void)
{
    return sentence;
}

/* The new sentence is formatted aside: its arguments may point into the old one. */
lehr_status lehr_fail(lehr_status status, const char *format, ...)
{
    char next[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    lehr_format(next, sizeof next, format, arguments);
    va_end(arguments);
    memcpy(sentence, next, sizeof next);
    return status;
}

lehr_status lehr_fail_prefix(lehr_status status, const char *format, ...)
{
    char next[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    lehr_format(next, sizeof next, format, arguments);
    va_end(arguments);
    const size_t length = strlen(next);
    const size_t tail = strnlen(sentence, sizeof next - 1 - length);
    memcpy(next + length, sentence, tail);
    next[length + tail] = '\0';
    memcpy(sentence, next, sizeof next);
    return status;
}

/* The one exception to "the library never prints": a bug of ours, just before the process ends. */
void lehr_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "lehr: internal error: %s is false at %s:%d\n", condition, file, line);
    abort();
}
