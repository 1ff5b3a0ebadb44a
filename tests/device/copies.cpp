/* copies.cpp: memory and copies of the stand-in CUDA runtime.
 *
 * Stricter than CUDA: device memory in a copy must belong to the device of the stream, direction and extent are
 * checked, and an asynchronous copy to the host lands only at the next synchronize of its stream; until then the
 * target is NaN (all bits set).                                                                            */
#include <cstring>
#include <memory>
#include <vector>

#include "device/runtime.h"
#include "device/state.h"

using namespace runtime;

/* ---- memory ---- */

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    Entry entry("cudaMemGetInfo");
    if (entry.failed())
        return entry.status();
    const size_t used = current_device().memory.used();
    *total = state().memory_bytes;
    *available = used < *total ? *total - used : 0;
    return entry.done(cudaSuccess);
}

cudaError_t cudaMalloc(void **pointer, size_t bytes)
{
    Entry entry("cudaMalloc");
    if (entry.failed())
        return entry.status();
    if (bytes == 0) {
        *pointer = nullptr;
        return entry.done(cudaSuccess);
    }
    void *memory = current_device().memory.take(bytes, state().memory_bytes);
    if (!memory)
        return entry.done(cudaErrorMemoryAllocation);
    *pointer = memory;
    return entry.done(cudaSuccess);
}

/* Waits for the devices' work, as CUDA does, but copies to the host do not land. */
cudaError_t cudaFree(void *pointer)
{
    Entry entry("cudaFree");
    bool found = !pointer;
    for (auto &device : state().devices) {
        if (!pointer || !device->memory.contains(pointer, 1))
            continue;
        drain(*device);
        found = device->memory.give_back(pointer, "cudaFree");
    }
    if (entry.failed())
        return entry.status();
    return entry.done(found ? cudaSuccess : cudaErrorInvalidValue);
}

/* ---- copies ---- */

namespace
{

/* `height` rows of `width` bytes. */
struct Rows {
    char *first;
    size_t pitch, width, height;

    char *row(size_t i) const
    {
        return first + i * pitch;
    }
    size_t extent() const
    {
        return (height - 1) * pitch + width;
    }
};

enum class Side { host, device, neither };

Side side_of(const Rows &rows, const Device &device)
{
    if (device.memory.contains(rows.first, rows.extent()))
        return Side::device;
    for (const auto &one : state().devices)
        if (one->memory.touches(rows.first, rows.extent()))
            return Side::neither;
    return Side::host;
}

bool allowed(cudaMemcpyKind kind, Side target, Side source)
{
    const bool to_device = target == Side::device, from_device = source == Side::device;
    if (target == Side::neither || source == Side::neither)
        return false;
    switch (kind) {
    case cudaMemcpyHostToHost: return !to_device && !from_device;
    case cudaMemcpyHostToDevice: return to_device && !from_device;
    case cudaMemcpyDeviceToHost: return !to_device && from_device;
    case cudaMemcpyDeviceToDevice: return to_device && from_device;
    case cudaMemcpyDefault: return true;
    }
    return false;
}

void copy_rows(const Rows &target, const Rows &source)
{
    for (size_t i = 0; i < target.height; i++)
        memcpy(target.row(i), source.row(i), target.width);
}

/* A copy of the rows in host memory without gaps; `rows` points into it. */
struct Snapshot {
    std::vector<char> bytes;
    Rows rows;

