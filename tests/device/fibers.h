/* fibers.h: one fiber per CUDA thread, the blocks of a grid one after the other, on one CPU thread.
 *
 * Kernels compiled by g++ (shim/cuda_runtime.h) and kernels translated from PTX both run here. Every fiber
 * runs until it waits: at a block barrier or at a warp exchange. What CUDA leaves undefined is an error
 * that names the thread and the line: a barrier that not all threads reach, a warp mask with missing lanes,
 * a block that waits for ever. Dynamic shared memory starts as NaN in every block (all bits set).
 *
 * Not here: memory, devices and errors of the CUDA runtime (runtime.h), the device language
 * (shim/cuda_runtime.h). Not done at all: grid.sync() and clusters.
 *
 * Environment, read at every launch:
 *   LEHR_DEVICE_ORDER=forward | reverse | random:SEED   which ready thread runs next
 *   LEHR_DEVICE_SKIP=LINE | FILE:LINE                   __syncthreads and __syncwarp there do nothing
 *   LEHR_DEVICE_BLOCKS=apart    TSan only: blocks are unordered, so that races between them are seen
 *   LEHR_DEVICE_STACK=BYTES     of a fiber, read at the first launch; 262144 without it
 *
 * Compile this folder's .cpp with -fsanitize=address in an ASan build; in a TSan build without
 * -fsanitize=thread but with -DLEHR_DEVICE_TSAN, since what the scheduler does must not be seen.       */
#ifndef LEHR_DEVICE_FIBERS_H
#define LEHR_DEVICE_FIBERS_H

#include <cstddef>
#include <cstdint>
#include <functional>

namespace fibers
{

struct Index3 {
    unsigned x, y, z;
};

/* Where something was called, for messages. The file's text must live for ever. */
struct Place {
    const char *file;
    int line;
};
#define LEHR_HERE                                                                                  \
    fibers::Place                                                                                  \
    {                                                                                              \
        __FILE__, __LINE__                                                                         \
    }

/* What a CUDA thread may know of itself. */
struct Thread {
    Index3 thread, block; /* threadIdx, blockIdx */
    int lane, warp;       /* inside its block */
};

extern Thread *current; /* the running thread; NULL while the host runs */
extern Index3 block_size, grid_size;

struct Grid {
    const char *name; /* of the kernel, for messages */
    Index3 grid, block;
    size_t shared_bytes; /* per block; what shared() points to */
};

/* Run body once for every thread of the grid, to its end. Blocks are 32 to 1024 threads, in multiples of 32.
 * One launch at a time: the caller holds a lock. */
void launch(const Grid &grid, const std::function<void()> &body);

/* ---- for the running thread ---- */

/* The block's shared memory, aligned to 128 bytes. */
void *shared();

/* __syncthreads. */
void barrier(Place place);

/* __syncthreads_and, _or, _count. */
enum class Reduce { all, any, count };
int barrier_reduce(Reduce kind, int predicate, Place place);

/* All lanes of the mask give a value and get everybody's: 32 words, by lane, valid until the lane's exchange
 * after the next. The kinds differ only in that lanes must agree on them, and that sync alone orders memory. */
enum class Exchange { sync, shuffle, vote, reduce, match };
const uint64_t *exchange(unsigned mask, Exchange kind, uint64_t value, Place place);

/* Print the kernel, the thread and the message to stderr and end the process with status 99. */
constexpr int failed_status = 99;
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

} // namespace fibers

#endif
