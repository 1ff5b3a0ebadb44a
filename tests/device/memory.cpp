/* memory.cpp: see memory.h. */
#include "device/memory.h"

#include <cstdlib>
#include <cstring>

#include "device/fibers.h"
#include "device/switch.h"

namespace runtime
{

constexpr size_t granule = 256; /* alignment, and unit of what an allocation uses up */
constexpr size_t zone_bytes = 256;
constexpr unsigned char zone_fill = 0xa5;

static size_t rounded(size_t bytes)
{
    return (bytes + granule - 1) / granule * granule;
}

/* The zone behind begins at the byte after the last, so it is somewhat longer than the one before. */
static size_t zone_behind(size_t bytes)
{
    return rounded(bytes) - bytes + zone_bytes;
}

Memory::~Memory()
{
    give_back_all();
}

void *Memory::take(size_t bytes, size_t total)
{
    if (bytes > total || rounded(bytes) > total - used_)
        return nullptr;
    char *first = static_cast<char *>(
        aligned_alloc(granule, zone_bytes + rounded(bytes) + zone_bytes));
    if (!first)
        return nullptr;
    char *memory = first + zone_bytes;
    memset(first, zone_fill, zone_bytes);
    memset(memory, 0xff, bytes);
    memset(memory + bytes, zone_fill, zone_behind(bytes));
    fibers::forbid(first, zone_bytes + bytes + zone_behind(bytes));
    allocations_[memory] = {bytes, ++made_};
    used_ += rounded(bytes);
    return memory;
}

bool Memory::give_back(void *pointer, const char *call)
{
    const auto found = allocations_.find(static_cast<char *>(pointer));
    if (found == allocations_.end())
        return false;
    check_zone(*found, call);
    const size_t bytes = found->second.bytes;
    char *first = found->first - zone_bytes;
    fibers::allow(first, zone_bytes + bytes + zone_behind(bytes));
    free(first);
    used_ -= rounded(bytes);
    allocations_.erase(found);
    return true;
}

void Memory::give_back_all()
{
    while (!allocations_.empty())
        give_back(allocations_.begin()->first, "the end");
}

Memory::Map::const_iterator Memory::at_or_below(const void *pointer) const
{
    auto above = allocations_.upper_bound(static_cast<char *>(const_cast<void *>(pointer)));
    return above == allocations_.begin() ? allocations_.end() : --above;
}

bool Memory::contains(const void *pointer, size_t bytes) const
{
    const auto found = at_or_below(pointer);
    if (found == allocations_.end())
        return false;
    const size_t offset = (size_t)(static_cast<const char *>(pointer) - found->first);
    return offset < found->second.bytes && bytes <= found->second.bytes - offset;
}

bool Memory::touches(const void *pointer, size_t bytes) const
{
    const char *first = static_cast<const char *>(pointer), *end = first + bytes;
    for (const auto &[memory, allocation] : allocations_)
        if (first < memory + allocation.bytes + zone_behind(allocation.bytes) &&
            end > memory - zone_bytes)
            return true;
    return false;
}

bool Memory::knows(const void *pointer) const
{
    const auto found = at_or_below(pointer);
    return found != allocations_.end() && pointer <= found->first + found->second.bytes;
}

void Memory::open() const
{
    for (const auto &[memory, allocation] : allocations_)
        fibers::allow(memory, allocation.bytes);
}

void Memory::close() const
{
    for (const auto &[memory, allocation] : allocations_)
        fibers::forbid(memory, allocation.bytes);
}

void Memory::check_zones(const char *call) const
{
    for (const auto &allocation : allocations_)
        check_zone(allocation, call);
}

/* The first byte that differs, or `bytes`. No sanitizer: this is what it guards. */
__attribute__((no_sanitize("address"))) static size_t first_change(const char *zone, size_t bytes)
{
    size_t i = 0;
    while (i < bytes && reinterpret_cast<const volatile unsigned char *>(zone)[i] == zone_fill)
        i++;
    return i;
}

void Memory::check_zone(const Map::value_type &allocation, const char *call) const
{
    const size_t bytes = allocation.second.bytes, behind = zone_behind(bytes);
    const long long number = (long long)allocation.second.number;
    const size_t before = first_change(allocation.first - zone_bytes, zone_bytes);
    if (before < zone_bytes)
        fibers::fail("%s: allocation %lld of device %d (%zu bytes) was written %zu bytes before "
                     "its first byte",
                     call, number, device_, bytes, zone_bytes - before);
    const size_t after = first_change(allocation.first + bytes, behind);
    if (after < behind)
        fibers::fail("%s: allocation %lld of device %d (%zu bytes) was written %zu bytes behind "
                     "its last byte",
                     call, number, device_, bytes, after + 1);
}

} // namespace runtime
