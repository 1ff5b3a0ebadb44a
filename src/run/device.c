/* device.c: the devices of every backend that is built in. */
#include "lehr/device.h"

#include "backend.h"

enum { BACKENDS = 1 };
static const lehr_backend *const backends[BACKENDS] = {&lehr_backend_cpu};

int32_t lehr_device_list(lehr_device_info *out, int32_t capacity)
{
    int32_t found = 0;
    for (int32_t b = 0; b < BACKENDS; b++)
        for (int32_t i = 0; i < backends[b]->device_count(); i++, found++)
            if (found < capacity)
                backends[b]->describe(i, &out[found]);
    return found;
}
