/* race.c: a test whose threads race, built with the thread sanitizer only. Like leak.c: ctest must see it. */
#include <criterion/criterion.h>
#include <pthread.h>

static int counter;

static void *count(void *data)
{
    counter++;
    return data;
}

Test(house, a_test_that_races)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, count, NULL), 0);
    counter++;
    pthread_join(thread, NULL);
}
