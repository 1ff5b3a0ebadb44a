/* cases.cpp: every instruction of cases.txt, over all combinations of its inputs' values, against plain C++.
 *
 * EXACT: bits are compared; only a NaN equals every NaN. cases.h is made by make_cases.py; the kernels run on fibers
 * without the CUDA runtime. The arrays stay small: about 2000 threads a row.                                 */
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "ptx/ptxrt.h"

const ptx::Module *ptx::Module::first;

using s8 = int8_t;
using u8 = uint8_t;
using u16 = uint16_t;
using s16 = int16_t;
using u32 = uint32_t;
using s32 = int32_t;
using u64 = uint64_t;
using s64 = int64_t;
using f32 = float;
using f64 = double;
using none = u32;

/* ---- values ---- */

static const std::vector<u16> u16_values = {0,      1,      2,      7,      127,   128,
                                            0x7fff, 0x8000, 0xffff, 0xfffe, 0x1234};
static const std::vector<s16> s16_values = {0, 1, -1, 2, -7, 127, -128, 32767, -32768};
static const std::vector<u32> u32_values = {
    0,          1,          2,           3,           5,           100,         255,
    256,        0x00ffffff, 0x01000001,  0x7fffffff,  0x80000000,  0x80000001,  0xffffffff,
    0xfffffffe, 0x12345678, 0xdeadbeefu, 0xd2511f53u, 0x9e3779b9u, 0x00010001u, 0xf0f0f0f0u};
static const std::vector<s32> s32_values = {
    0,   1,    -1,   2,     -2,      3,          -7,         100,         -100,
    255, -256, 4096, 65535, 1 << 24, -(1 << 25), 2147483647, -2147483647, INT32_MIN};
static const std::vector<u64> u64_values = {0,
                                            1,
                                            3,
                                            255,
                                            0xffffffff,
                                            0x100000000,
                                            0x7fffffffffffffff,
                                            0x8000000000000000,
                                            0xffffffffffffffff,
                                            0x123456789abcdef0,
                                            0x8000008000000001,
                                            0xdeadbeefcafe1234};
static const std::vector<s64> s64_values = {
    0,  1,          -1,        2,          -3,        1000000007,       -2147483648ll,
    -5, 2147483648, INT64_MAX, -INT64_MAX, INT64_MIN, 0x123456789abcdef};
static const std::vector<f32> f32_values = {
    0.0f,       -0.0f,         1.0f,           -1.0f,
    0.5f,       -0.5f,         1.5f,           2.5f,
    -2.5f,      3.0f,          0.1f,           1.0f / 3,
    100.25f,    -1e-40f,       1e-45f,         1.17549435e-38f,
    -1e10f,     16777217,      1e10f,          -7.75f,
    2147483647, 4294967040.0f, -2147483648.0f, 3e38f,
    3.4e38f,    -3.4e38f,      INFINITY,       -INFINITY,
    NAN};
static const std::vector<f64> f64_values = {
    0.0,     -0.0,   1.0,    -1.0,         0.5,           1.5,          -2.5, 3.0,   0.1,
    1.0 / 3, 1e-310, 5e-324, 2147483647.5, -2147483648.9, 4294967295.5, 1e10, -1e19, 9.3e18,
    1.9e19,  1e300,  -1e300, 1.7e308,      INFINITY,      -INFINITY,    NAN,  1e-40, 0.1f};
static const std::vector<u32> count_values = {0, 1, 4, 5, 7, 16, 31, 32, 33, 63, 64, 65, 200, 255};
static const std::vector<u32> udivisor_values = {1,   2,     3,          7,         10,
                                                 255, 65537, 0x80000000, 0xffffffff};
static const std::vector<s32> sdivisor_values = {1, -1, 2, -2, 3, -7, 1000, INT32_MAX, INT32_MIN};
static const std::vector<none> none_values = {0};

/* ---- what the expectations call ---- */

template <class To, class From> static To from_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "one size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

static u32 bits_of(f32 a)
{
    return from_bits<u32>(a);
}

static u64 bits_of(f64 a)
{
    return from_bits<u64>(a);
}

static u64 reversed(u64 a, int width)
{
    u64 result = 0;
    for (int bit = 0; bit < width; bit++)
        result = result << 1 | (a >> bit & 1);
    return result;
}

/* bfe and bfi bit by bit, as the manual writes them. */
static u64 bit_field(u64 a, u32 width, u32 first, u32 count, bool is_signed)
{
    const u32 top = std::min(first + count - 1, width - 1);
    const u64 sign = is_signed && count ? a >> top & 1 : 0;
    u64 result = 0;
    for (u32 bit = 0; bit < width; bit++) {
        const bool inside = bit < count && first + bit < width;
        result |= (inside ? a >> (first + bit) & 1 : sign) << bit;
    }
    return result;
}

