/* device.h: what can run the work.                                                                  */
#ifndef LEHR_DEVICE_H
#define LEHR_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/objective.h"
#include "lehr/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LEHR_DEVICE_ID_BYTES = 16 };

typedef struct lehr_device_info {
    char backend[LEHR_NAME_MAX];      /* "cpu", "cuda:0" */
    char name[LEHR_NAME_MAX];         /* of the processor */
    char detail[4 * LEHR_NAME_MAX];   /* instruction set in use, or why the device cannot be used */
    int32_t threads;                  /* CPUs of the affinity mask; multiprocessors of a GPU */
    int64_t memory_bytes;             /* total */
    uint8_t id[LEHR_DEVICE_ID_BYTES]; /* of a GPU, the same in all processes; else 0 */
    bool usable;
} lehr_device_info;

/* Describe up to `capacity` devices into out[]; returns how many there are in all. A backend without a device
 * counts as one that is not usable: no name, and the reason in its detail. */
LEHR_API int32_t lehr_device_list(lehr_device_info *out, int32_t capacity);

#ifdef __cplusplus
}
#endif

#endif
