/* ptxrt.h: what the C++ made by ptx2c.py needs: PTX's arithmetic where C++ has another or none, memory access,
 * and the tables in which a translated file shows its kernels.
 *
 * Not here: barriers and warps (device/fibers.h, device/warp.h), launches (registry.cpp). The NaN that an operation
 * makes has the host's bits, not the device's 0x7fffffff.
 *
 * Compile the result with -ffp-contract=off, and with -mfma or -march=x86-64-v3, or every fma calls libm.    */
#ifndef LEHR_DEVICE_PTX_PTXRT_H
#define LEHR_DEVICE_PTX_PTXRT_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "device/fibers.h"
#include "device/warp.h"

namespace ptx
{

/* ---- tables ---- */

struct Param {
    size_t offset, bytes;
};

/* Bytes of shared memory that belong to no variable. */
struct Gap {
    size_t offset, bytes;
};

struct Kernel {
    const char *name;
    void (*run)(const char *parameters, size_t shared_bytes); /* one thread, from fibers::launch */
    const Param *params;
    size_t param_count, param_bytes;
    const Gap *gaps;      /* the last one is empty */
    size_t static_shared; /* bytes on the device */
    size_t shared_offset; /* bytes here, up to where dynamic shared memory begins */
    size_t local_bytes;   /* of arrays, per thread */
    int max_threads;      /* per block, from .maxntid */
};

struct Variable {
    const char *name;
    void *address;
    size_t bytes;
};

/* Arrays that end with a NULL name. */
struct Tables {
    const Kernel *kernels;
    const Variable *variables;
};

/* A translated file that is linked into the program. */
struct Module {
    Tables tables;
    const Module *next;
    static const Module *first;
    explicit Module(Tables these) : tables(these), next(first)
    {
        first = this;
    }
};

/* A library that is loaded at run time shows its tables by name instead. */
#ifdef LEHR_PTX_LIBRARY
#define LEHR_PTX_PUBLISH(kernels, variables)                                                       \
    extern "C" __attribute__((visibility("default"))) const ptx::Tables lehr_ptx_tables;           \
    const ptx::Tables lehr_ptx_tables = {kernels, variables};
#else
#define LEHR_PTX_PUBLISH(kernels, variables)                                                       \
    static const ptx::Module module_of_this_file({kernels, variables});
#endif

/* ---- bits ---- */

template <class To, class From> inline To bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "bits are copied between types of one size");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

template <class T> constexpr uint32_t width = 8 * sizeof(T);

template <class T> inline T shift_left(T a, uint32_t count)
{
    return count < width<T> ? (T)(a << count) : (T)0;
}

template <class T> inline T shift_right(T a, uint32_t count)
{
    if (std::is_signed<T>::value)
        return (T)(a >> (count < width<T> ? count : width<T> - 1));
    return count < width<T> ? (T)(a >> count) : (T)0;
}

inline uint32_t count_ones(uint64_t a)
{
    return (uint32_t)__builtin_popcountll(a);
}

inline uint32_t leading_zeros(uint32_t a)
{
    return a ? (uint32_t)__builtin_clz(a) : 32;
}

inline uint32_t leading_zeros(uint64_t a)
{
    return a ? (uint32_t)__builtin_clzll(a) : 64;
}

template <class T> inline T reverse_bits(T a)
{
    T result = 0;
    for (uint32_t bit = 0; bit < width<T>; bit++)
        result |= (a >> bit & 1) << (width<T> - 1 - bit);
    return result;
}

/* bfind: the highest bit that differs from the sign, all ones if there is none. */
template <class T> inline uint32_t find_bit(T a, bool as_shift)
{
    using U = typename std::make_unsigned<T>::type;
    const U wanted = a < 0 ? (U)~a : (U)a;
    if (wanted == 0)
        return ~0u;
    return as_shift ? leading_zeros(wanted) : width<T> - 1 - leading_zeros(wanted);
}

/* The lowest `count` bits set. */
template <class U> inline U low_mask(uint32_t count)
{
    return count < width<U> ? (U)(((U)1 << count) - 1) : (U) ~(U)0;
}

