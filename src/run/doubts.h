/* run/doubts.h: what looks wrong about a run before its first scan: estimates, never a reason to refuse. */
#ifndef LEHR_RUN_DOUBTS_H
#define LEHR_RUN_DOUBTS_H

#include "base/text.h"
#include "lehr/run.h"

/* One line per doubt, no end of line after the last; "" when there is none. */
void lehr_plan_doubts(const lehr_run_spec *spec, const lehr_objective *objective,
                      const lehr_plan *plan, lehr_text *out);

#endif
