/* temper/exchange.h: what mean rejections say about a ladder. For reports: nothing here decides a move. */
#ifndef LEHR_TEMPER_EXCHANGE_H
#define LEHR_TEMPER_EXCHANGE_H

#include <stdint.h>

#include "lehr/kinds.h"

/* Communication barrier from the mean rejections r[pairs]: sum of 2 erfinv(r)/sqrt(pi), exact for Gaussian
 * energies (Syed, Bouchard-Cote, Deligiannidis, Doucet 2022, doi:10.1111/rssb.12464 for its meaning). */
double lehr_barrier(const double *rejection, int32_t pairs);

/* Round trips per exchange over all replicas of one copy, when the ladder is the only bottleneck: deo
 * 1/(2+2 sum r/(1-r)), seo 1/(2 pairs + 2 sum r/(1-r)). Same source. 0 where a pair never swaps.       */
double lehr_round_trip_rate(const double *rejection, int32_t pairs, lehr_exchange scheme);

#endif
