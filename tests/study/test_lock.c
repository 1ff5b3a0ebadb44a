/* One process at a time: taken, taken over, broken. Two descriptors of one process are two holders. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/lock.h"
#include "study/output.h"
#include "study/scratch.h"

TestSuite(lock, .init = scratch_make, .fini = scratch_remove);

static lehr_dir open_folder(void)
{
    lehr_dir dir = {.fd = -1};
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    return dir;
}

Test(lock, has_one_holder_who_is_named)
{
    lehr_dir dir = open_folder();
    lehr_lock first, second;
    char pid[64];
    cr_assert_eq(lehr_lock_take(&dir, "4711", false, &first), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_lock_take(&dir, "", false, &second), LEHR_ERR_EXISTS);
    snprintf(pid, sizeof pid, "in use by process %ld on ", (long)getpid());
    cr_assert(strstr(lehr_error(), pid), "%s", lehr_error());
    cr_assert(strstr(lehr_error(), "(job 4711), started 20"), "%s", lehr_error());
    cr_assert_eq(lehr_lock_check(&first), LEHR_OK);
    lehr_lock_release(&first);
    lehr_lock_release(&first);
    cr_assert_eq(lehr_lock_take(&dir, "", false, &second), LEHR_OK, "%s", lehr_error());
    cr_assert(strstr(scratch_read("lock"), "\"generation\":2,"), "%s", scratch_read("lock"));
    lehr_lock_release(&second);
    lehr_dir_close(&dir);
}

/* The kernel lets go of a lock when its process dies, however it does. */
Test(lock, of_a_killed_process_is_free)
{
    lehr_dir dir = open_folder();
    lehr_lock lock;
    int pipes[2];
    char ready;
    cr_assert_eq(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        if (lehr_lock_take(&dir, "", false, &lock) == LEHR_OK && write(pipes[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    cr_assert_eq(read(pipes[0], &ready, 1), 1);
    cr_assert_eq(lehr_lock_take(&dir, "", false, &lock), LEHR_ERR_EXISTS);
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert(scratch_has("lock"));
    cr_assert_eq(lehr_lock_take(&dir, "", false, &lock), LEHR_OK, "%s", lehr_error());
    lehr_lock_release(&lock);
    lehr_dir_close(&dir);
}

Test(lock, that_is_broken_stops_its_holder_before_any_file_gets_its_name)
{
    lehr_dir zombie = open_folder(), dir = open_folder();
    lehr_lock old, new, third;
    int log;
    lehr_output output;
    cr_assert_eq(lehr_lock_take(&zombie, "7", false, &old), LEHR_OK);
    zombie.lock = &old;
    cr_assert_eq(lehr_output_whole(&zombie, "x", "old", 3), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_log_create(&zombie, "log", &log), LEHR_OK);
    cr_assert_eq(lehr_output_begin(&zombie, "x", 3, &output), LEHR_OK);
    cr_assert_eq(lehr_output_write(&output, "bad", 3), LEHR_OK);

    cr_assert_eq(lehr_lock_take(&dir, "8", true, &new), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_lock_take(&dir, "", false, &third), LEHR_ERR_EXISTS, "the new one is held");
    cr_assert(strstr(lehr_error(), "(job 8)"), "%s", lehr_error());
    cr_assert_eq(lehr_output_commit(&output), LEHR_ERR_EXISTS);
    cr_assert(strstr(lehr_error(), "was taken over by process") && strstr(lehr_error(), "(job 8)"),
              "%s", lehr_error());
    cr_assert_eq(lehr_output_whole(&zombie, "x", "bad", 3), LEHR_ERR_EXISTS);
    cr_assert_eq(lehr_output_whole_new(&zombie, "y", "bad", 3), LEHR_ERR_EXISTS);
    cr_assert_eq(lehr_log_append(&zombie, "log", log, "bad\n", 4), LEHR_ERR_EXISTS);
    cr_assert_str_eq(scratch_read("x"), "old");
    cr_assert_str_eq(scratch_read("log"), "");
    cr_assert_eq(lehr_lock_check(&new), LEHR_OK);
    cr_assert_eq(scratch_count("."), 3, "x, log, lock: no temporary is left");
    close(log);
    lehr_lock_release(&old);
    lehr_lock_release(&new);
    lehr_dir_close(&zombie);
    lehr_dir_close(&dir);
}

Test(lock, that_is_gone_is_not_held)
{
    lehr_dir dir = open_folder();
    lehr_lock lock;
    cr_assert_eq(lehr_lock_take(&dir, "", false, &lock), LEHR_OK);
    cr_assert_eq(unlink(scratch("lock")), 0);
    cr_assert_eq(lehr_lock_check(&lock), LEHR_ERR_EXISTS);
    cr_assert(strstr(lehr_error(), "is gone"), "%s", lehr_error());
    lehr_lock_release(&lock);
    lehr_dir_close(&dir);
}

Test(lock, can_be_asked_for_without_being_taken)
{
    lehr_dir dir = open_folder();
    lehr_lock lock;
    cr_assert_eq(lehr_lock_ask(scratch("none")), LEHR_OK);
    cr_assert_eq(lehr_lock_ask(scratch_folder), LEHR_OK);
    cr_assert_not(scratch_has("lock"));
    cr_assert_eq(lehr_lock_take(&dir, "9", false, &lock), LEHR_OK);
    cr_assert_eq(lehr_lock_ask(scratch_folder), LEHR_ERR_EXISTS);
    cr_assert(strstr(lehr_error(), "(job 9)"), "%s", lehr_error());
    lehr_lock_release(&lock);
    cr_assert_eq(lehr_lock_ask(scratch_folder), LEHR_OK);
    lehr_dir_close(&dir);
}

/* A process can be killed while it writes the file, and anybody can write into it. */
Test(lock, with_any_words_in_it_can_be_taken)
{
    static const char *const texts[] = {"", "{", "[]", "{\"generation\":\"x\",\"pid\":{}}",
                                        "{\"generation\":41,\"host\":\"\\u001b[31m\"}"};
    lehr_dir dir = open_folder();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lehr_lock lock, other;
        scratch_write("lock", texts[i], strlen(texts[i]));
        cr_assert_eq(lehr_lock_take(&dir, "", false, &lock), LEHR_OK, "%s: %s", texts[i],
                     lehr_error());
        cr_assert_eq(lehr_lock_check(&lock), LEHR_OK, "%s", lehr_error());
        scratch_write("lock", texts[i], strlen(texts[i]));
        cr_assert_eq(lehr_lock_take(&dir, "", false, &other), LEHR_ERR_EXISTS);
        cr_assert_null(strchr(lehr_error(), '\x1b'), "%s", lehr_error());
        lehr_lock_release(&lock);
    }
    static char huge[3 * LEHR_LOCK_BYTES];
    lehr_lock lock;
    memset(huge, '9', sizeof huge - 1);
    scratch_write("lock", huge, sizeof huge);
    cr_assert_eq(lehr_lock_take(&dir, huge, false, &lock), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_lock_check(&lock), LEHR_OK);
    lehr_lock_release(&lock);
    cr_assert_eq(symlink("elsewhere", scratch("link")), 0);
    cr_assert_eq(rename(scratch("link"), scratch("lock")), 0);
    cr_assert_eq(lehr_lock_take(&dir, "", false, &lock), LEHR_ERR_IO, "links are not followed");
    lehr_dir_close(&dir);
}
