/* registry.cpp: the entries of the CUDA runtime that know kernels, for kernels translated by ptx2c.py.
 *
 * Programs made by nvcc register their host functions here before main(); a launch finds the translated kernel
 * by its name, copies the arguments as CUDA does, and runs it on fibers. What memory, streams, devices and
 * errors are is device/runtime.h's; libraries loaded at run time are library.cpp's. Registers per thread and
 * the limits that come from them are ptxas's to say: the figure here is made up.                          */
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "device/runtime.h"
#include "device/switch.h"
#include "ptx/registry.h"

#define LEHR_ENTRY extern "C" __attribute__((visibility("default")))

const ptx::Module *ptx::Module::first;

namespace
{

/* Host function to kernel name. Made at the first use: stubs register before constructors of this file. */
std::map<const void *, const char *> &host_functions()
{
    static auto *map = new std::map<const void *, const char *>;
    return *map;
}

std::map<const void *, const char *> &host_variables()
{
    static auto *map = new std::map<const void *, const char *>;
    return *map;
}

std::map<const void *, const ptx::Kernel *> &kernels_by_handle()
{
    static auto *map = new std::map<const void *, const ptx::Kernel *>;
    return *map;
}

const ptx::Kernel *translated_kernel(const std::string &name)
{
    const ptx::Kernel *found = nullptr;
    for (const ptx::Module *module = ptx::Module::first; module; module = module->next)
        for (const ptx::Kernel *kernel = module->tables.kernels; kernel->name; kernel++)
            if (name == kernel->name) {
                if (found)
                    fibers::fail("two translated files have a kernel %s", kernel->name);
                found = kernel;
            }
    return found;
}

const ptx::Variable *translated_variable(const std::string &name)
{
    for (const ptx::Module *module = ptx::Module::first; module; module = module->next)
        for (const ptx::Variable *one = module->tables.variables; one->name; one++)
            if (name == one->name)
                return one;
    return nullptr;
}

} // namespace

const ptx::Kernel *ptx::find_kernel(const void *handle)
{
    const auto known = kernels_by_handle().find(handle);
    if (known != kernels_by_handle().end())
        return known->second;
    const auto stub = host_functions().find(handle);
    if (stub == host_functions().end())
        return nullptr;
    const Kernel *kernel = translated_kernel(stub->second);
    if (!kernel)
        fibers::fail("kernel %s has no translated PTX in this program", stub->second);
    add_handle(handle, kernel);
    return kernel;
}

void ptx::add_handle(const void *handle, const Kernel *kernel)
{
    kernels_by_handle()[handle] = kernel;
}

void ptx::remove_handle(const void *handle)
{
    kernels_by_handle().erase(handle);
}

/* ---- launches ---- */

namespace
{

constexpr int registers = 32;

/* The gaps between shared variables: forbidden from a block's first thread to its last, and unchanged then. */
class Gaps
{
  public:
    Gaps(const ptx::Kernel &kernel, int threads) : kernel_(kernel), threads_(threads)
    {
    }

    void enter()
    {
        if (started_++ == 0)
            for (const ptx::Gap *gap = kernel_.gaps; gap->bytes; gap++)
                fibers::forbid(shared() + gap->offset, gap->bytes);
    }

    void leave()
    {
        if (++finished_ < threads_)
            return;
        started_ = finished_ = 0;
        for (const ptx::Gap *gap = kernel_.gaps; gap->bytes; gap++) {
            fibers::allow(shared() + gap->offset, gap->bytes);
            check(*gap);
        }
    }

  private:
    static const char *shared()
    {
        return static_cast<const char *>(fibers::shared());
    }

    static void check(const ptx::Gap &gap)
    {
        for (size_t i = 0; i < gap.bytes; i++)
            if (shared()[gap.offset + i] != (char)0xff)
                fibers::fail("the kernel wrote %zu bytes behind a shared variable", i);
    }

