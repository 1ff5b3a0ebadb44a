/* progress.h: how far a run is, as numbers and as one line of text. Nothing is printed here. */
#ifndef LEHR_STUDY_PROGRESS_H
#define LEHR_STUDY_PROGRESS_H

#include <stdint.h>

#include "base/text.h"
#include "lehr/run.h"

typedef struct lehr_progress {
    int64_t scan, scans; /* done, and planned (0: not known) */
    double wall_s;       /* spent in the run */
    double left_s;       /* predicted; NaN when not known */
    double scans_per_s, proposals_per_s;
    lehr_observation seen; /* the last observation: scores and acceptances */
} lehr_progress;

/* A number of three digits with k, M, G: "305 k", added to `out`. */
void lehr_text_add_quantity(lehr_text *out, double value);

/* Seconds in words: "50 s", "4 min 10 s", "3 h 5 min", added to `out`. */
void lehr_text_add_time(double seconds, lehr_text *out);

/* Of a run between two slices. */
lehr_progress lehr_progress_of(const lehr_run *run);

/* "scan 1200/20000, 5200 scans/s, ..." added to `out`, without an end of line. */
void lehr_progress_line(const lehr_progress *progress, lehr_text *out);

/* The same behind a bar, at most `columns` wide. */
void lehr_progress_bar(const lehr_progress *progress, int columns, lehr_text *out);

#endif