/* bfe: `count` bits from `first`, extended by the highest of them where T is signed. */
template <class T> inline T extract(T a, uint32_t first, uint32_t count)
{
    using U = typename std::make_unsigned<T>::type;
    first &= 255, count &= 255;
    if (count == 0)
        return 0;
    const uint32_t last = first + count - 1 < width<T> ? first + count - 1 : width<T> - 1;
    const bool extend = std::is_signed<T>::value && ((U)a >> last & 1);
    const U mask = first < width<T> ? low_mask<U>(last - first + 1) : 0;
    const U field = shift_right((U)a, first) & mask;
    return (T)(extend ? field | (U)~mask : field);
}

/* bfi: the low `count` bits of a over those of b from `first`. */
template <class U> inline U insert(U a, U b, uint32_t first, uint32_t count)
{
    first &= 255, count &= 255;
    const U mask = shift_left(low_mask<U>(count), first);
    return (shift_left(a, first) & mask) | (b & (U)~mask);
}

/* prmt: four bytes out of eight; with bit 3 of a selector, the byte's sign eight times. */
inline uint32_t permute(uint32_t a, uint32_t b, uint32_t selectors)
{
    const uint64_t bytes = (uint64_t)b << 32 | a;
    uint32_t result = 0;
    for (int n = 0; n < 4; n++) {
        const uint32_t selector = selectors >> (4 * n) & 15;
        const uint32_t byte = (uint32_t)(bytes >> (8 * (selector & 7))) & 255;
        result |= (selector & 8 ? (byte & 128 ? 255u : 0u) : byte) << (8 * n);
    }
    return result;
}

/* ---- integers ---- */

/* Of mul24: the low 24 bits, by sign, wide enough for the product. */
inline int64_t low24(int32_t a)
{
    return (int32_t)((uint32_t)a << 8) >> 8;
}

inline uint64_t low24(uint32_t a)
{
    return a & 0xffffffu;
}

/* The device gives some value for a zero divisor; a program that asks for it is wrong. */
template <class T> inline T quotient(T a, T b)
{
    if (b == 0)
        fibers::fail("integer division by zero");
    if (std::is_signed<T>::value && b == (T)-1)
        return (T)(0 - (typename std::make_unsigned<T>::type)a);
    return (T)(a / b);
}

template <class T> inline T remainder(T a, T b)
{
    if (b == 0)
        fibers::fail("integer remainder by zero");
    return std::is_signed<T>::value && b == (T)-1 ? (T)0 : (T)(a % b);
}

/* cvt.sat and add.sat: into the range of To. */
template <class To, class From> inline To clamp(From from)
{
    const __int128 value = from, low = std::numeric_limits<To>::min(),
                   high = std::numeric_limits<To>::max();
    return (To)(value < low ? low : value > high ? high : value);
}

/* ---- floats ---- */

inline float fma(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}

inline double fma(double a, double b, double c)
{
    return __builtin_fma(a, b, c);
}

inline float absolute(float a)
{
    return __builtin_fabsf(a);
}

inline double absolute(double a)
{
    return __builtin_fabs(a);
}

inline float square_root(float a)
{
    return __builtin_sqrtf(a);
}

inline double square_root(double a)
{
    return __builtin_sqrt(a);
}

inline float nearest(float a)
{
    return __builtin_rintf(a);
}

inline double nearest(double a)
{
    return __builtin_rint(a);
}

template <class T> inline T copy_sign(T magnitude, T sign)
{
    return std::copysign(magnitude, sign);
}

/* .ftz: a subnormal counts as zero. PTX has it for .f32 alone, and for approximations of .f64. */
template <class T> inline T flush(T a)
{
    return absolute(a) < std::numeric_limits<T>::min() ? copy_sign((T)0, a) : a;
}

/* .sat: into [0, 1]; NaN becomes 0. */
template <class T> inline T saturate(T a)
{
    return !(a > 0) ? (T)0 : a > 1 ? (T)1 : a;
}

template <class T> inline bool unordered(T a, T b)
{
    return a != a || b != b;
}

template <class T> inline T nan()
{
    return std::numeric_limits<T>::quiet_NaN();
}

/* The number wins over NaN, -0 is less than +0. */
template <class T> inline T minimum(T a, T b)
{
    if (a != a)
        return b;
    if (b != b)
        return a;
    return a < b || (a == b && std::signbit(a)) ? a : b;
}

template <class T> inline T maximum(T a, T b)
{
    if (a != a)
        return b;
    if (b != b)
        return a;
    return a > b || (a == b && !std::signbit(a)) ? a : b;
}

