/* launch.cpp: launches of the stand-in CUDA runtime, and what of it only a registry of kernels can do.
 *
 * The entries at the end are weak: a registry of translated PTX (ptx/registry.cpp) replaces them. Without it
 * kernels are functions of g++ that lehr_shim_launch calls, and nothing can be loaded.                      */
#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

#include "device/runtime.h"
#include "device/state.h"

namespace runtime
{

constexpr int max_threads = 1024;
constexpr int max_threads_resident = 2048, max_blocks_resident = 32; /* per multiprocessor */
constexpr size_t max_shared = 232448;                                /* per block, opted in */
constexpr size_t max_shared_resident = 233472, reserved_shared = 1024;

/* ---- configuration ---- */

static bool valid_grid(const fibers::Grid &grid)
{
    const fibers::Index3 g = grid.grid, b = grid.block;
    const bool blocks = g.x >= 1 && g.x <= 2147483647u && g.y >= 1 && g.y <= 65535 && g.z >= 1 &&
                        g.z <= 65535;
    const bool threads = b.x >= 1 && b.x <= 1024 && b.y >= 1 && b.y <= 1024 && b.z >= 1 &&
                         b.z <= 64 && b.x * b.y * b.z <= (unsigned)max_threads;
    return blocks && threads;
}

cudaError_t launch(const Launch &launch, const std::function<void()> &body)
{
    int index = 0;
    Queue *queue = queue_of(launch.stream, &index);
    if (!queue || index != current_index)
        return cudaErrorInvalidResourceHandle;
    if (!valid_grid(launch.grid))
        return cudaErrorInvalidConfiguration;
    if (launch.dynamic_shared > launch.dynamic_limit)
        return cudaErrorInvalidValue;
    state().launches++;
    state().devices[(size_t)index]->launches++;
    state().launched.insert(launch.grid.name);
    const Memory &memory = state().devices[(size_t)index]->memory;
    const fibers::Grid grid = launch.grid;
    enqueue(*queue, [=, &memory] {
        memory.open();
        fibers::launch(grid, body);
        memory.close();
        memory.check_zones(grid.name);
    });
    return cudaSuccess;
}

/* ---- arguments ---- */

/* Where 64-bit Linux puts programs, heaps, mappings and stacks; with this bound no pair of small integers and
 * no shadow memory of a sanitizer looks like an address. Neither shall a small integer whose padding holds the
 * upper half of an old pointer: the heaps of sanitizers begin at such addresses. */
constexpr uintptr_t lowest_host_address = 0x500000000000u;
constexpr uint32_t lowest_host_offset = 1 << 16;

static bool resident_host_memory(uintptr_t address)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char resident = 0;
    return address >= lowest_host_address && address < (uintptr_t)1 << 48 &&
           (uint32_t)address >= lowest_host_offset &&
           !mincore((void *)(address / page * page), 1, &resident) && resident & 1;
}

static const char *owner(const void *pointer)
{
    for (const auto &device : state().devices)
        if (device->memory.knows(pointer))
            return "memory of another device";
    return "no device memory: of the host, or freed";
}

void check_argument(const char *kernel, int number, const void *bytes, size_t size)
{
    for (size_t offset = 0; offset + sizeof(uintptr_t) <= size; offset += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, static_cast<const char *>(bytes) + offset, sizeof word);
        const void *pointer = reinterpret_cast<const void *>(word);
        if (resident_host_memory(word) && !current_device().memory.knows(pointer))
            fibers::fail("%s: argument %d holds %p at byte %zu, which is %s", kernel, number,
                         pointer, offset, owner(pointer));
    }
}

void check_pointer(const char *kernel, int number, const void *pointer)
{
    if (pointer && !current_device().memory.knows(pointer))
        fibers::fail("%s: argument %d is %p, which is %s", kernel, number, pointer, owner(pointer));
}

/* ---- kernels ---- */

size_t dynamic_limit(const void *kernel)
{
    const auto found = state().dynamic_limits.find(kernel);
    return found == state().dynamic_limits.end() ? default_dynamic_limit : found->second;
}

cudaError_t set_dynamic_limit(const void *kernel, size_t static_shared, int bytes)
{
    if (bytes < 0 || (size_t)bytes + static_shared > max_shared)
        return cudaErrorInvalidValue;
    state().dynamic_limits[kernel] = (size_t)bytes;
    return cudaSuccess;
}

cudaError_t active_blocks(int *blocks, int threads, size_t shared_bytes)
{
    if (threads < 1 || threads > max_threads)
        return cudaErrorInvalidValue;
    *blocks = std::min(max_blocks_resident, max_threads_resident / threads);
    if (shared_bytes > max_shared)
        *blocks = 0;
    *blocks = std::min(*blocks, (int)(max_shared_resident / (shared_bytes + reserved_shared)));
    return cudaSuccess;
}

} // namespace runtime

/* ---- entries without a registry ---- */

using namespace runtime;
#define LEHR_WEAK __attribute__((weak))

LEHR_WEAK cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute,
                                           int value)
{
    Entry entry("cudaFuncSetAttribute");
    if (entry.failed())
        return entry.status();
    if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize)
        return entry.done(set_dynamic_limit(kernel, 0, value));
    const bool known = attribute == cudaFuncAttributePreferredSharedMemoryCarveout;
    return entry.done(known ? cudaSuccess : cudaErrorInvalidValue);
}

LEHR_WEAK cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel)
{
    Entry entry("cudaFuncGetAttributes");
    if (entry.failed())
        return entry.status();
    *attributes = {};
    attributes->maxThreadsPerBlock = max_threads;
    attributes->numRegs = 32;
    attributes->ptxVersion = attributes->binaryVersion = 90;
    attributes->maxDynamicSharedSizeBytes = (int)dynamic_limit(kernel);
    return entry.done(cudaSuccess);
}

LEHR_WEAK cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *,
                                                                    int threads,
                                                                    size_t dynamic_shared)
{
    Entry entry("cudaOccupancyMaxActiveBlocksPerMultiprocessor");
    return entry.failed() ? entry.status()
                          : entry.done(active_blocks(blocks, threads, dynamic_shared));
}

static cudaError_t refuse(const char *name, cudaError_t code)
{
    Entry entry(name);
    return entry.failed() ? entry.status() : entry.done(code);
}

LEHR_WEAK cudaError_t cudaLaunchKernel(const void *, dim3, dim3, void **, size_t, cudaStream_t)
{
    return refuse("cudaLaunchKernel", cudaErrorInvalidDeviceFunction);
}

LEHR_WEAK cudaError_t cudaLibraryLoadData(cudaLibrary_t *, const void *, cudaJitOption *, void **,
                                          unsigned, cudaLibraryOption *, void **, unsigned)
{
    return refuse("cudaLibraryLoadData", cudaErrorNotSupported);
}

LEHR_WEAK cudaError_t cudaLibraryGetKernel(cudaKernel_t *, cudaLibrary_t, const char *)
{
    return refuse("cudaLibraryGetKernel", cudaErrorNotSupported);
}

LEHR_WEAK cudaError_t cudaLibraryUnload(cudaLibrary_t)
{
    return refuse("cudaLibraryUnload", cudaErrorNotSupported);
}
