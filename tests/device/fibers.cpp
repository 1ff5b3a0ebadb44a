/* fibers.cpp: launches and the scheduler. What makes threads wait is in waits.cpp, stacks and what the sanitizers
 * are told in switch.cpp.
 *
 * One block is resident at a time. Its fibers wait in one queue; a fiber that must wait hands over to the next,
 * and the last one to the host.                                                                            */
#include "device/block.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

/* All __shared__ variables of kernels compiled by g++ (shim/cuda_runtime.h). */
extern "C" {
extern char __start_lehr_shared[] __attribute__((weak));
extern char __stop_lehr_shared[] __attribute__((weak));
}

namespace fibers
{

Thread *current;
Index3 block_size, grid_size;
Block block;
Settings settings;

namespace
{

/* Fibers are made once, used by every launch and freed when the process ends. */
struct Pool {
    std::vector<std::unique_ptr<Fiber>> fibers;

    ~Pool()
    {
        for (auto &fiber : fibers)
            free_context(fiber->context);
    }
};

Pool pool;
Fiber host; /* the thread that launches */
const Grid *launched;
const std::function<void()> *kernel_body;
char start_order, end_order;

/* ---- settings ---- */

void read_order(const char *text)
{
    static uint64_t launches;
    launches++;
    if (!text)
        return;
    if (!strcmp(text, "reverse"))
        settings.turn = Turn::reverse;
    else if (!strncmp(text, "random", 6)) {
        const uint64_t seed = text[6] == ':' ? strtoull(text + 7, nullptr, 0) : 0;
        settings.turn = Turn::random;
        settings.random = (seed * 2654435769u + launches) * 0x9E3779B97F4A7C15u | 1;
    } else if (strcmp(text, "forward") != 0)
        fail("LEHR_DEVICE_ORDER=%s is not forward, reverse or random:SEED", text);
}

void read_settings()
{
    settings = Settings();
    read_order(getenv("LEHR_DEVICE_ORDER"));
    if (const char *skip = getenv("LEHR_DEVICE_SKIP")) {
        const char *colon = strrchr(skip, ':');
        settings.skip_line = atoi(colon ? colon + 1 : skip);
        settings.skip_file = colon ? std::string(skip, colon) : "";
    }
    const char *blocks = getenv("LEHR_DEVICE_BLOCKS");
    settings.apart = blocks && !strcmp(blocks, "apart");
}

uint64_t random_number() /* Marsaglia's xorshift64 */
{
    settings.random ^= settings.random << 13;
    settings.random ^= settings.random >> 7;
    settings.random ^= settings.random << 17;
    return settings.random;
}

/* ---- the scheduler ---- */

void switch_to(Fiber &next)
{
    Fiber &from = running();
    if (&from == &next)
        return;
    current = &next;
    switch_context(from.context, next.context);
}

Fiber &next_fiber()
{
    Queue &ready = block.ready;
    if (!ready.size)
        return host;
    if (settings.turn == Turn::reverse)
        return fiber_at(ready.pop_last());
    if (settings.turn == Turn::random)
        std::swap(ready.at(0), ready.at((int)(random_number() % (uint64_t)ready.size)));
    return fiber_at(ready.pop_first());
}

void finish_thread()
{
    release(&end_order);
    running().state = State::done;
    block.alive--;
    const Barrier &barrier = block.barrier;
    if (barrier.waiting)
        fail("thread returned while %d thread(s) wait at __syncthreads %s:%d", barrier.waiting,
             barrier.place.file, barrier.place.line);
    give_way();
}

/* Where every fiber begins; it runs one thread after another. */
void fiber_main()
{
    entered();
    for (;;) {
        acquire(&start_order);
        (*kernel_body)();
        finish_thread();
    }
}

[[noreturn]] void fail_deadlock()
{
    static const char *const what[] = {"is ready", "__syncthreads", "warp exchange", "done"};
    for (int i = 0; i < block.threads; i++) {
        const Fiber &fiber = fiber_at(i);
        if (fiber.state != State::done)
            fprintf(stderr, "test device:  thread %d waits (%s) at %s:%d\n", i,
                    what[(int)fiber.state], fiber.place.file, fiber.place.line);
    }
    const Index3 id = pool.fibers[0]->block;
    fail("deadlock in block (%u,%u,%u)", id.x, id.y, id.z);
}

/* ---- shared memory ---- */

constexpr size_t shared_alignment = 128;
constexpr size_t zone_bytes = 128; /* behind dynamic shared memory; must stay as it is */
constexpr char zone_fill = (char)0xa5;

size_t padded(size_t bytes)
{
    return (bytes + shared_alignment - 1) / shared_alignment * shared_alignment + zone_bytes;
}

char *make_shared_memory(size_t bytes)
{
    char *memory = static_cast<char *>(aligned_alloc(shared_alignment, padded(bytes)));
    if (!memory)
        fail("no host memory for %zu bytes of shared memory", bytes);
    memset(memory + bytes, zone_fill, padded(bytes) - bytes);
    forbid(memory + bytes, padded(bytes) - bytes);
    return memory;
}

void free_shared_memory(char *memory, size_t bytes)
{
    allow(memory, padded(bytes));
    free(memory);
}

/* No sanitizer: this is what it guards. No memset, which sanitizers replace. */
__attribute__((no_sanitize("address"))) void check_zone(const char *memory, size_t bytes)
{
    for (size_t i = bytes; i < padded(bytes); i++)
        if (static_cast<const volatile char *>(memory)[i] != zone_fill)
            fail("the kernel wrote %zu bytes behind its %zu bytes of dynamic shared memory",
                 i - bytes, bytes);
}

/* All bits set: every float and double that is read before it is written is a NaN. */
__attribute__((no_sanitize("address"))) void forget_static_shared()
{
    for (volatile char *p = __start_lehr_shared; p < __stop_lehr_shared; p++)
        *p = (char)0xff;
}

/* ---- a launch ---- */

size_t stack_bytes()
{
    const char *text = getenv("LEHR_DEVICE_STACK");
    return text ? strtoull(text, nullptr, 0) : 256 * 1024;
}

void make_fibers(int count)
{
    while ((int)pool.fibers.size() < count) {
        auto fiber = std::make_unique<Fiber>();
        make_context(fiber->context, stack_bytes(), fiber_main);
        fiber->index = (int)pool.fibers.size();
        pool.fibers.push_back(std::move(fiber));
    }
}

Index3 unfold(unsigned number, Index3 size)
{
    return {number % size.x, number / size.x % size.y, number / (size.x * size.y)};
}

/* Field by field: kernels read the words, and TSan would see a memset of them from outside their block. */
void reset_warps(size_t count)
{
    if (block.warps.size() < count)
        block.warps.resize(count);
    for (Warp &warp : block.warps)
        for (Meeting &meeting : warp.meeting)
            meeting.mask = meeting.arrived = 0;
}

void start_block(unsigned number, char *shared_memory, Orders *orders)
{
    const int threads = (int)(block_size.x * block_size.y * block_size.z);
    block.threads = block.alive = threads;
    block.barrier.waiting = 0;
    block.ready.size = 0;
    reset_warps((size_t)(threads / warp_lanes));
    block.shared = shared_memory;
    block.orders = orders;
    memset(shared_memory, 0xff, launched->shared_bytes);
    forget_static_shared();
    for (int i = 0; i < threads; i++) {
        Fiber &fiber = fiber_at(i);
        fiber.thread = unfold((unsigned)i, block_size);
        fiber.block = unfold(number, grid_size);
        fiber.lane = i % warp_lanes;
        fiber.warp = i / warp_lanes;
        make_ready(i);
    }
    release(&start_order);
}

void run_block()
{
    give_way(); /* back when no fiber is ready */
    if (block.alive)
        fail_deadlock();
    check_zone(block.shared, launched->shared_bytes);
}

/* Every block after the one before it has ended, as far as TSan knows. */
void run_blocks_in_turn(unsigned blocks)
{
    static Orders orders;
    char *memory = make_shared_memory(launched->shared_bytes);
    for (unsigned number = 0; number < blocks; number++) {
        start_block(number, memory, &orders);
        run_block();
        acquire(&end_order);
    }
    free_shared_memory(memory, launched->shared_bytes);
}

/* What blocks that are not ordered must not share: identities, stacks, shared memory, objects of order. */
struct Apart {
    std::vector<void *> identities;
    std::vector<char *> memory;
    std::vector<std::unique_ptr<Orders>> orders;

