/* leak.c: a test that leaks, built with the address sanitizer only. Criterion passes it; ctest must see the
 * report in its output, as in the output of every other test (.cmake/tests.cmake).                    */
#include <criterion/criterion.h>
#include <stdlib.h>

static void *volatile kept;

Test(house, a_test_that_leaks)
{
    kept = malloc(33);
    kept = NULL;
    cr_assert(1);
}
