/* comm_mpi_absent.c: a build without MPI. */
#include "base/status.h"
#include "run/comm.h"

lehr_status lehr_comm_mpi(const lehr_comm **out)
{
    (void)out;
    return lehr_fail(LEHR_ERR_UNSUPPORTED, "this lehr was built without MPI");
}

void lehr_comm_finish(void)
{
}