    void end()
    {
        acquire(&end_order);
        for (void *identity : identities)
            destroy_identity(identity);
        for (char *one : memory)
            free_shared_memory(one, launched->shared_bytes);
        *this = Apart();
    }
};

/* TSan keeps some 8000 threads apart; after so many, the next blocks are ordered behind the earlier ones. */
constexpr size_t max_identities = 6000;

void run_blocks_apart(unsigned blocks)
{
    Apart apart;
    ignore_races(__start_lehr_shared, (size_t)(__stop_lehr_shared - __start_lehr_shared));
    for (unsigned number = 0; number < blocks; number++) {
        const size_t threads = block_size.x * block_size.y * block_size.z;
        if (apart.identities.size() + threads > max_identities)
            apart.end();
        for (size_t i = 0; i < threads; i++)
            apart.identities.push_back(renew_context(fiber_at((int)i).context, fiber_main));
        apart.memory.push_back(make_shared_memory(launched->shared_bytes));
        apart.orders.push_back(std::make_unique<Orders>());
        start_block(number, apart.memory.back(), apart.orders.back().get());
        run_block();
    }
    apart.end();
}

} // namespace

/* ---- for waits.cpp ---- */

Fiber &running()
{
    return *static_cast<Fiber *>(current);
}

Fiber &fiber_at(int index)
{
    return *pool.fibers[(size_t)index];
}

void make_ready(int index)
{
    fiber_at(index).state = State::ready;
    block.ready.push(index);
}

void give_way()
{
    switch_to(next_fiber());
}

/* ---- the interface ---- */

void fail(const char *format, ...)
{
    fprintf(stderr, "test device: error");
    if (launched)
        fprintf(stderr, " in kernel %s", launched->name);
    if (current && current != &host)
        fprintf(stderr, " block (%u,%u,%u) thread (%u,%u,%u)", current->block.x, current->block.y,
                current->block.z, current->thread.x, current->thread.y, current->thread.z);
    fprintf(stderr, ": ");
    va_list values;
    va_start(values, format);
    (void)vfprintf(stderr, format, values);
    va_end(values);
    fprintf(stderr, "\n");
    (void)fflush(stderr);
    _exit(failed_status);
}

void launch(const Grid &grid, const std::function<void()> &body)
{
    launched = &grid;
    kernel_body = &body;
    read_settings();
    const unsigned threads = grid.block.x * grid.block.y * grid.block.z;
    if (threads < 1 || threads > max_threads || threads % warp_lanes)
        fail("a block of %u threads is no multiple of 32 up to 1024", threads);
    grid_size = grid.grid;
    block_size = grid.block;
    make_fibers((int)threads);
    adopt_thread(host.context);
    current = &host;
    const unsigned blocks = grid.grid.x * grid.grid.y * grid.grid.z;
    if (settings.apart)
        run_blocks_apart(blocks);
    else
        run_blocks_in_turn(blocks);
    current = nullptr;
    launched = nullptr;
}

void *shared()
{
    return block.shared;
}

} // namespace fibers
