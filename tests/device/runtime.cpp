/* runtime.cpp: devices, streams and errors of the stand-in CUDA runtime. Memory and copies are in copies.cpp,
 * launches in launch.cpp.
 *
 * The devices are made up: compute capability 9.0 with the sizes of an H100.                            */
#include "device/runtime.h"

#include <cstdio>
#include <cstring>

#include "device/state.h"

using namespace runtime;

/* ---- devices ---- */

cudaError_t cudaGetDeviceCount(int *count)
{
    Entry entry("cudaGetDeviceCount", Entry::no_device);
    if (entry.failed())
        return entry.status();
    if (state().count < 0)
        return entry.done(cudaErrorInsufficientDriver); /* *count stays as it is, as in CUDA */
    if (state().count == 0)
        return entry.done(cudaErrorNoDevice);
    *count = state().count;
    return entry.done(cudaSuccess);
}

cudaError_t cudaSetDevice(int device)
{
    Entry entry("cudaSetDevice", device < 0 ? max_devices : device);
    if (!entry.failed())
        current_index = device;
    return entry.status();
}

cudaError_t cudaGetDevice(int *device)
{
    Entry entry("cudaGetDevice");
    if (!entry.failed())
        *device = current_index;
    return entry.status();
}

cudaError_t cudaDriverGetVersion(int *version)
{
    Entry entry("cudaDriverGetVersion", Entry::no_device);
    if (!entry.failed())
        *version = state().count < 0 ? 0 : CUDART_VERSION;
    return entry.status();
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    Entry entry("cudaRuntimeGetVersion", Entry::no_device);
    if (!entry.failed())
        *version = CUDART_VERSION;
    return entry.status();
}

constexpr struct {
    cudaDeviceAttr attribute;
    int value;
} attributes[] = {
    {cudaDevAttrMaxThreadsPerBlock, 1024},
    {cudaDevAttrMaxBlockDimX, 1024},
    {cudaDevAttrMaxBlockDimY, 1024},
    {cudaDevAttrMaxBlockDimZ, 64},
    {cudaDevAttrMaxGridDimX, 2147483647},
    {cudaDevAttrMaxGridDimY, 65535},
    {cudaDevAttrMaxGridDimZ, 65535},
    {cudaDevAttrMaxSharedMemoryPerBlock, 49152},
    {cudaDevAttrTotalConstantMemory, 65536},
    {cudaDevAttrWarpSize, 32},
    {cudaDevAttrMaxRegistersPerBlock, 65536},
    {cudaDevAttrClockRate, 1980000},
    {cudaDevAttrMultiProcessorCount, 132},
    {cudaDevAttrKernelExecTimeout, 0},
    {cudaDevAttrIntegrated, 0},
    {cudaDevAttrComputeMode, 0},
    {cudaDevAttrConcurrentKernels, 1},
    {cudaDevAttrEccEnabled, 1},
    {cudaDevAttrPciDeviceId, 0},
    {cudaDevAttrMemoryClockRate, 2619000},
    {cudaDevAttrGlobalMemoryBusWidth, 5120},
    {cudaDevAttrL2CacheSize, 52428800},
    {cudaDevAttrMaxThreadsPerMultiProcessor, 2048},
    {cudaDevAttrAsyncEngineCount, 3},
    {cudaDevAttrUnifiedAddressing, 1},
    {cudaDevAttrComputeCapabilityMajor, 9},
    {cudaDevAttrComputeCapabilityMinor, 0},
    {cudaDevAttrMaxSharedMemoryPerMultiprocessor, 233472},
    {cudaDevAttrMaxRegistersPerMultiprocessor, 65536},
    {cudaDevAttrCooperativeLaunch, 0}, /* one block at a time: no grid.sync() */
    {cudaDevAttrMaxSharedMemoryPerBlockOptin, 232448},
    {cudaDevAttrMaxBlocksPerMultiprocessor, 32},
    {cudaDevAttrReservedSharedMemoryPerBlock, 1024},
};

static int pci_bus(int device)
{
    return 0x10 + state().first + device;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device)
{
    Entry entry("cudaDeviceGetAttribute", device < 0 ? max_devices : device);
    if (entry.failed())
        return entry.status();
    if (attribute == cudaDevAttrPciBusId) {
        *value = pci_bus(device);
        return entry.done(cudaSuccess);
    }
    for (const auto &one : attributes)
        if (one.attribute == attribute) {
            *value = one.value;
            return entry.done(cudaSuccess);
        }
    return entry.done(cudaErrorInvalidValue);
}

