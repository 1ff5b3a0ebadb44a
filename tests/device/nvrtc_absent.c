/* nvrtc_absent.c: in place of kernels/cuda/jit.c where kernels are compiled by g++: nothing is specialized. */
#include "cuda/cuda.h"

lehr_status lehr_cuda_specialize(const lehr_cuda *cuda, lehr_cuda_device *device)
{
    (void)cuda;
    (void)device;
    return LEHR_OK;
}
