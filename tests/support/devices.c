/* devices.c: see devices.h. */
#include "support/devices.h"

#include <stddef.h>

#include "backend.h"
#include "device/control.h"

#pragma weak lehr_device_set_count /* absent where the real CUDA runtime is linked */
#pragma weak lehr_device_loaded_launches

bool devices_are_tests(void)
{
    return lehr_device_set_count != NULL;
}

int32_t devices_offer(int32_t wanted)
{
    if (devices_are_tests())
        lehr_device_set_count(wanted);
    const int32_t count = lehr_backend_cuda.device_count(NULL);
    return count < wanted ? count : wanted;
}

int64_t devices_loaded_launches(void)
{
    return devices_are_tests() ? lehr_device_loaded_launches() : -1;
}
