/* run/comm.h: processes that share the rows of a pack. Every rank makes the same calls in the same order; weights stay
 * where their rows are, what decides is gathered.
 *
 * solo is this process alone; comm_mpi.c, the one file that knows MPI, makes the other kind.        */
#ifndef LEHR_RUN_COMM_H
#define LEHR_RUN_COMM_H

#include <stdint.h>

#include "lehr/run.h"

struct lehr_comm {
    const char *name;
    int32_t rank, ranks;
    int32_t node_rank, node_ranks; /* the same among those that share this machine */
    /* The bytes of every rank, one behind the other in the order of ranks, into all[sum of each[ranks]]. */
    lehr_status (*gather)(const lehr_comm *comm, const void *mine, const int64_t *each, void *all);
    /* bytes[count] of rank `from` to all. */
    lehr_status (*broadcast)(const lehr_comm *comm, int32_t from, void *bytes, int64_t count);
    /* End all ranks with this exit code; does not return. */
    void (*abort)(const lehr_comm *comm, int code);
};

#endif
