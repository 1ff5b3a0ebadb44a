/* blas.c: finds cuBLAS at run time. */
#include "cuda/blas.h"

#include <dlfcn.h>
#include <string.h>

#include "base/status.h"

/* The newest first. These two have the same functions; what a third will have is not known. */
static const char *const names[] = {"libcublas.so.13", "libcublas.so.12"};
static const int versions[] = {13, 12};
enum { NAMES = sizeof names / sizeof *names };

/* RTLD_LOCAL: its symbols are nobody else's business. */
static lehr_status open_library(void **library, int *which)
{
    const char *reason = NULL;
    for (int i = 0; i < NAMES; i++) {
        *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        *which = i;
        if (*library)
            return LEHR_OK;
        reason = dlerror();
    }
    return lehr_fail(LEHR_ERR_DEVICE,
                     "numerics: fast needs cuBLAS, but neither %s nor %s can be loaded (%s)",
                     names[0], names[1], reason ? reason : "no reason given");
}

/* `function`: where the pointer goes. ISO C knows no cast between objects and functions, POSIX does. */
static lehr_status find(void *library, int which, const char *symbol, void *function)
{
    void *found = dlsym(library, symbol);
    LEHR_CHECK(found, LEHR_ERR_DEVICE, "numerics: fast needs %s, which %s lacks", symbol,
               names[which]);
    memcpy(function, (void *)&found, sizeof found);
    return LEHR_OK;
}

static lehr_status check_version(const lehr_blas *blas, int which)
{
    int major = 0;
    const cublasStatus_t status = blas->property(MAJOR_VERSION, &major);
    LEHR_CHECK(status == CUBLAS_STATUS_SUCCESS && major == versions[which], LEHR_ERR_DEVICE,
               "numerics: fast: %s says that it is cuBLAS %d (%s)", names[which], major,
               blas->status_name(status));
    return LEHR_OK;
}

lehr_status lehr_blas_load(lehr_blas *out)
{
    void *library = NULL;
    int which = 0;
    LEHR_TRY(open_library(&library, &which));
#define FIND(field, symbol) LEHR_TRY(find(library, which, #symbol, (void *)&out->field));
    LEHR_BLAS_FUNCTIONS(FIND)
#undef FIND
    return check_version(out, which);
}
