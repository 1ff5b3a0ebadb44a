/* base/status.h: the checks behind lehr_status, for the inside of the library. */
#ifndef LEHR_BASE_STATUS_H
#define LEHR_BASE_STATUS_H

#include "lehr/status.h"

/* Pass a failure up. */
#define LEHR_TRY(call)                                                                             \
    do {                                                                                           \
        const lehr_status lehr_try_ = (call);                                                      \
        if (lehr_try_ != LEHR_OK)                                                                  \
            return lehr_try_;                                                                      \
    } while (0)

/* What a user can get wrong: always on. Returns the status itself, so that compilers and
 * analyzers see that a failed check is no success. */
#define LEHR_CHECK(condition, status, ...)                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            const lehr_status lehr_check_ = (status);                                              \
            (void)lehr_fail(lehr_check_, __VA_ARGS__);                                             \
            return lehr_check_;                                                                    \
        }                                                                                          \
    } while (0)

/* What only we can get wrong: always on too, and ends the process with its place. */
#define LEHR_ASSERT(condition)                                                                     \
    ((condition) ? (void)0 : lehr_assert_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn)) void lehr_assert_failed(const char *condition, const char *file,
                                                  int line);

/* Put words before the last error sentence of this thread ("data.csv: " + sentence); returns
 * status. */
lehr_status lehr_fail_prefix(lehr_status status, const char *format, ...) LEHR_PRINTF(2, 3);

#endif
