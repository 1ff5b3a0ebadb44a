/* model/eigen.h: the one door to LAPACK. */
#ifndef LEHR_MODEL_EIGEN_H
#define LEHR_MODEL_EIGEN_H

#include <stdint.h>

#include "lehr/status.h"

/* The `count` largest eigenvalues of a symmetric matrix, 1 <= count <= n, and orthonormal
 * eigenvectors of them: value[count] and vector[count,n], both from the smallest of these up. Of
 * matrix[n,n] only the upper triangle is read; it is overwritten.
 *
 * The signs of the vectors, any turn among those of one eigenvalue, and the last bits of all are
 * LAPACK's, and another build of it has others. Fails with LEHR_ERR_MEMORY, or LEHR_ERR_NUMERIC
 * when LAPACK gives up.
 * Dhillon, Parlett, Voemel 2006, doi:10.1145/1186785.1186788; LAPACK's dsyevr. */
lehr_status lehr_eigen_largest(double *matrix, int32_t n, int32_t count, double *value,
                               double *vector);

#endif
