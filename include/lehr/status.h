/* status.h: what can go wrong, and the sentence that says so.
 *
 * Every function that can fail returns lehr_status. The sentence with the values is kept per thread and
 * read with lehr_error(). The library never prints, never exits, never reads the environment.
 * A failed call leaves its objects as they were.                                                    */
#ifndef LEHR_STATUS_H
#define LEHR_STATUS_H

#if defined(_WIN32) || !defined(__GNUC__)
#define LEHR_API
#else
#define LEHR_API __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
#define LEHR_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#else
#define LEHR_PRINTF(at, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(SUFFIX, "name", exit code of the program). */
#define LEHR_STATUSES(X)                                                                           \
    X(OK, "ok", 0)                                                                                 \
    X(ERR_ARG, "bad argument or configuration", 2)                                                 \
    X(ERR_DATA, "malformed data", 2)                                                               \
    X(ERR_UNSUPPORTED, "not supported", 2)                                                         \
    X(ERR_MEMORY, "out of memory", 1)                                                              \
    X(ERR_NUMERIC, "numerical failure", 1)                                                         \
    X(ERR_CALLBACK, "a callback failed", 1)                                                        \
    X(ERR_DEVICE, "no usable device", 69)                                                          \
    X(ERR_EXISTS, "output exists or is locked", 73)                                                \
    X(ERR_IO, "input or output failed", 74)

typedef enum lehr_status {
#define X(suffix, name, code) LEHR_##suffix,
    LEHR_STATUSES(X)
#undef X
} lehr_status;

/* Name of a status, "unknown status" when out of range. */
LEHR_API const char *lehr_status_name(lehr_status status);

/* Exit code that the `lehr` program gives for a status. */
LEHR_API int lehr_status_exit_code(lehr_status status);

/* The calling thread's last error sentence; "" when nothing failed yet. Valid until the next failure. */
LEHR_API const char *lehr_error(void);

/* Keep a sentence for lehr_error() and return `status`: for callbacks of a user's own. */
LEHR_API lehr_status lehr_fail(lehr_status status, const char *format, ...) LEHR_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif

#endif
