/* progress.h: how far a run is, on stderr: a bar that moves on a terminal, else a plain line
 * every 30 s. */
#ifndef LEHR_CLI_PROGRESS_H
#define LEHR_CLI_PROGRESS_H

#include <stdbool.h>

#include "study/progress.h"

typedef struct lehr_screen {
    bool quiet, terminal;
    double next_s; /* when something is shown again, by lehr_clock_s */
    int shown;     /* columns that the bar has now */
} lehr_screen;

lehr_screen lehr_screen_open(bool quiet);

/* Show how far a run is, when it is time to. */
void lehr_screen_look(lehr_screen *screen, const lehr_progress *progress);

/* The same for any line, which is freed: is it time, and show it. */
bool lehr_screen_due(lehr_screen *screen);
void lehr_screen_line(lehr_screen *screen, lehr_text *line);

/* Leave the line of the bar, so that what comes next has its own. */
void lehr_screen_close(lehr_screen *screen);

#endif
