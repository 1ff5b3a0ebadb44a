/* pruned.h: a trial that a stage has ended while nobody was at work on it: it waited, saved in a crate. */
#ifndef LEHR_STUDY_PRUNED_H
#define LEHR_STUDY_PRUNED_H

#include "study/shelf.h"
#include "study/trials.h"
#include "study/yard.h"

/* What went before of a trial that is to be taken, and that goes on from a scan; -1: it starts over. */
lehr_past lehr_trial_past(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                          int64_t scan);

/* Take it and say so in its directory, with all that was observed of it, which `shelf` is asked for. *taken is false
 * where somebody else was first. */
lehr_status lehr_pruned_end(const lehr_trials *trials, int32_t index, const lehr_trial_look *look,
                            lehr_shelf *shelf, bool *taken);

#endif