/* Only the fields that CUDA 12 and 13 have at the same place. */
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
    Entry entry("cudaGetDeviceProperties", device < 0 ? max_devices : device);
    if (entry.failed())
        return entry.status();
    memset(static_cast<void *>(properties), 0, offsetof(cudaDeviceProp, later));
    snprintf(properties->name, sizeof properties->name, "lehr test device");
    memcpy(properties->uuid.bytes, "lehr test device", sizeof properties->uuid.bytes);
    properties->uuid.bytes[15] = (char)(state().first + device);
    properties->totalGlobalMem = state().memory_bytes;
    properties->sharedMemPerBlock = 49152;
    properties->regsPerBlock = 65536;
    properties->warpSize = 32;
    properties->memPitch = 2147483647;
    properties->maxThreadsPerBlock = 1024;
    return entry.done(cudaSuccess);
}

/* The name under which headers of CUDA 12 know it. */
extern "C" cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp *properties, int device)
{
    return cudaGetDeviceProperties(properties, device);
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int length, int device)
{
    Entry entry("cudaDeviceGetPCIBusId", device < 0 ? max_devices : device);
    if (entry.failed())
        return entry.status();
    if (length < 13)
        return entry.done(cudaErrorInvalidValue);
    snprintf(text, (size_t)length, "0000:%02X:00.0", (unsigned)pci_bus(device));
    return entry.done(cudaSuccess);
}

/* ---- streams ---- */

static cudaError_t create_stream(Entry &entry, cudaStream_t *stream, unsigned flags)
{
    if (entry.failed())
        return entry.status();
    if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking)
        return entry.done(cudaErrorInvalidValue);
    auto made = std::make_unique<Stream>();
    made->device = current_index;
    made->blocking = flags == cudaStreamDefault;
    *stream = reinterpret_cast<cudaStream_t>(made.get());
    current_device().streams[*stream] = std::move(made);
    return entry.done(cudaSuccess);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    Entry entry("cudaStreamCreate");
    return create_stream(entry, stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    Entry entry("cudaStreamCreateWithFlags");
    return create_stream(entry, stream, flags);
}

/* Copies to the host that nobody waited for never land. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    Entry entry("cudaStreamDestroy");
    int device = 0;
    const Queue *queue = stream ? queue_of(stream, &device) : nullptr;
    if (queue) {
        drain(*state().devices[(size_t)device]);
        state().devices[(size_t)device]->streams.erase(stream);
    }
    if (entry.failed())
        return entry.status();
    return entry.done(queue ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    Entry entry("cudaStreamSynchronize");
    if (entry.failed())
        return entry.status();
    int device = 0;
    Queue *queue = queue_of(stream, &device);
    if (!queue)
        return entry.done(cudaErrorInvalidResourceHandle);
    queue->settle();
    state().devices[(size_t)device]->memory.check_zones("cudaStreamSynchronize");
    return entry.done(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize(void)
{
    Entry entry("cudaDeviceSynchronize");
    if (entry.failed())
        return entry.status();
    for_each_queue(current_device(), [](Queue &queue) { queue.settle(); });
    current_device().memory.check_zones("cudaDeviceSynchronize");
    return entry.done(cudaSuccess);
}

/* ---- errors ---- */

cudaError_t cudaPeekAtLastError(void)
{
    std::lock_guard<std::recursive_mutex> lock(state().lock);
    const cudaError_t sticky = current_device().sticky;
    return sticky ? sticky : last_error;
}

cudaError_t cudaGetLastError(void)
{
    const cudaError_t code = cudaPeekAtLastError();
    last_error = cudaSuccess;
    return code;
}

#define LEHR_ROW(name, number, text) {number, "cuda" #name, text},
constexpr struct {
    int number;
    const char *name, *text;
} errors[] = {LEHR_SHIM_ERRORS(LEHR_ROW)};

const char *cudaGetErrorName(cudaError_t code)
{
    for (const auto &error : errors)
        if (error.number == (int)code)
            return error.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t code)
{
    for (const auto &error : errors)
        if (error.number == (int)code)
            return error.text;
    return "unrecognized error code";
}
