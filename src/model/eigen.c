/* model/eigen.c: LAPACK's dsyevr, called as Fortran is: everything by address, the lengths of texts
 * last. So the library alone is needed, no header of it. */
#include "model/eigen.h"

#include <stddef.h>

#include "base/memory.h"
#include "base/status.h"

/* NOLINTNEXTLINE(readability-function-size): LAPACK's own parameters */
extern void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a,
                    const int *lda, const double *vl, const double *vu, const int *il,
                    const int *iu, const double *abstol, int *m, double *w, double *z,
                    const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork,
                    const int *liwork, int *info, size_t jobz_length, size_t range_length,
                    size_t uplo_length);

/* What one call takes and gives. */
typedef struct eigen_call {
    double *matrix; /* [n,n] */
    double *value;  /* [n]: dsyevr wants room for all */
    double *vector; /* [count,n] */
    int n, count;
    int *support; /* [2*count] */
    double *work;
    int *iwork;
    int work_size, iwork_size; /* -1: ask for the sizes */
    int found, info;
} eigen_call;

/* The upper triangle by rows is the lower one by columns, as Fortran has it. */
static void call(eigen_call *c, double *work, int *iwork)
{
    static const double unused = 0, tolerance = 0; /* 0: as exact as LAPACK does it */
    const int first = c->n - c->count + 1, last = c->n;
    dsyevr_("V", "I", "L", &c->n, c->matrix, &c->n, &unused, &unused, &first, &last, &tolerance,
            &c->found, c->value, c->vector, &c->n, c->support, work, &c->work_size, iwork,
            &c->iwork_size, &c->info, 1, 1, 1);
}

static lehr_status prepare(eigen_call *c)
{
    double work = 0;
    int iwork = 0;
    c->work_size = c->iwork_size = -1;
    call(c, &work, &iwork);
    c->work_size = (int)work;
    c->iwork_size = iwork;
    LEHR_TRY(LEHR_NEW(c->value, (size_t)c->n, "eigenvalues"));
    LEHR_TRY(LEHR_NEW(c->support, 2 * (size_t)c->count, "eigenvectors"));
    LEHR_TRY(LEHR_NEW(c->work, (size_t)c->work_size, "eigenvectors"));
    return LEHR_NEW(c->iwork, (size_t)c->iwork_size, "eigenvectors");
}

static lehr_status solve(eigen_call *c, double *value)
{
    LEHR_TRY(prepare(c));
    call(c, c->work, c->iwork);
    LEHR_CHECK(c->info == 0 && c->found == c->count, LEHR_ERR_NUMERIC,
               "LAPACK finds %d of %d eigenvectors of %d numbers (dsyevr: info %d)", c->found,
               c->count, c->n, c->info);
    for (int i = 0; i < c->count; i++)
        value[i] = c->value[i];
    return LEHR_OK;
}

lehr_status lehr_eigen_largest(double *matrix, int32_t n, int32_t count, double *value,
                               double *vector)
{
    eigen_call c = {.matrix = matrix, .vector = vector, .n = n, .count = count};
    const lehr_status status = solve(&c, value);
    LEHR_FREE(c.value);
    LEHR_FREE(c.support);
    LEHR_FREE(c.work);
    LEHR_FREE(c.iwork);
    return status;
}
