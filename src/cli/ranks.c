/* ranks.c: MPI is touched only where a launcher has set what ranks see in their environment. A batch system's number
 * of tasks is none of it: those may well be independent processes. */
#include "cli/ranks.h"

#include <stdlib.h>
#include <string.h>

static bool is_set(const char *name, const char *no)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, no) != 0;
}

lehr_status lehr_ranks(const lehr_comm **out)
{
    *out = lehr_comm_solo();
    if (is_set("OMPI_COMM_WORLD_SIZE", "1") || is_set("PMI_SIZE", "1") || is_set("LEHR_MPI", "0"))
        return lehr_comm_mpi(out);
    return LEHR_OK;
}
