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

/* Replica flow of every rung (see lehr_run_flow), flow[pairs+1], when swaps do not depend on where a replica comes
 * from. With w(t) = sum over the pairs below rung t of r/(1-r), and W over all of them, a rung between the ends has
 * deo 1 - (1/2+w(t))/(1+W), seo 1 - (t+w(t))/(pairs+W): what a replica's walk over (rung, direction) says, and over
 * rungs. Katzgraber's straight line is seo with equal r; with deo, replicas that nothing rejects run straight
 * through and are half from here, half from there.                                                     */
void lehr_flow_expected(const double *rejection, int32_t pairs, lehr_exchange scheme, double *flow);

#endif
