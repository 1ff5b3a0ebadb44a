/* state.h: what the stand-in runtime remembers: devices, streams, and the failure that a test ordered. */
#ifndef LEHR_DEVICE_STATE_H
#define LEHR_DEVICE_STATE_H

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "device/memory.h"

namespace runtime
{

constexpr int max_devices = 8;

/* Two kinds of work: on the device, in order; and landings, which bring copies to the host. Landings wait for a
 * synchronize, so that a host that reads too early finds other numbers. Work waits only where asked to. */
struct Queue {
    std::vector<std::function<void()>> work, landings;

    void run();    /* the work */
    void settle(); /* the work, then the landings */
};

struct Stream {
    int device;
    bool blocking; /* shares the queue of the device's default stream */
    Queue own;
};

struct Device {
    explicit Device(int index) : memory(index)
    {
    }
    Memory memory;
    cudaError_t sticky = cudaSuccess;
    int64_t launches = 0;
    Queue common; /* of the default stream and the blocking ones */
    std::map<cudaStream_t, std::unique_ptr<Stream>> streams;
};

struct Failure {
    int64_t call = 0; /* number of the call that fails; 0: none */
    cudaError_t code = cudaSuccess;
    bool sticky = false;
};

struct State {
    std::recursive_mutex lock;
    std::vector<std::unique_ptr<Device>>
        devices; /* always max_devices; `count` of them are shown */
    int count = 1;
    int first = 0; /* of the machine's */
    size_t memory_bytes = (size_t)4 << 30;
    bool late = false, trace = false;
    int64_t calls = 0, launches = 0, loaded_launches = 0, libraries = 0, rounds = 0;
    std::set<std::string> launched; /* names of kernels */
    Failure failure;
    std::map<const void *, size_t> dynamic_limits; /* by kernel */

    State();
};

/* The one state; it is never destroyed, since other static objects may still give memory back. */
State &state();

/* Of the calling thread, as in CUDA. */
extern thread_local int current_index;
extern thread_local cudaError_t last_error;
Device &current_device();

/* The queue of a stream, NULL (the default stream) included; `device` may be NULL. NULL if there is no such. */
Queue *queue_of(cudaStream_t stream, int *device);

/* Run now, or at the next synchronize with LEHR_DEVICE_STREAMS=late. */
void enqueue(Queue &queue, std::function<void()> work);

/* All queues of a device. */
void for_each_queue(Device &device, const std::function<void(Queue &)> &visit);

/* Before something that work may need is given back: run the work, or forget it where the device is lost. */
void drain(Device &device);

} // namespace runtime

#endif
