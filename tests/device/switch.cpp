/* switch.cpp: see switch.h. */
#include "device/switch.h"

#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef LEHR_DEVICE_TSAN
#ifdef __SANITIZE_THREAD__
#error "compile the fibers without -fsanitize=thread: the scheduler must not be seen"
#endif
extern "C" {
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void *__tsan_get_current_fiber();
void __tsan_acquire(void *object);
void __tsan_release(void *object);
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *memory, size_t bytes,
                             const char *why);
}
#endif

namespace fibers
{

/* ---- what the sanitizers are told ---- */

void release(void *object)
{
#ifdef LEHR_DEVICE_TSAN
    __tsan_release(object);
#endif
    (void)object;
}

void acquire(void *object)
{
#ifdef LEHR_DEVICE_TSAN
    __tsan_acquire(object);
#endif
    (void)object;
}

static void *new_identity()
{
#ifdef LEHR_DEVICE_TSAN
    return __tsan_create_fiber(0);
#else
    return nullptr;
#endif
}

void destroy_identity(void *identity)
{
#ifdef LEHR_DEVICE_TSAN
    if (identity)
        __tsan_destroy_fiber(identity);
#endif
    (void)identity;
}

void ignore_races(void *memory, size_t bytes)
{
#ifdef LEHR_DEVICE_TSAN
    AnnotateBenignRaceSized(__FILE__, __LINE__, memory, bytes, "another block's");
#endif
    (void)memory, (void)bytes;
}

void forbid(const void *memory, size_t bytes)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(memory, bytes);
#endif
    (void)memory, (void)bytes;
}

void allow(const void *memory, size_t bytes)
{
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(memory, bytes);
#endif
    (void)memory, (void)bytes;
}

static void leaving(Context &from, const Context &to)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&from.asan_fake_stack, to.stack, to.stack_bytes);
#endif
#ifdef LEHR_DEVICE_TSAN
    __tsan_switch_to_fiber(to.tsan_fiber, 1); /* 1: a switch orders nothing */
#endif
    (void)from, (void)to;
}

static void arrived(void *asan_fake_stack)
{
#ifdef __SANITIZE_ADDRESS__
    const void *stack;
    size_t bytes;
    __sanitizer_finish_switch_fiber(asan_fake_stack, &stack, &bytes);
#endif
    (void)asan_fake_stack;
}

void entered()
{
    arrived(nullptr);
}

void adopt_thread(Context &context)
{
#ifdef __SANITIZE_ADDRESS__
    pthread_attr_t attributes;
    void *stack;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &stack, &context.stack_bytes);
    pthread_attr_destroy(&attributes);
    context.stack = (char *)stack;
#endif
#ifdef LEHR_DEVICE_TSAN
    context.tsan_fiber = __tsan_get_current_fiber();
#endif
    (void)context;
}

/* ---- stacks ---- */

constexpr size_t guard_bytes = 4096;

static void allocate_stack(Context &context, size_t bytes)
{
    bytes = (bytes + guard_bytes - 1) / guard_bytes * guard_bytes;
    void *pages = mmap(nullptr, bytes + guard_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages, guard_bytes, PROT_NONE)) {
        perror("test device: no stack for a thread");
        abort();
    }
    context.stack = (char *)pages + guard_bytes;
    context.stack_bytes = bytes;
}

static void free_stack(Context &context)
{
    allow(context.stack, context.stack_bytes); /* frames that were never left */
    munmap(context.stack - guard_bytes, context.stack_bytes + guard_bytes);
}

void free_context(Context &context)
{
    free_stack(context);
    destroy_identity(context.tsan_fiber);
    context = Context();
}

/* TSan forgets what happened on a stack when it is unmapped. */
void *renew_context(Context &context, void (*entry)())
{
    void *identity = context.tsan_fiber;
    const size_t bytes = context.stack_bytes;
    free_stack(context);
    make_context(context, bytes, entry);
    return identity;
}

/* ---- the machine's part ---- */

#ifdef LEHR_DEVICE_UCONTEXT

void make_context(Context &context, size_t stack_bytes, void (*entry)())
{
    allocate_stack(context, stack_bytes);
    context.tsan_fiber = new_identity();
    getcontext(&context.machine);
    context.machine.uc_stack.ss_sp = context.stack;
    context.machine.uc_stack.ss_size = context.stack_bytes;
    context.machine.uc_link = nullptr;
    makecontext(&context.machine, entry, 0);
}

void switch_context(Context &from, Context &to)
{
    leaving(from, to);
    swapcontext(&from.machine, &to.machine);
    arrived(from.asan_fake_stack);
}

#else

/* Push what the System V ABI lets a callee keep, change stacks, pop the same from the other. The control words of
 * the floating-point units are alike in all fibers and stay. */
extern "C" void lehr_device_change_stacks(void **from, void *to);
asm(R"(
    .text
    .globl lehr_device_change_stacks
    .type lehr_device_change_stacks, @function
lehr_device_change_stacks:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size lehr_device_change_stacks, .-lehr_device_change_stacks
)");

void make_context(Context &context, size_t stack_bytes, void (*entry)())
{
    constexpr int saved_registers = 6;
    allocate_stack(context, stack_bytes);
    context.tsan_fiber = new_identity();
    void **top = (void **)(context.stack + context.stack_bytes - 16);
    *--top =
        nullptr; /* entry's return address: it has none, and finds the stack aligned as after a call */
    *--top = (void *)entry;
    for (int i = 0; i < saved_registers; i++)
        *--top = nullptr;
    context.stack_pointer = top;
}

void switch_context(Context &from, Context &to)
{
    leaving(from, to);
    lehr_device_change_stacks(&from.stack_pointer, to.stack_pointer);
    arrived(from.asan_fake_stack);
}

#endif

} // namespace fibers
