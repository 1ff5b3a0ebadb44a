/* base/clock.h: time that only goes forward. */
#ifndef LEHR_BASE_CLOCK_H
#define LEHR_BASE_CLOCK_H

/* Seconds of the monotonic clock, from an arbitrary start. */
double lehr_clock_s(void);

/* Seconds that the threads of this process have spent on a core: others do not count. */
double lehr_clock_core_s(void);

#endif
