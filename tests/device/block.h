/* block.h: the resident block, as the scheduler (fibers.cpp) and what makes threads wait (waits.cpp) see it. */
#ifndef LEHR_DEVICE_BLOCK_H
#define LEHR_DEVICE_BLOCK_H

#include <memory>
#include <string>
#include <vector>

#include "device/fibers.h"
#include "device/switch.h"

namespace fibers
{

constexpr int max_threads = 1024;
constexpr int warp_lanes = 32;

enum class State { ready, at_barrier, in_warp, done };

struct Fiber : Thread {
    Context context;
    State state;
    Place place; /* where it waits */
    int index;   /* inside its block */
};

/* The lanes of one mask on their way through one exchange after another. */
struct Meeting {
    unsigned mask = 0, arrived = 0;
    Exchange kind;
    Place place;
    unsigned generation = 0;
    uint64_t words[2][warp_lanes];
};

/* Objects that order memory for TSan. Two each, used in turn: with one, the arrival of a fast thread at the next
 * barrier would seem to order it before a slow thread that leaves this one. */
struct Orders {
    char barrier[2];
    char warp[max_threads / warp_lanes][warp_lanes][2]; /* of a warp, of a meeting */
};

struct Warp {
    Meeting meeting[warp_lanes];
    unsigned next = 0;
};

struct Barrier {
    int waiting = 0;
    Place place;
    bool all, any;
    int count, result;
    unsigned generation = 0;
};

/* The ready fibers, in the order in which they became ready. */
struct Queue {
    int index[max_threads];
    int head = 0, size = 0;

    int &at(int i)
    {
        return index[(head + i) % max_threads];
    }
    void push(int fiber)
    {
        at(size++) = fiber;
    }
    int pop_first()
    {
        const int fiber = at(0);
        head = (head + 1) % max_threads;
        size--;
        return fiber;
    }
    int pop_last()
    {
        return at(--size);
    }
};

struct Block {
    int threads, alive;
    Barrier barrier;
    std::vector<Warp> warps;
    Queue ready;
    char *shared;
    Orders *orders;
};

enum class Turn { forward, reverse, random };

struct Settings {
    Turn turn = Turn::forward;
    uint64_t random = 1;
    std::string skip_file;
    int skip_line = 0;
    bool apart = false;
};

extern Block block;
extern Settings settings; /* of this launch */

/* The running fiber, and one of the block by its index. */
Fiber &running();
Fiber &fiber_at(int index);

/* Let it run when its turn comes. */
void make_ready(int index);

/* Run the next ready fiber, or the host where there is none; back when it is the caller's turn again. */
void give_way();

} // namespace fibers

#endif
