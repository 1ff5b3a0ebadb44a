/* waits.cpp: what makes a thread wait: barriers of the block and exchanges of the warp. */
#include "device/block.h"

#include <cstring>

namespace fibers
{

namespace
{

bool skipped(Place place)
{
    if (place.line != settings.skip_line)
        return false;
    const std::string file = place.file, &end = settings.skip_file;
    return file.size() >= end.size() && !file.compare(file.size() - end.size(), end.size(), end);
}

/* ---- a barrier ---- */

void open_barrier()
{
    block.barrier.waiting = 0;
    block.barrier.generation++;
    for (int i = 0; i < block.threads; i++)
        if (fiber_at(i).state == State::at_barrier)
            make_ready(i);
}

bool same_place(Place a, Place b)
{
    return a.line == b.line && (a.file == b.file || !strcmp(a.file, b.file));
}

void arrive(Place place)
{
    Barrier &barrier = block.barrier;
    if (!barrier.waiting) {
        barrier.place = place;
        barrier.all = true;
        barrier.any = false;
        barrier.count = 0;
    }
    if (!same_place(barrier.place, place))
        fail("divergent __syncthreads: this thread at %s:%d, others at %s:%d", place.file,
             place.line, barrier.place.file, barrier.place.line);
    if (block.alive < block.threads)
        fail("__syncthreads at %s:%d after %d thread(s) of the block returned", place.file,
             place.line, block.threads - block.alive);
    barrier.waiting++;
}

/* ---- a warp exchange ---- */

/* A free one is taken in turn: some lanes of its last exchange may still have to read their words. */
Meeting &meeting_of(Warp &warp, unsigned mask)
{
    for (Meeting &meeting : warp.meeting)
        if (meeting.mask == mask)
            return meeting;
    for (int tries = 0; tries < warp_lanes; tries++) {
        Meeting &meeting = warp.meeting[warp.next++ % warp_lanes];
        if (!meeting.arrived) {
            meeting.mask = mask;
            return meeting;
        }
    }
    fail("more than %d warp masks wait at once", warp_lanes);
}

void check_mask(const Fiber &self, unsigned mask, Place place)
{
    if (!(mask >> self.lane & 1))
        fail("%s:%d: lane %d calls a warp intrinsic whose mask %08x does not name it", place.file,
             place.line, self.lane, mask);
    for (unsigned rest = mask; rest; rest &= rest - 1) {
        const int lane = __builtin_ctz(rest);
        if (fiber_at(self.warp * warp_lanes + lane).state == State::done)
            fail("%s:%d: mask %08x names lane %d, which has returned", place.file, place.line, mask,
                 lane);
    }
}

void join_meeting(Meeting &meeting, Exchange kind, Place place)
{
    if (!meeting.arrived) {
        meeting.kind = kind;
        meeting.place = place;
    }
    if (meeting.kind != kind || meeting.place.line != place.line)
        fail("divergent warp intrinsic: lane %d at %s:%d, others at %s:%d", current->lane,
             place.file, place.line, meeting.place.file, meeting.place.line);
}

/* The last lane has come: the others go on after it, or in any order where the order is random. */
void end_meeting(Meeting &meeting, const Fiber &self)
{
    meeting.arrived = 0;
    meeting.generation++;
    for (unsigned rest = meeting.mask; rest; rest &= rest - 1) {
        const int fiber = self.warp * warp_lanes + __builtin_ctz(rest);
        if (fiber != self.index)
            make_ready(fiber);
    }
    if (settings.turn == Turn::random) {
        make_ready(self.index);
        give_way();
    }
}

} // namespace

/* ---- the interface ---- */

int barrier_reduce(Reduce kind, int predicate, Place place)
{
    Barrier &barrier = block.barrier;
    void *order = &block.orders->barrier[barrier.generation & 1];
    Fiber &self = running();
    release(order);
    arrive(place);
    barrier.all &= predicate != 0;
    barrier.any |= predicate != 0;
    barrier.count += predicate != 0;
    self.state = State::at_barrier;
    self.place = place;
    if (barrier.waiting == block.alive) {
        barrier.result = kind == Reduce::all   ? barrier.all
                         : kind == Reduce::any ? barrier.any
                                               : barrier.count;
        open_barrier();
    }
    give_way();
    acquire(order);
    return barrier.result;
}

void barrier(Place place)
{
    if (!skipped(place))
        barrier_reduce(Reduce::all, 0, place);
}

const uint64_t *exchange(unsigned mask, Exchange kind, uint64_t value, Place place)
{
    Fiber &self = running();
    Warp &warp = block.warps[(size_t)self.warp];
    Meeting &meeting = meeting_of(warp, mask);
    const unsigned side = meeting.generation & 1;
    const uint64_t *words = meeting.words[side];
    const bool ordering = kind == Exchange::sync;
    void *order = &block.orders->warp[self.warp][&meeting - warp.meeting][side];
    if (ordering && skipped(place))
        return words;
    check_mask(self, mask, place);
    join_meeting(meeting, kind, place);
    if (ordering)
        release(order);
    meeting.words[side][self.lane] = value;
    meeting.arrived |= 1u << self.lane;
    if (meeting.arrived == mask)
        end_meeting(meeting, self);
    else {
        self.state = State::in_warp;
        self.place = place;
        give_way();
    }
    if (ordering)
        acquire(order);
    return words;
}

} // namespace fibers
