/* The heap door: zeroed and aligned, checked sizes, countable, able to fail. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

Test(memory, new_memory_is_zero_and_aligned)
{
    static const size_t counts[] = {0, 1, 15, 16, 17, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        float *values = NULL;
        cr_assert_eq(LEHR_NEW(values, counts[i], "values"), LEHR_OK);
        cr_assert_not_null(values);
        cr_assert_eq((uintptr_t)values % 64, 0);
        for (size_t j = 0; j < counts[i]; j++)
            cr_assert_eq(values[j], 0.0f);
        LEHR_FREE(values);
        cr_assert_null(values);
        LEHR_FREE(values); /* and once more: nothing happens */
    }
    lehr_memory_free(NULL);
}

Test(memory, absurd_sizes_fail_and_leave_the_pointer)
{
    static const struct {
        size_t count, size;
    } cases[] = {
        {SIZE_MAX, 1},        {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX / 8, 9},
        {(size_t)1 << 62, 4}, {(size_t)1 << 40, 1},
    };
    int there = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *memory = &there;
        cr_assert_eq(lehr_memory_new(cases[i].count, cases[i].size, "rows", &memory),
                     LEHR_ERR_MEMORY);
        cr_assert_eq(memory, &there);
        cr_assert_not_null(strstr(lehr_error(), "out of memory: rows"));
        memory = NULL;
        cr_assert_eq(lehr_memory_grow(cases[i].count, cases[i].size, "rows", &memory),
                     LEHR_ERR_MEMORY);
        cr_assert_null(memory);
    }
}

Test(memory, growing_keeps_the_content_also_on_failure)
{
    void *memory = NULL;
    cr_assert_eq(lehr_memory_grow(4, 1, "text", &memory), LEHR_OK);
    memcpy(memory, "abc", 4);
    cr_assert_eq(lehr_memory_grow(1 << 20, 1, "text", &memory), LEHR_OK);
    cr_assert_str_eq((char *)memory, "abc");
    lehr_memory_fail_at(1);
    cr_assert_eq(lehr_memory_grow(1 << 21, 1, "text", &memory), LEHR_ERR_MEMORY);
    cr_assert_str_eq((char *)memory, "abc");
    lehr_memory_free(&memory);
}

Test(memory, the_nth_allocation_fails_once)
{
    void *memory[4] = {NULL};
    const int64_t before = lehr_memory_count();
    lehr_memory_fail_at(3);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lehr_memory_new(1, 8, "a block", &memory[i]),
                     i == 2 ? LEHR_ERR_MEMORY : LEHR_OK);
    cr_assert_eq(lehr_memory_count() - before, 4);
    lehr_memory_fail_at(1);
    lehr_memory_fail_at(0);
    cr_assert_eq(lehr_memory_new(1, 8, "a block", &memory[2]), LEHR_OK);
    for (int i = 0; i < 4; i++)
        lehr_memory_free(&memory[i]);
}

static void *allocate_many(void *failures)
{
    for (int i = 0; i < 1000; i++) {
        void *memory = NULL;
        *(int *)failures += lehr_memory_new(1, 8, "a block", &memory) != LEHR_OK;
        lehr_memory_free(&memory);
    }
    return NULL;
}

Test(memory, threads_count_together_and_one_of_them_fails)
{
    pthread_t thread[4];
    int failures[4] = {0}, all = 0;
    const int64_t before = lehr_memory_count();
    lehr_memory_fail_at(2000);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, allocate_many, &failures[i]), 0);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(pthread_join(thread[i], NULL), 0);
        all += failures[i];
    }
    cr_assert_eq(lehr_memory_count() - before, 4000);
    cr_assert_eq(all, 1);
}

Test(memory, size_arithmetic_sees_overflow)
{
    size_t out = 7;
    cr_assert(lehr_size_mul(3, 5, &out));
    cr_assert_eq(out, 15);
    cr_assert(lehr_size_add(SIZE_MAX - 1, 1, &out));
    cr_assert_eq(out, SIZE_MAX);
    cr_assert_not(lehr_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    cr_assert_not(lehr_size_add(SIZE_MAX, 1, &out));
}
