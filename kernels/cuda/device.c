/* device.c: which CUDA devices are there, and what an error of one means. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cuda/cuda.h"

/* ---- Errors ------------------------------------------------------------------------------------ */

/* Errors after which nothing that was on the device can be trusted or read: the CUDA runtime repeats them at
 * every later call of the process. Numbers: ECC, NVLink and contained faults, faults of addresses,
 * instructions, stacks and assertions, time-out, launch failure (older toolkits lack some of the names). */
bool lehr_cuda_lost(cudaError_t code)
{
    static const int lost[] = {214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719};
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if ((int)code == lost[i])
            return true;
    return false;
}

/* What a user can do about it, in words; NULL: CUDA's own sentence will do. */
static const char *words_of(cudaError_t code)
{
    switch (code) {
    case cudaErrorInsufficientDriver: return "no NVIDIA driver";
    case cudaErrorNoDevice: return "the NVIDIA driver sees no device";
    case cudaErrorNoKernelImageForDevice:
        return "this program holds no code for this device's architecture";
    case cudaErrorMemoryAllocation: return "out of device memory";
    case cudaErrorSystemDriverMismatch: return "driver and CUDA runtime do not fit together";
    case cudaErrorDevicesUnavailable: return "the device is in use by another process";
    default: return NULL;
    }
}

/* The address of a device on its bus, for logs of the machine; empty when it does not answer. */
static void bus_of(int32_t index, char *out, int capacity)
{
    out[0] = '\0';
    if (cudaDeviceGetPCIBusId(out, capacity, index) != cudaSuccess) {
        (void)cudaGetLastError();
        out[0] = '\0';
    }
}

lehr_status lehr_cuda_check(cudaError_t code, int32_t index, const char *what)
{
    if (code == cudaSuccess)
        return LEHR_OK;
    (void)cudaGetLastError(); /* an error is told once; what comes later must not see it again */
    const char *words = words_of(code);
    if (!lehr_cuda_lost(code))
        return lehr_fail(LEHR_ERR_DEVICE, "cuda:%d: %s: %s (%s, error %d)", index, what,
                         words ? words : cudaGetErrorString(code), cudaGetErrorName(code),
                         (int)code);
    return lehr_fail(LEHR_ERR_DEVICE,
                     "cuda:%d: %s: %s (%s, error %d); what was on the device is lost", index, what,
                     cudaGetErrorString(code), cudaGetErrorName(code), (int)code);
}

/* ---- Devices ----------------------------------------------------------------------------------- */

int32_t lehr_cuda_device_count(const char **reason)
{
    int count = 0; /* a missing driver leaves it untouched */
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code == cudaSuccess && count > 0)
        return count;
    (void)cudaGetLastError();
    const char *words = words_of(code == cudaSuccess ? cudaErrorNoDevice : code);
    if (reason)
        *reason = words ? words : cudaGetErrorString(code);
    return 0;
}

static int attribute(int32_t device, enum cudaDeviceAttr which)
{
    int value = 0;
    if (cudaDeviceGetAttribute(&value, which, device) != cudaSuccess) {
        (void)cudaGetLastError();
        value = 0;
    }
    return value;
}

void lehr_cuda_describe(int32_t device, lehr_device_info *out)
{
    struct cudaDeviceProp properties;
    memset(&properties, 0, sizeof properties);
    *out = (lehr_device_info){.usable = false};
    snprintf(out->backend, sizeof out->backend, "cuda:%d", device);
    const cudaError_t code = cudaGetDeviceProperties(&properties, device);
    memcpy(out->id, &properties.uuid, sizeof out->id);
    snprintf(out->name, sizeof out->name, "%.127s", code == cudaSuccess ? properties.name : "?");
    out->threads = attribute(device, cudaDevAttrMultiProcessorCount);
    size_t available = 0, total = 0;
    lehr_status status = lehr_cuda_enter(device);
    if (status == LEHR_OK)
        status = lehr_cuda_check(cudaMemGetInfo(&available, &total), device, "asking for memory");
    if (status != LEHR_OK) {
        snprintf(out->detail, sizeof out->detail, "%s", lehr_error());
        return;
    }
    out->usable = true;
    out->memory_bytes = (int64_t)total;
    char bus[32];
    bus_of(device, bus, sizeof bus);
    snprintf(out->detail, sizeof out->detail, "sm_%d%d, %.1f GiB free, %s",
             attribute(device, cudaDevAttrComputeCapabilityMajor),
             attribute(device, cudaDevAttrComputeCapabilityMinor), (double)available / (1 << 30),
             bus);
}

lehr_status lehr_cuda_enter(int32_t index)
{
    LEHR_TRY(lehr_cuda_check(cudaSetDevice(index), index, "choosing the device"));
    return lehr_cuda_check(lehr_settle_probe(), index, "looking for its code");
}
