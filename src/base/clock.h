/* base/clock.h: time that only goes forward. */
#ifndef LEHR_BASE_CLOCK_H
#define LEHR_BASE_CLOCK_H

/* Seconds of the monotonic clock, from an arbitrary start. */
double lehr_clock_s(void);

#endif