static u64 bit_insert(u64 a, u64 b, u32 width, u32 first, u32 count)
{
    for (u32 bit = 0; bit < count && first + bit < width; bit++) {
        const u64 place = (u64)1 << (first + bit);
        b = a >> bit & 1 ? b | place : b & ~place;
    }
    return b;
}

static f32 flushed(f32 a)
{
    return std::fpclassify(a) == FP_SUBNORMAL ? std::copysign(0.0f, a) : a;
}

template <class T> static T lesser(T a, T b)
{
    if (std::isnan(a) || std::isnan(b))
        return std::isnan(a) ? b : a;
    if (a == b)
        return std::signbit(a) ? a : b;
    return std::min(a, b);
}

static f64 in_range(f64 a, f64 low, f64 high, f64 of_nan)
{
    return std::isnan(a) ? of_nan : std::min(std::max(a, low), high);
}

/* ---- the run ---- */

constexpr unsigned block = 256;
static int failures;

static const ptx::Kernel *kernel_number(int number)
{
    const std::string name = "case_" + std::to_string(number);
    for (const ptx::Kernel *kernel = ptx::Module::first->tables.kernels; kernel->name; kernel++)
        if (name == kernel->name)
            return kernel;
    fibers::fail("no kernel %s", name.c_str());
}

template <class T> static bool is_nan(T a)
{
    return a != a;
}

template <class T> static u64 as_word(T a)
{
    u64 word = 0;
    memcpy(&word, &a, sizeof a);
    return word;
}

struct Slots {
    std::vector<u64> a, b, c, out;
};

static void run_kernel(int number, Slots &slots)
{
    const ptx::Kernel *kernel = kernel_number(number);
    const u64 parameters[4] = {(u64)(uintptr_t)slots.a.data(), (u64)(uintptr_t)slots.b.data(),
                               (u64)(uintptr_t)slots.c.data(), (u64)(uintptr_t)slots.out.data()};
    const fibers::Grid grid = {kernel->name,
                               {(unsigned)slots.a.size() / block, 1, 1},
                               {block, 1, 1},
                               kernel->shared_offset};
    fibers::launch(grid, [&] { kernel->run((const char *)parameters, kernel->shared_offset); });
}

template <class D, class A, class B, class C> struct Case {
    int number;
    const char *text;
    D (*expected)(A, B, C);

    void run(const std::vector<A> &as, const std::vector<B> &bs, const std::vector<C> &cs) const
    {
        const size_t count = as.size() * bs.size() * cs.size();
        const size_t padded = (count + block - 1) / block * block;
        Slots slots;
        for (size_t i = 0; i < padded; i++) {
            slots.a.push_back(as_word(as[i % as.size()]));
            slots.b.push_back(as_word(bs[i / as.size() % bs.size()]));
            slots.c.push_back(as_word(cs[i / as.size() / bs.size() % cs.size()]));
        }
        slots.out.assign(padded, 0xa5a5a5a5a5a5a5a5);
        run_kernel(number, slots);
        for (size_t i = 0; i < count; i++)
            if (!compare(slots, i))
                return;
    }

    bool compare(const Slots &slots, size_t i) const
    {
        A a;
        B b;
        C c;
        D got;
        memcpy(&a, &slots.a[i], sizeof a);
        memcpy(&b, &slots.b[i], sizeof b);
        memcpy(&c, &slots.c[i], sizeof c);
        memcpy(&got, &slots.out[i], sizeof got);
        const D wanted = expected(a, b, c);
        if (as_word(got) == as_word(wanted) || (is_nan(got) && is_nan(wanted)))
            return true;
        failures++;
        printf("%s: of %.9g %.9g %.9g: %.9g (%llx), not %.9g (%llx)\n", text, (double)a, (double)b,
               (double)c, (double)got, (unsigned long long)as_word(got), (double)wanted,
               (unsigned long long)as_word(wanted));
        return false;
    }
};

/* clang-format off */
#define CASE(number, text, types, sets, expression)                                                \
    run_case<TYPES types>(number, text,                                                            \
        [](A_OF types a, B_OF types b, C_OF types c) -> D_OF types { (void)a, (void)b, (void)c; return expression; }, \
        VALUES sets);
#define TYPES(d, a, b, c)   d, a, b, c
#define D_OF(d, a, b, c)    d
#define A_OF(d, a, b, c)    a
#define B_OF(d, a, b, c)    b
#define C_OF(d, a, b, c)    c
#define VALUES(a, b, c)     a##_values, b##_values, c##_values
/* clang-format on */

static int cases;

template <class D, class A, class B, class C>
static void run_case(int number, const char *text, D (*expected)(A, B, C), const std::vector<A> &as,
                     const std::vector<B> &bs, const std::vector<C> &cs)
{
    cases++;
    Case<D, A, B, C>{number, text, expected}.run(as, bs, cs);
}

int main()
{
#include "cases.h"
    printf("%d instructions, %d differ\n", cases, failures);
    return failures > 0;
}
