/* warp.h: shuffles, votes and reductions of a warp, from the one exchange of fibers.h. */
#ifndef LEHR_DEVICE_WARP_H
#define LEHR_DEVICE_WARP_H

#include <cstring>

#include "device/fibers.h"

namespace fibers
{

template <class T> uint64_t to_word(T value)
{
    static_assert(sizeof(T) <= 8, "a lane exchanges at most 8 bytes");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    return word;
}

template <class T> T from_word(uint64_t word)
{
    T value;
    memcpy(&value, &word, sizeof value);
    return value;
}

/* The value of lane `source`; the lane's own where `inside` is false. A lane that the mask does not name gives
 * all bits set: CUDA leaves it undefined. */
template <class T> T shuffle(unsigned mask, T value, int source, bool inside, Place place)
{
    const uint64_t *words = exchange(mask, Exchange::shuffle, to_word(value), place);
    if (!inside)
        return value;
    return from_word<T>(mask >> source & 1 ? words[source] : ~(uint64_t)0);
}

template <class T> T shuffle_index(Place place, unsigned mask, T value, int source, int width = 32)
{
    const int first = current->lane & ~(width - 1);
    return shuffle(mask, value, first + (source & (width - 1)), true, place);
}

template <class T> T shuffle_xor(Place place, unsigned mask, T value, int bits, int width = 32)
{
    const int source = (current->lane ^ bits) & 31, segment = ~(width - 1);
    return shuffle(mask, value, source, (source & segment) <= (current->lane & segment), place);
}

template <class T>
T shuffle_down(Place place, unsigned mask, T value, unsigned delta, int width = 32)
{
    const int source = current->lane + (int)delta;
    const bool inside = (current->lane & (width - 1)) + (int)delta < width;
    return shuffle(mask, value, source & 31, inside, place);
}

template <class T> T shuffle_up(Place place, unsigned mask, T value, unsigned delta, int width = 32)
{
    const int source = current->lane - (int)delta;
    const bool inside = (current->lane & (width - 1)) >= (int)delta;
    return shuffle(mask, value, source & 31, inside, place);
}

inline void sync_warp(Place place, unsigned mask = 0xffffffffu)
{
    exchange(mask, Exchange::sync, 0, place);
}

/* For a macro whose arguments may be none: SyncWarp{place}() or SyncWarp{place}(mask). */
struct SyncWarp {
    Place place;
    void operator()(unsigned mask = 0xffffffffu) const
    {
        sync_warp(place, mask);
    }
};

inline unsigned ballot(Place place, unsigned mask, bool predicate)
{
    const uint64_t *words = exchange(mask, Exchange::vote, predicate, place);
    unsigned result = 0;
    for (int lane = 0; lane < 32; lane++)
        if (mask >> lane & 1 && words[lane])
            result |= 1u << lane;
    return result;
}

/* The lanes of the mask that hold the same value. */
template <class T> unsigned match_any(Place place, unsigned mask, T value)
{
    const uint64_t *words = exchange(mask, Exchange::match, to_word(value), place);
    unsigned result = 0;
    for (int lane = 0; lane < 32; lane++)
        if (mask >> lane & 1 && words[lane] == to_word(value))
            result |= 1u << lane;
    return result;
}

/* Values joined in lane order. */
template <class T, class Join> T reduce(Place place, unsigned mask, T value, Join join)
{
    const uint64_t *words = exchange(mask, Exchange::reduce, to_word(value), place);
    int lane = __builtin_ctz(mask);
    T result = from_word<T>(words[lane]);
    while (++lane < 32)
        if (mask >> lane & 1)
            result = join(result, from_word<T>(words[lane]));
    return result;
}

} // namespace fibers

#endif