    const ptx::Kernel &kernel_;
    int threads_, started_ = 0, finished_ = 0;
};

std::shared_ptr<std::vector<char>> copy_arguments(const ptx::Kernel &kernel, void **arguments)
{
    auto bytes = std::make_shared<std::vector<char>>(kernel.param_bytes + 16);
    for (size_t i = 0; i < kernel.param_count; i++) {
        const ptx::Param &param = kernel.params[i];
        char *copy = bytes->data() + param.offset;
        memcpy(copy, arguments[i], param.bytes);
        runtime::check_argument(kernel.name, (int)i, copy, param.bytes);
    }
    return bytes;
}

/* Without an opt-in, static and dynamic shared memory have 48 KiB together. */
size_t dynamic_limit(const void *handle, const ptx::Kernel &kernel)
{
    const size_t limit = runtime::dynamic_limit(handle);
    if (limit != runtime::default_dynamic_limit)
        return limit;
    return limit - std::min(limit, kernel.static_shared);
}

struct Configuration {
    dim3 grid, block;
    size_t dynamic_shared;
    cudaStream_t stream;
};

cudaError_t launch(const void *handle, const Configuration &how, void **arguments)
{
    const ptx::Kernel *kernel = ptx::find_kernel(handle);
    if (!kernel)
        return cudaErrorInvalidDeviceFunction;
    const dim3 grid = how.grid, block = how.block;
    const uint64_t threads = (uint64_t)block.x * block.y * block.z;
    if (threads <= 1024 && threads > (uint64_t)kernel->max_threads)
        return cudaErrorInvalidValue;
    const size_t shared = kernel->shared_offset + how.dynamic_shared;
    const runtime::Launch launch = {
        {kernel->name, {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared},
        how.dynamic_shared,
        dynamic_limit(handle, *kernel),
        how.stream};
    if (!host_functions().count(handle))
        runtime::count_loaded_launch();
    auto parameters = copy_arguments(*kernel, arguments);
    auto gaps = std::make_shared<Gaps>(*kernel, (int)threads);
    return runtime::launch(launch, [=] {
        gaps->enter();
        kernel->run(parameters->data(), shared);
        gaps->leave();
    });
}

cudaError_t launch_entry(const void *handle, const Configuration &how, void **arguments)
{
    runtime::Entry entry("cudaLaunchKernel");
    if (entry.failed())
        return entry.status();
    return entry.done(launch(handle, how, arguments));
}

} // namespace

LEHR_ENTRY cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments,
                                        size_t dynamic_shared, cudaStream_t stream)
{
    return launch_entry(kernel, {grid, block, dynamic_shared, stream}, arguments);
}

/* What <<<>>> becomes in nvcc's stubs. */
LEHR_ENTRY cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block,
                                          void **arguments, size_t dynamic_shared,
                                          cudaStream_t stream)
{
    return launch_entry(kernel, {grid, block, dynamic_shared, stream}, arguments);
}

static Configuration pushed;

LEHR_ENTRY unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t dynamic_shared,
                                                cudaStream_t stream)
{
    pushed = {grid, block, dynamic_shared, stream};
    return 0;
}

LEHR_ENTRY cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *dynamic_shared,
                                                  void *stream)
{
    *grid = pushed.grid;
    *block = pushed.block;
    *dynamic_shared = pushed.dynamic_shared;
    *static_cast<cudaStream_t *>(stream) = pushed.stream;
    return cudaSuccess;
}

LEHR_ENTRY cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host_function)
{
    *kernel = (cudaKernel_t)host_function; /* both are handles here */
    return cudaSuccess;
}

/* ---- what nvcc's objects say before main() ---- */

LEHR_ENTRY void **__cudaRegisterFatBinary(void *)
{
    static void *binary;
    return &binary;
}

LEHR_ENTRY void __cudaRegisterFatBinaryEnd(void **)
{
}

LEHR_ENTRY void __cudaUnregisterFatBinary(void **)
{
}