/* cvt to an integer: out of range gives the nearest end; NaN gives 0 between types of at most 32 bits, and the
 * highest bit alone otherwise (PTX ISA 9.0, cvt). */
template <class To, class From> inline To to_integer(From rounded)
{
    using U = typename std::make_unsigned<To>::type;
    using Limits = std::numeric_limits<To>;
    if (rounded != rounded)
        return sizeof(To) == 8 || sizeof(From) == 8 ? (To)((U)1 << (width<To> - 1)) : (To)0;
    if (rounded <= (From)Limits::min())
        return Limits::min();
    return rounded >= (From)Limits::max() ? Limits::max() : (To)rounded;
}

template <class T> inline bool is_finite(T a)
{
    return absolute(a) <= std::numeric_limits<T>::max();
}

template <class T> inline bool is_infinite(T a)
{
    return absolute(a) > std::numeric_limits<T>::max();
}

template <class T> inline bool is_number(T a)
{
    return a == a;
}

template <class T> inline bool is_notanumber(T a)
{
    return a != a;
}

template <class T> inline bool is_normal(T a)
{
    return absolute(a) >= std::numeric_limits<T>::min() && is_finite(a);
}

template <class T> inline bool is_subnormal(T a)
{
    return a != 0 && absolute(a) < std::numeric_limits<T>::min();
}

/* ---- memory ---- */

/* Device memory changes its type from one access to the next. */
template <class T> struct __attribute__((may_alias)) Cell {
    T value;
};

/* volatile, relaxed, acquire, release: never torn, never a race. */
template <class T> inline T strong_load(const T *p)
{
    T value;
    __atomic_load(p, &value, __ATOMIC_ACQUIRE);
    return value;
}

template <class T> inline void strong_store(T *p, T value)
{
    __atomic_store(p, &value, __ATOMIC_RELEASE);
}

[[noreturn, gnu::cold, gnu::noinline]] inline void misaligned(const char *p, unsigned bytes)
{
    fibers::fail("misaligned access of %u bytes at %p", bytes, (const void *)p);
}

inline void check_alignment(const char *p, unsigned bytes)
{
    if (__builtin_expect((uintptr_t)p & (bytes - 1), 0))
        misaligned(p, bytes);
}

template <class T> inline T *atomic_address(char *p)
{
    check_alignment(p, sizeof(T));
    return (T *)p;
}

template <class T, class Join> inline T atomic(T *p, T by, Join join)
{
    T old;
    __atomic_load(p, &old, __ATOMIC_RELAXED);
    for (;;) {
        T joined = join(old, by);
        if (__atomic_compare_exchange(p, &old, &joined, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return old;
    }
}

template <class T> inline T compare_and_swap(T *p, T expected, T wanted)
{
    __atomic_compare_exchange(p, &expected, &wanted, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}

inline void fence()
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* ---- shuffles: PTX ISA 9.0, shfl.sync; bounds is (32 - segment) << 8 | clamp ---- */

struct Source {
    int lane;
    bool inside;
};

struct Segment {
    int lane, first, last, mask;
    explicit Segment(uint32_t bounds)
        : lane(fibers::current->lane), first(lane & (int)(bounds >> 8 & 31)),
          last(first | (int)(bounds & 31 & ~(bounds >> 8))), mask((int)(bounds >> 8 & 31))
    {
    }
};

inline Source source_up(uint32_t delta, uint32_t bounds)
{
    const Segment segment(bounds);
    const int lane = segment.lane - (int)(delta & 31);
    return {lane & 31, lane >= segment.last};
}

inline Source source_down(uint32_t delta, uint32_t bounds)
{
    const Segment segment(bounds);
    const int lane = segment.lane + (int)(delta & 31);
    return {lane & 31, lane <= segment.last};
}

inline Source source_bfly(uint32_t bits, uint32_t bounds)
{
    const Segment segment(bounds);
    const int lane = segment.lane ^ (int)(bits & 31);
    return {lane, lane <= segment.last};
}

inline Source source_idx(uint32_t index, uint32_t bounds)
{
    const Segment segment(bounds);
    const int lane = segment.first | (int)(index & 31 & ~(uint32_t)segment.mask);
    return {lane, lane <= segment.last};
}

} // namespace ptx

#endif
