/* state.cpp: the state of the stand-in runtime, calls that count and fail, and control.h. */
#include "device/state.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "device/control.h"
#include "device/runtime.h"

namespace runtime
{

thread_local int current_index;
thread_local cudaError_t last_error;

static Failure failure_from(const char *text)
{
    Failure failure;
    char *rest = nullptr;
    failure.call = strtoll(text, &rest, 10);
    if (*rest != ':')
        fibers::fail("LEHR_DEVICE_FAIL=%s is not N:CODE or N:CODE:sticky", text);
    failure.code = (cudaError_t)strtol(rest + 1, &rest, 10);
    failure.sticky = !strcmp(rest, ":sticky");
    if (*rest && !failure.sticky)
        fibers::fail("LEHR_DEVICE_FAIL=%s is not N:CODE or N:CODE:sticky", text);
    return failure;
}

State::State()
{
    for (int i = 0; i < max_devices; i++)
        devices.push_back(std::make_unique<Device>(i));
    if (const char *text = getenv("LEHR_DEVICE_COUNT"))
        count = atoi(text);
    if (const char *text = getenv("LEHR_DEVICE_FIRST"))
        first = atoi(text);
    if (const char *text = getenv("LEHR_DEVICE_MEMORY"))
        memory_bytes = strtoull(text, nullptr, 0);
    if (const char *text = getenv("LEHR_DEVICE_FAIL"))
        failure = failure_from(text);
    const char *streams = getenv("LEHR_DEVICE_STREAMS");
    late = streams && !strcmp(streams, "late");
    trace = getenv("LEHR_DEVICE_TRACE") != nullptr;
    if (count < -1 || count > max_devices)
        fibers::fail("LEHR_DEVICE_COUNT=%d is not -1 to %d", count, max_devices);
}

State &state()
{
    static State *const one = new State();
    return *one;
}

Device &current_device()
{
    return *state().devices[(size_t)current_index];
}

/* ---- streams ---- */

void Queue::run()
{
    std::vector<std::function<void()>> due;
    due.swap(work);
    for (auto &one : due)
        one();
}

void Queue::settle()
{
    run();
    std::vector<std::function<void()>> due;
    due.swap(landings);
    for (auto &one : due)
        one();
}

Queue *queue_of(cudaStream_t stream, int *device)
{
    if (!stream) {
        if (device)
            *device = current_index;
        return &current_device().common;
    }
    for (auto &owner : state().devices) {
        const auto found = owner->streams.find(stream);
        if (found == owner->streams.end())
            continue;
        if (device)
            *device = found->second->device;
        return found->second->blocking ? &owner->common : &found->second->own;
    }
    return nullptr;
}

void enqueue(Queue &queue, std::function<void()> work)
{
    if (state().late)
        queue.work.push_back(std::move(work));
    else
        work();
}

void for_each_queue(Device &device, const std::function<void(Queue &)> &visit)
{
    visit(device.common);
    for (auto &stream : device.streams)
        visit(stream.second->own);
}

void drain(Device &device)
{
    for_each_queue(device, [&](Queue &queue) {
        if (device.sticky)
            queue.work.clear();
        else
            queue.run();
    });
}

/* ---- a call ---- */

static cudaError_t missing_device(int count)
{
    return count < 0 ? cudaErrorInsufficientDriver : cudaErrorNoDevice;
}

/* What this call must return before it does anything; cudaSuccess: nothing stands against it. */
static cudaError_t verdict(int device)
{
    State &s = state();
    const bool known = device >= 0 && device < max_devices;
    if (known && s.devices[(size_t)device]->sticky)
        return s.devices[(size_t)device]->sticky;
    if (s.failure.call && s.calls == s.failure.call) {
        if (s.failure.sticky)
            s.devices[(size_t)(known ? device : current_index)]->sticky = s.failure.code;
        return s.failure.code;
    }
    if (device == Entry::no_device)
        return cudaSuccess;
    if (s.count <= 0)
        return missing_device(s.count);
    return device < 0 || device >= s.count ? cudaErrorInvalidDevice : cudaSuccess;
}

Entry::Entry(const char *name, int device) : name_(name), status_(cudaSuccess)
{
    state().lock.lock();
    state().calls++;
    done(verdict(device == current_device ? current_index : device));
}

Entry::~Entry()
{
    if (state().trace)
        fprintf(stderr, "test device: call %lld %s: %d\n", (long long)state().calls, name_,
                (int)status_);
    state().lock.unlock();
}

cudaError_t Entry::done(cudaError_t code)
{
    status_ = code;
    if (code)
        last_error = code;
    return code;
}

void count_loaded_launch()
{
    state().loaded_launches++;
}

void count_round()
{
    state().rounds++;
}

void count_libraries(int change)
{
    state().libraries += change;
}

} // namespace runtime

/* ---- control.h ---- */

using namespace runtime;
using Lock = std::lock_guard<std::recursive_mutex>;

void lehr_device_fail_at(int64_t n, int code, bool sticky)
{
    Lock lock(state().lock);
    state().failure = {n ? state().calls + n : 0, (cudaError_t)code, sticky};
}

int64_t lehr_device_calls(void)
{
    Lock lock(state().lock);
    return state().calls;
}

int64_t lehr_device_loaded_launches(void)
{
    Lock lock(state().lock);
    return state().loaded_launches;
}

bool lehr_device_launched(const char *kernel)
{
    Lock lock(state().lock);
    return state().launched.count(kernel) > 0;
}

int64_t lehr_device_rounds(void)
{
    Lock lock(state().lock);
    return state().rounds;
}

int64_t lehr_device_launches(void)
{
    Lock lock(state().lock);
    return state().launches;
}

int64_t lehr_device_launches_on(int device)
{
    Lock lock(state().lock);
    return device >= 0 && device < max_devices ? state().devices[(size_t)device]->launches : 0;
}

lehr_device_alive lehr_device_live(void)
{
    Lock lock(state().lock);
    lehr_device_alive live = {0, 0, 0, state().libraries};
    for (const auto &device : state().devices) {
        live.allocations += device->memory.count();
        live.bytes += (int64_t)device->memory.used();
        live.streams += (int64_t)device->streams.size();
    }
    return live;
}

void lehr_device_set_count(int count)
{
    Lock lock(state().lock);
    if (count < -1 || count > max_devices)
        fibers::fail("lehr_device_set_count(%d)", count);
    state().count = count;
}

void lehr_device_set_memory(int64_t bytes)
{
    Lock lock(state().lock);
    state().memory_bytes = (size_t)bytes;
}

void lehr_device_reset(void)
{
    State &s = state();
    Lock lock(s.lock);
    for (int i = 0; i < max_devices; i++)
        s.devices[(size_t)i] = std::make_unique<Device>(i);
    s.calls = s.launches = s.loaded_launches = s.libraries = s.rounds = 0;
    s.launched.clear();
    s.failure = Failure();
    s.dynamic_limits.clear();
    current_index = 0;
    last_error = cudaSuccess;
}
