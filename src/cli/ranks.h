/* ranks.h: was this process started as one of several MPI ranks? */
#ifndef LEHR_CLI_RANKS_H
#define LEHR_CLI_RANKS_H

#include "lehr/run.h"

/* The ranks that mpirun or mpiexec has started, or this process alone. Other launchers say LEHR_MPI=1. Fails as
 * lehr_comm_mpi. */
lehr_status lehr_ranks(const lehr_comm **out);

#endif
