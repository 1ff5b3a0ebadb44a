/* signals.h: a signal asks a run to save itself and leave; it never stops it by itself. */
#ifndef LEHR_CLI_SIGNALS_H
#define LEHR_CLI_SIGNALS_H

#include <stdbool.h>

/* TERM, INT, USR1, USR2, HUP and XCPU set a flag; a second INT ends the process with 130 at
 * once. CONT, PIPE and XFSZ are ignored, and a HUP that was ignored at the start (nohup) stays
 * so. */
void lehr_signals_install(void);

/* Has one of the signals come? The loop asks between slices. */
bool lehr_signals_seen(void);

#endif
