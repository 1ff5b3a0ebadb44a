/* temper/ladder.h: checks of temperatures, apart from filling them (lehr/temper.h). */
#ifndef LEHR_TEMPER_LADDER_H
#define LEHR_TEMPER_LADDER_H

#include "lehr/temper.h"

/* Fails with LEHR_ERR_ARG, saying which number is wrong. */
lehr_status lehr_ladder_check(const lehr_ladder_spec *spec);
lehr_status lehr_cooling_check(const lehr_cooling_spec *spec);

#endif
