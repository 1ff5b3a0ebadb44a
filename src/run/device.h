/* run/device.h: which backend and which devices a name stands for. Listing them is lehr/device.h.   */
#ifndef LEHR_RUN_DEVICE_H
#define LEHR_RUN_DEVICE_H

#include <stddef.h>

#include "backend.h"
#include "run/comm.h"

/* A name of a backend: auto, cpu, cuda, cuda:N, cuda:N,M, cuda:all, or cuda: and a part of a device's
 * name. Fails with LEHR_ERR_ARG; whether the device is there is not asked. */
lehr_status lehr_device_check(const char *name);

/* The backend that a name asks for ("": auto), and options->device[] for it. `cuda` alone keeps devices that are in the
 * options already. Of several ranks on one machine each takes one device (auto, cuda) or its share of those that the
 * name stands for; where there are fewer than ranks, they share them.
 *
 * why[capacity] is one line when `auto` has to do without a GPU, else "". Fails with LEHR_ERR_ARG on a bad or
 * ambiguous name, and with LEHR_ERR_DEVICE when a device is not there or cannot be used. */
lehr_status lehr_device_choose(const char *name, const lehr_comm *comm,
                               lehr_backend_options *options, const lehr_backend **backend,
                               char *why, size_t capacity);

#endif
