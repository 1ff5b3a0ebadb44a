/* signals.h: a signal asks the run to stop; it never stops it by itself. */
#ifndef LEHR_CLI_SIGNALS_H
#define LEHR_CLI_SIGNALS_H

#include <stdbool.h>

#include "lehr/run.h"

/* TERM, INT, USR1, USR2, HUP and XCPU set a flag; a second INT ends the process with 130 at
 * once. CONT, PIPE and XFSZ are ignored, and a HUP that was ignored at the start (nohup) stays
 * so. */
void lehr_signals_install(void);

/* The run that a signal interrupts from now on; NULL: none. A signal that came before interrupts
 * it too. */
void lehr_signals_watch(lehr_run *run);

/* Has one of the signals come? */
bool lehr_signals_seen(void);

#endif
