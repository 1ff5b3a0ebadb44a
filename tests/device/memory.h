/* memory.h: the memory of one test device: allocations between red zones, closed to the host.
 *
 * An allocation starts as NaN (all bits set). The zones before and behind it must stay as they are; with ASan
 * they, and all memory while no kernel and no copy runs, may not be touched at all.                         */
#ifndef LEHR_DEVICE_MEMORY_H
#define LEHR_DEVICE_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <map>

namespace runtime
{

class Memory
{
  public:
    explicit Memory(int device) : device_(device)
    {
    }
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

    /* NULL if `total` would be passed or the host has no memory left. */
    void *take(size_t bytes, size_t total);
    bool give_back(void *pointer, const char *call);
    void give_back_all();

    bool contains(const void *pointer, size_t bytes) const; /* inside one allocation */
    bool touches(const void *pointer, size_t bytes) const;  /* any byte of any, zones too */
    bool knows(const void *pointer) const;                  /* inside one, or its end */

    /* Between these two, kernels and copies may touch it. */
    void open() const;
    void close() const;

    /* End the process if somebody wrote into a zone; `call` says where that was seen. */
    void check_zones(const char *call) const;

    int64_t count() const
    {
        return (int64_t)allocations_.size();
    }
    size_t used() const
    {
        return used_;
    }

  private:
    struct Allocation {
        size_t bytes;
        int64_t number; /* the how manieth of this device, from 1 */
    };
    using Map = std::map<char *, Allocation>;

    Map::const_iterator at_or_below(const void *pointer) const;
    void check_zone(const Map::value_type &allocation, const char *call) const;

    int device_;
    Map allocations_; /* by first byte */
    size_t used_ = 0;
    int64_t made_ = 0;
};

} // namespace runtime

#endif
