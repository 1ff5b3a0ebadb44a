/* base/version.c: what was built, from a header that the build writes. */
#include "base/version.h"

#include "lehr/lehr.h"

const char *lehr_version(void)
{
    return LEHR_VERSION;
}

const char *lehr_commit(void)
{
    return LEHR_COMMIT;
}