LEHR_ENTRY char __cudaInitModule(void **)
{
    return 1;
}

LEHR_ENTRY void __cudaRegisterFunction(void **, const char *host_function, char *, const char *name,
                                       int, void *, void *, void *, void *, int *)
{
    host_functions()[host_function] = name;
}

LEHR_ENTRY void __cudaRegisterVar(void **, char *host_variable, char *, const char *name, int,
                                  size_t, int, int)
{
    host_variables()[host_variable] = name;
}

/* ---- attributes ---- */

LEHR_ENTRY cudaError_t cudaFuncSetAttribute(const void *handle, cudaFuncAttribute attribute,
                                            int value)
{
    runtime::Entry entry("cudaFuncSetAttribute");
    if (entry.failed())
        return entry.status();
    const ptx::Kernel *kernel = ptx::find_kernel(handle);
    if (!kernel)
        return entry.done(cudaErrorInvalidDeviceFunction);
    if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize)
        return entry.done(runtime::set_dynamic_limit(handle, kernel->static_shared, value));
    const bool known = attribute == cudaFuncAttributePreferredSharedMemoryCarveout;
    return entry.done(known ? cudaSuccess : cudaErrorInvalidValue);
}

LEHR_ENTRY cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *handle)
{
    runtime::Entry entry("cudaFuncGetAttributes");
    if (entry.failed())
        return entry.status();
    const ptx::Kernel *kernel = ptx::find_kernel(handle);
    if (!kernel)
        return entry.done(cudaErrorInvalidDeviceFunction);
    *attributes = {};
    attributes->sharedSizeBytes = kernel->static_shared;
    attributes->localSizeBytes = kernel->local_bytes;
    attributes->maxThreadsPerBlock = kernel->max_threads;
    attributes->numRegs = registers;
    attributes->ptxVersion = attributes->binaryVersion = 90;
    attributes->maxDynamicSharedSizeBytes = (int)dynamic_limit(handle, *kernel);
    return entry.done(cudaSuccess);
}

static cudaError_t occupancy(int *blocks, const void *handle, int threads, size_t dynamic_shared)
{
    const ptx::Kernel *kernel = ptx::find_kernel(handle);
    if (!kernel)
        return cudaErrorInvalidDeviceFunction;
    if (threads > kernel->max_threads) {
        *blocks = 0;
        return cudaSuccess;
    }
    return runtime::active_blocks(blocks, threads, kernel->static_shared + dynamic_shared);
}

LEHR_ENTRY cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                                     const void *handle,
                                                                     int threads,
                                                                     size_t dynamic_shared)
{
    runtime::Entry entry("cudaOccupancyMaxActiveBlocksPerMultiprocessor");
    if (entry.failed())
        return entry.status();
    return entry.done(occupancy(blocks, handle, threads, dynamic_shared));
}

/* What the C++ header of the toolkit calls. */
LEHR_ENTRY cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, const void *handle, int threads, size_t dynamic_shared, unsigned)
{
    return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, handle, threads, dynamic_shared);
}

/* ---- variables: one copy for all devices ---- */

LEHR_ENTRY cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *source, size_t bytes,
                                          size_t offset, cudaMemcpyKind kind)
{
    runtime::Entry entry("cudaMemcpyToSymbol");
    if (entry.failed())
        return entry.status();
    if (kind != cudaMemcpyHostToDevice)
        return entry.done(cudaErrorInvalidMemcpyDirection);
    const auto host = host_variables().find(symbol);
    const ptx::Variable *variable = host == host_variables().end()
                                        ? nullptr
                                        : translated_variable(host->second);
    if (!variable)
        return entry.done(cudaErrorInvalidSymbol);
    if (offset > variable->bytes || bytes > variable->bytes - offset)
        return entry.done(cudaErrorInvalidValue);
    memcpy(static_cast<char *>(variable->address) + offset, source, bytes);
    return entry.done(cudaSuccess);
}
