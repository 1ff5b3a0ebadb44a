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
