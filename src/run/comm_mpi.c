/* comm_mpi.c: the ranks of MPI_COMM_WORLD. No other file includes mpi.h. */
#include <limits.h>
#include <mpi.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/status.h"
#include "run/comm.h"

enum { PIECE = 1 << 30 }; /* bytes of one message at most: counts of MPI are ints */

static lehr_status check(int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (code == MPI_SUCCESS)
        return LEHR_OK;
    MPI_Error_string(code, text, &length);
    return lehr_fail(LEHR_ERR_IO, "MPI failed while %s: %.*s", what, length, text);
}

static lehr_status broadcast(const lehr_comm *comm, int32_t from, void *bytes, int64_t count)
{
    (void)comm;
    char *at = bytes;
    for (int64_t left = count; left > 0; left -= PIECE, at += PIECE)
        LEHR_TRY(
            check(MPI_Bcast(at, (int)(left < PIECE ? left : PIECE), MPI_BYTE, from, MPI_COMM_WORLD),
                  "telling all ranks"));
    return LEHR_OK;
}

/* Where more bytes are gathered than an int counts, every rank tells all others in turn. */
static lehr_status gather_many(const lehr_comm *comm, const void *mine, const int64_t *each,
                               char *all)
{
    for (int32_t rank = 0; rank < comm->ranks; all += each[rank++]) {
        for (int64_t i = 0; rank == comm->rank && i < each[rank]; i++)
            all[i] = ((const char *)mine)[i];
        LEHR_TRY(broadcast(comm, rank, all, each[rank]));
    }
    return LEHR_OK;
}

static lehr_status gather(const lehr_comm *comm, const void *mine, const int64_t *each, void *all)
{
    int64_t total = 0;
    for (int32_t rank = 0; rank < comm->ranks; rank++)
        total += each[rank];
    if (total > INT_MAX)
        return gather_many(comm, mine, each, all);
    int *count = NULL;
    LEHR_TRY(LEHR_NEW(count, 2 * (size_t)comm->ranks, "ranks"));
    int *first = count + comm->ranks;
    for (int32_t rank = 0, at = 0; rank < comm->ranks; at += count[rank++]) {
        count[rank] = (int)each[rank];
        first[rank] = at;
    }
    const int code = MPI_Allgatherv(mine, count[comm->rank], MPI_BYTE, all, count, first, MPI_BYTE,
                                    MPI_COMM_WORLD);
    LEHR_FREE(count);
    return check(code, "gathering rows");
}

static void end(const lehr_comm *comm, int code)
{
    (void)comm;
    MPI_Abort(MPI_COMM_WORLD, code);
    abort();
}

/* Only the thread that runs the loop talks to other ranks. */
static lehr_status start(void)
{
    int started, provided;
    LEHR_TRY(check(MPI_Initialized(&started), "starting"));
    if (!started)
        LEHR_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided), "starting"));
    return check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "starting");
}

/* The ranks that share memory are those of one machine. */
static lehr_status look_around(lehr_comm *comm)
{
    MPI_Comm node;
    LEHR_TRY(check(
        MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &node),
        "starting"));
    int rank = 0, ranks = 1;
    int code = MPI_Comm_rank(node, &rank);
    code = code == MPI_SUCCESS ? MPI_Comm_size(node, &ranks) : code;
    MPI_Comm_free(&node);
    LEHR_TRY(check(code, "starting"));
    comm->node_rank = rank;
    comm->node_ranks = ranks;
    return LEHR_OK;
}

lehr_status lehr_comm_mpi(const lehr_comm **out)
{
    static lehr_comm mpi = {"mpi", 0, 1, 0, 1, gather, broadcast, end};
    int rank, ranks;
    LEHR_TRY(start());
    LEHR_TRY(check(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "starting"));
    LEHR_TRY(check(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "starting"));
    mpi.rank = rank;
    mpi.ranks = ranks;
    LEHR_TRY(look_around(&mpi));
    *out = &mpi;
    return LEHR_OK;
}

void lehr_comm_finish(void)
{
    int started = 0, ended = 0;
    if (MPI_Initialized(&started) == MPI_SUCCESS && started &&
        MPI_Finalized(&ended) == MPI_SUCCESS && !ended)
        MPI_Finalize();
}
