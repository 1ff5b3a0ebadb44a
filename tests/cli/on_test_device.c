/* on_test_device.c: part of the program `lehr` on a test device: what the process leaves on a device is told at its
 * end, with an exit code that the program never gives. */
#include <stdio.h>
#include <unistd.h>

#include "device/control.h"

enum { EXIT_LEFT = 97 };

__attribute__((destructor)) static void look_at_devices(void)
{
    const lehr_device_alive live = lehr_device_live();
    if (live.allocations == 0 && live.streams == 0 && live.libraries == 0)
        return;
    fprintf(stderr, "test device: %lld allocations, %lld streams and %lld libraries are left\n",
            (long long)live.allocations, (long long)live.streams, (long long)live.libraries);
    _exit(EXIT_LEFT);
}
