/* The sentence of a failure: per thread, whole, and with words put before it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "base/status.h"

Test(status, names_and_exit_codes_are_those_of_the_list)
{
    cr_assert_str_eq(lehr_status_name(LEHR_OK), "ok");
    cr_assert_str_eq(lehr_status_name(LEHR_ERR_IO), "input or output failed");
    cr_assert_str_eq(lehr_status_name((lehr_status)-1), "unknown status");
    cr_assert_str_eq(lehr_status_name((lehr_status)1000), "unknown status");
    cr_assert_eq(lehr_status_exit_code(LEHR_OK), 0);
    cr_assert_eq(lehr_status_exit_code(LEHR_ERR_DATA), 2);
    cr_assert_eq(lehr_status_exit_code(LEHR_ERR_DEVICE), 69);
    cr_assert_eq(lehr_status_exit_code(LEHR_ERR_EXISTS), 73);
    cr_assert_eq(lehr_status_exit_code(LEHR_ERR_IO), 74);
    cr_assert_eq(lehr_status_exit_code((lehr_status)1000), 1);
}

static lehr_status check_rungs(int rungs)
{
    LEHR_CHECK(rungs >= 2, LEHR_ERR_ARG, "a ladder needs at least 2 rungs, got %d", rungs);
    return LEHR_OK;
}

static lehr_status pass_up(int rungs)
{
    LEHR_TRY(check_rungs(rungs));
    return LEHR_OK;
}

Test(status, a_failure_passes_up_with_its_sentence)
{
    cr_assert_str_eq(lehr_error(), "");
    cr_assert_eq(pass_up(2), LEHR_OK);
    cr_assert_eq(pass_up(1), LEHR_ERR_ARG);
    cr_assert_str_eq(lehr_error(), "a ladder needs at least 2 rungs, got 1");
    cr_assert_eq(lehr_fail_prefix(LEHR_ERR_DATA, "%s:%d: ", "a.csv", 3), LEHR_ERR_DATA);
    cr_assert_str_eq(lehr_error(), "a.csv:3: a ladder needs at least 2 rungs, got 1");
}

Test(status, a_sentence_may_quote_the_sentence_before)
{
    lehr_fail(LEHR_ERR_IO, "first");
    lehr_fail(LEHR_ERR_IO, "second after '%s'", lehr_error());
    cr_assert_str_eq(lehr_error(), "second after 'first'");
}

Test(status, what_is_too_long_is_cut_inside_its_room)
{
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    lehr_fail(LEHR_ERR_IO, "%s", longer);
    const size_t room = strlen(lehr_error());
    cr_assert(room >= 1024 && room < sizeof longer - 1);
    lehr_fail_prefix(LEHR_ERR_IO, "place: ");
    cr_assert_eq(strlen(lehr_error()), room);
    cr_assert_eq(strncmp(lehr_error(), "place: xxx", 10), 0);
    lehr_fail_prefix(LEHR_ERR_IO, "%s", longer);
    cr_assert_eq(strlen(lehr_error()), room);
}

static void *fail_elsewhere(void *data)
{
    lehr_fail(LEHR_ERR_IO, "elsewhere");
    *(int *)data = strcmp(lehr_error(), "elsewhere");
    return NULL;
}

Test(status, every_thread_has_its_own_sentence)
{
    pthread_t thread;
    int differs = 1;
    lehr_fail(LEHR_ERR_ARG, "here");
    cr_assert_eq(pthread_create(&thread, NULL, fail_elsewhere, &differs), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(differs, 0);
    cr_assert_str_eq(lehr_error(), "here");
}
