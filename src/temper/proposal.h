/* temper/proposal.h: moves as the kernels want them. */
#ifndef LEHR_TEMPER_PROPOSAL_H
#define LEHR_TEMPER_PROPOSAL_H

#include "core/args.h"
#include "lehr/temper.h"

/* Check `count` moves against the kind of weights and the P parameters, and fill move[count].
 * Fails with LEHR_ERR_ARG ("moves.1: ...").                                                          */
lehr_status lehr_moves_fill(const lehr_move_spec *spec, int32_t count, lehr_weights weights,
                            const lehr_network *network, lehr_move_args *move);

/* First ln sigma of a move at a temperature: the given scale, or 2.38 sqrt(T/d) for d parameters touched, the
 * optimum on a Gaussian energy of unit curvature (Roberts, Gelman, Gilks 1997, doi:10.1214/aoap/1034625254),
 * at most 1. */
double lehr_move_log_step(const lehr_move_spec *spec, const lehr_network *network,
                          int32_t parameters, double temperature);

#endif
