/* same_bits.cu: the table of same_bits.h on the device. One thread = one argument. */
#include <cuda_runtime.h>

#include "ptx/same_bits.h"

extern "C" __global__ void __launch_bounds__(128) same_bits_kernel(same_bits_args a)
{
    const lehr_u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < a.count)
        a.bits[(size_t)a.which * a.count + i] = same_bits_of(a.which, i);
}
