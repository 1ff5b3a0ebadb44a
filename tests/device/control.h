/* control.h: what a test may set and ask of the stand-in CUDA runtime, in C.
 *
 * Every entry of the runtime that can fail counts as one call, from 1; cudaGetLastError, cudaPeekAtLastError,
 * cudaGetErrorName and cudaGetErrorString do not count. The same settings from outside:
 *   LEHR_DEVICE_COUNT=N          devices; 1 without it. 0: error 100 (no device), -1: 35 (no driver)
 *   LEHR_DEVICE_FIRST=N          number on the machine of the first one that this process sees; 0 without it
 *   LEHR_DEVICE_MEMORY=BYTES     of each device; 4 GiB without it
 *   LEHR_DEVICE_FAIL=N:CODE[:sticky]
 *   LEHR_DEVICE_STREAMS=late     work of a stream runs at its synchronize instead of at once
 *   LEHR_DEVICE_TRACE=1          every call with its number and what it returned, to stderr              */
#ifndef LEHR_DEVICE_CONTROL_H
#define LEHR_DEVICE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The n-th call from now on (1: the next) fails with this cudaError code and does nothing; n = 0 takes the
 * order back. Sticky, as a fault in a kernel: that call and all later ones on the same device fail. Calls that
 * give something back (cudaFree, cudaStreamDestroy, cudaLibraryUnload) still do so while they fail. */
void lehr_device_fail_at(int64_t n, int code, bool sticky);

/* Calls and kernel launches since the start of the process or lehr_device_reset. */
int64_t lehr_device_calls(void);
int64_t lehr_device_launches(void);

/* Those on one device. */
int64_t lehr_device_launches_on(int device);

/* Those of kernels that came from a loaded library. */
int64_t lehr_device_loaded_launches(void);

/* Has a kernel of this name been launched since then? */
bool lehr_device_launched(const char *kernel);

/* Rounds of points that teams have visited since then, kernels from source only: see cuda/launch.h. */
int64_t lehr_device_rounds(void);

/* What was made on any device and not given back. */
typedef struct lehr_device_alive {
    int64_t allocations, bytes, streams, libraries;
} lehr_device_alive;
lehr_device_alive lehr_device_live(void);

/* From now on there are so many devices (-1: no driver, at most 8), each with so many bytes. */
void lehr_device_set_count(int count);
void lehr_device_set_memory(int64_t bytes);

/* As at the start of the process, without the environment's LEHR_DEVICE_FAIL: counters at 0, no failure
 * planned, devices healthy, device 0 current; all memory and streams are freed. */
void lehr_device_reset(void);

#ifdef __cplusplus
}
#endif

#endif
