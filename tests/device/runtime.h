/* runtime.h: the stand-in CUDA runtime seen from the inside: what launches kernels builds on it.
 *
 * runtime.cpp has the entries of cuda_runtime_api.h with the real names, numbers and C linkage: programs made
 * by nvcc link with it instead of libcudart. Used by shim/cuda_runtime.h (typed launches) and by the registry
 * of translated PTX. Tests steer it through control.h.                                                     */
#ifndef LEHR_DEVICE_RUNTIME_H
#define LEHR_DEVICE_RUNTIME_H

#include <cuda_runtime_api.h>

#include <functional>

#include "device/fibers.h"

namespace runtime
{

/* One call of the API: takes the lock, counts the call, and may tell it to fail.
 *
 *     Entry entry("cudaLibraryLoadData");
 *     if (entry.failed())
 *         return entry.status();
 *     ...
 *     return entry.done(cudaSuccess);
 *
 * Entries nest (the lock is recursive), but every one counts: call the work, not another entry.            */
class Entry
{
  public:
    /* `device`: whose sticky error and existence count; the current one, or no device at all. */
    enum : int { current_device = -1, no_device = -2 };
    explicit Entry(const char *name, int device = current_device);
    ~Entry();
    Entry(const Entry &) = delete;
    Entry &operator=(const Entry &) = delete;

    bool failed() const
    {
        return status_ != cudaSuccess;
    }
    cudaError_t status() const
    {
        return status_;
    }
    /* Remember an error for cudaGetLastError, and hand it through. */
    cudaError_t done(cudaError_t code);

  private:
    const char *name_;
    cudaError_t status_;
};

struct Launch {
    fibers::Grid grid;     /* shared_bytes: dynamic and static together */
    size_t dynamic_shared; /* what the host asked for */
    size_t
        dynamic_limit; /* what it may ask for: 48 KiB, or cudaFuncAttributeMaxDynamicSharedMemorySize */
    cudaStream_t stream;
};
constexpr size_t default_dynamic_limit = 48 * 1024;

/* Check the configuration and the stream as CUDA does, then run the grid on the stream. The body owns copies
 * of its arguments: with LEHR_DEVICE_STREAMS=late it runs at the next synchronize. Does not count as a call:
 * the caller has an Entry and passes the result through entry.done(). */
cudaError_t launch(const Launch &launch, const std::function<void()> &body);

/* End the process if a kernel argument holds a host pointer, or device memory of another device than the
 * current one. Every aligned 8-byte word is looked at: one that is the address of resident host memory counts as
 * a pointer, so a by-value struct (or the whole parameter block of a PTX kernel) is one argument. */
void check_argument(const char *kernel, int number, const void *bytes, size_t size);

/* As above for an argument of pointer type: NULL or device memory, nothing else. */
void check_pointer(const char *kernel, int number, const void *pointer);

/* Libraries of kernels loaded and unloaded, for lehr_device_live. */
void count_libraries(int change);

/* A launch of one of their kernels, for lehr_device_loaded_launches. */
void count_loaded_launch();
void count_round();

/* The dynamic shared memory that a kernel may ask for, by its host address. */
size_t dynamic_limit(const void *kernel);

/* The work behind the kernel entries, for a kernel with this much static shared memory; none is counted. */
cudaError_t set_dynamic_limit(const void *kernel, size_t static_shared, int bytes);
cudaError_t active_blocks(int *blocks, int threads, size_t shared_bytes);

} // namespace runtime

#endif