    explicit Snapshot(const Rows &source) : bytes(source.width * source.height)
    {
        rows = {bytes.data(), source.width, source.width, source.height};
        copy_rows(rows, source);
    }
};

/* From pageable memory: CUDA has read the source when the call returns. */
void copy_in(Queue &queue, const Device &device, const Rows &target, const Rows &source)
{
    auto snapshot = std::make_shared<Snapshot>(source);
    enqueue(queue, [=, &device] {
        device.memory.open();
        copy_rows(target, snapshot->rows);
        device.memory.close();
    });
}

void copy_out(Queue &queue, const Device &device, const Rows &target, const Rows &source)
{
    for (size_t i = 0; i < target.height; i++)
        memset(target.row(i), 0xff, target.width);
    enqueue(queue, [=, &queue, &device] {
        device.memory.open();
        auto snapshot = std::make_shared<Snapshot>(source);
        device.memory.close();
        queue.landings.push_back([=] { copy_rows(target, snapshot->rows); });
    });
}

void copy_inside(Queue &queue, const Device &device, const Rows &target, const Rows &source)
{
    enqueue(queue, [=, &device] {
        device.memory.open();
        copy_rows(target, source);
        device.memory.close();
    });
}

cudaError_t copy(const Rows &target, const Rows &source, cudaMemcpyKind kind, cudaStream_t stream)
{
    int index = 0;
    Queue *queue = queue_of(stream, &index);
    if (!queue)
        return cudaErrorInvalidResourceHandle;
    if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault)
        return cudaErrorInvalidMemcpyDirection;
    if (target.pitch < target.width || source.pitch < source.width)
        return cudaErrorInvalidPitchValue;
    if (target.width == 0 || target.height == 0)
        return cudaSuccess;
    const Device &device = *state().devices[(size_t)index];
    const Side to = side_of(target, device), from = side_of(source, device);
    if (!allowed(kind, to, from))
        return cudaErrorInvalidValue;
    if (from == Side::host && to == Side::host)
        copy_rows(target, source);
    else if (from == Side::host)
        copy_in(*queue, device, target, source);
    else if (to == Side::host)
        copy_out(*queue, device, target, source);
    else
        copy_inside(*queue, device, target, source);
    return cudaSuccess;
}

Rows one_row(const void *memory, size_t bytes)
{
    return {static_cast<char *>(const_cast<void *>(memory)), bytes, bytes, 1};
}

cudaError_t set(void *target, int value, size_t bytes, cudaStream_t stream)
{
    int index = 0;
    Queue *queue = queue_of(stream, &index);
    if (!queue)
        return cudaErrorInvalidResourceHandle;
    if (bytes == 0)
        return cudaSuccess;
    const Device &device = *state().devices[(size_t)index];
    if (!device.memory.contains(target, bytes))
        return cudaErrorInvalidValue;
    enqueue(*queue, [=, &device] {
        device.memory.open();
        memset(target, value, bytes);
        device.memory.close();
    });
    return cudaSuccess;
}

} // namespace

cudaError_t cudaMemcpy(void *target, const void *source, size_t bytes, cudaMemcpyKind kind)
{
    Entry entry("cudaMemcpy");
    if (entry.failed())
        return entry.status();
    const cudaError_t code = copy(one_row(target, bytes), one_row(source, bytes), kind, nullptr);
    if (code == cudaSuccess)
        current_device().common.settle();
    return entry.done(code);
}

cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    Entry entry("cudaMemcpyAsync");
    if (entry.failed())
        return entry.status();
    return entry.done(copy(one_row(target, bytes), one_row(source, bytes), kind, stream));
}

cudaError_t cudaMemcpy2DAsync(void *target, size_t target_pitch, const void *source,
                              size_t source_pitch, size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream)
{
    Entry entry("cudaMemcpy2DAsync");
    if (entry.failed())
        return entry.status();
    const Rows to = {static_cast<char *>(target), target_pitch, width, height};
    const Rows from = {static_cast<char *>(const_cast<void *>(source)), source_pitch, width,
                       height};
    return entry.done(copy(to, from, kind, stream));
}

cudaError_t cudaMemset(void *target, int value, size_t bytes)
{
    Entry entry("cudaMemset");
    if (entry.failed())
        return entry.status();
    return entry.done(set(target, value, bytes, nullptr));
}

cudaError_t cudaMemsetAsync(void *target, int value, size_t bytes, cudaStream_t stream)
{
    Entry entry("cudaMemsetAsync");
    if (entry.failed())
        return entry.status();
    return entry.done(set(target, value, bytes, stream));
}
