/* base/clock.c: the monotonic clock and the one of the process. */
#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"

#include <time.h>

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double lehr_clock_s(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double lehr_clock_core_s(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void lehr_clock_text(char out[LEHR_CLOCK_TEXT_BYTES])
{
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL ||
        strftime(out, LEHR_CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        out[0] = '\0';
}
