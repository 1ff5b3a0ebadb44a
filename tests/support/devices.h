/* devices.h: the CUDA devices that a program is linked with: a test device (tests/device), which control.h
 * steers, or the real ones of this machine.                                                        */
#ifndef TESTS_SUPPORT_DEVICES_H
#define TESTS_SUPPORT_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

/* Is it a test device? Only then may device/control.h be used; without it those functions are null. */
bool devices_are_tests(void);

/* Ask a test device to be so many; how many there are at most `wanted`. */
int32_t devices_offer(int32_t wanted);

/* Launches by a test device of kernels that came while the program ran, as NVRTC's do; -1 of real ones. */
int64_t devices_loaded_launches(void);

#endif
