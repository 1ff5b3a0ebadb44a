/* switch.h: stacks of their own, and going from one to another; told to ASan and TSan.
 *
 * x86-64 changes stacks in a dozen instructions; other machines use ucontext (-DLEHR_DEVICE_UCONTEXT chooses it
 * everywhere).                                                                                            */
#ifndef LEHR_DEVICE_SWITCH_H
#define LEHR_DEVICE_SWITCH_H

#include <cstddef>

#if !defined(__x86_64__) && !defined(LEHR_DEVICE_UCONTEXT)
#define LEHR_DEVICE_UCONTEXT
#endif
#ifdef LEHR_DEVICE_UCONTEXT
#include <ucontext.h>
#endif

namespace fibers
{

struct Context {
    void *stack_pointer = nullptr; /* while it does not run */
    char *stack = nullptr;         /* lowest usable byte */
    size_t stack_bytes = 0;
    void *asan_fake_stack = nullptr;
    void *tsan_fiber = nullptr;
#ifdef LEHR_DEVICE_UCONTEXT
    ucontext_t machine;
#endif
};

/* A new stack with a guard page below it, on which entry() starts at the first switch; it never returns. */
void make_context(Context &context, size_t stack_bytes, void (*entry)());
void free_context(Context &context);

/* Make `context` stand for the thread that calls this, so that it can be left and come back to. */
void adopt_thread(Context &context);

/* Leave `from` for `to`; comes back when somebody switches to `from`. */
void switch_context(Context &from, Context &to);

/* The first thing that an entry function calls. */
void entered();

/* Memory effects before release(object) are seen after a later acquire(object). Only TSan needs it. */
void release(void *object);
void acquire(void *object);

/* Begin again at entry() on a fresh stack, for TSan as a thread of which nothing is ordered yet. The old identity
 * is handed back and must be kept for a while: a reused one would hide races. destroy_identity takes NULL. */
void *renew_context(Context &context, void (*entry)());
void destroy_identity(void *identity);

/* TSan: races on this memory are not reported. ASan: touching it is an error, or none any more. */
void ignore_races(void *memory, size_t bytes);
void forbid(const void *memory, size_t bytes);
void allow(const void *memory, size_t bytes);

} // namespace fibers

#endif
