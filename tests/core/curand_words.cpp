/* curand_words.cpp: core/rng.h gives the words of cuRAND's Philox, and core/ compiles as C++. A program
 * of its own, built when the header of the CUDA toolkit is there: it is C++, and no part of lehr is.
 * Class EXACT: a million counters. Exit code 0 when all words agree.                              */
#include "core/rng.h"
#include "core/sum.h"

#include <cstdio>
#include <vector_types.h>

#define QUALIFIERS static inline
#include <curand_philox4x32_x.h>

static lehr_u64 splitmix(lehr_u64 &state)
{
    state += 0x9e3779b97f4a7c15ull;
    lehr_u64 z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

int main()
{
    lehr_u64 state = 77;
    for (int i = 0; i < 1000000; i++) {
        const lehr_u64 a = splitmix(state), b = splitmix(state), key = splitmix(state);
        const uint4 counter = {(lehr_u32)a, (lehr_u32)(a >> 32), (lehr_u32)b, (lehr_u32)(b >> 32)};
        const uint2 keys = {(lehr_u32)key, (lehr_u32)(key >> 32)};
        const uint4 right = curand_Philox4x32_10(counter, keys);
        const lehr_words ours = lehr_philox(counter.x, counter.y, counter.z, counter.w, keys.x,
                                            keys.y);
        if (ours.w[0] != right.x || ours.w[1] != right.y || ours.w[2] != right.z ||
            ours.w[3] != right.w) {
            std::printf("counter %d: our words are not cuRAND's\n", i);
            return 1;
        }
    }
    std::printf("1000000 counters: the words of cuRAND\n");
    return 0;
}
