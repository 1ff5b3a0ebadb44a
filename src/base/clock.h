/* base/clock.h: time that only goes forward, and what people call it. */
#ifndef LEHR_BASE_CLOCK_H
#define LEHR_BASE_CLOCK_H

/* Seconds of the monotonic clock, from an arbitrary start. */
double lehr_clock_s(void);

/* Seconds that the threads of this process have spent on a core: others do not count. */
double lehr_clock_core_s(void);

/* The time of day as "2025-01-31T12:00:00Z", to be shown and never to be compared. */
enum { LEHR_CLOCK_TEXT_BYTES = 32 };
void lehr_clock_text(char out[LEHR_CLOCK_TEXT_BYTES]);

#endif
