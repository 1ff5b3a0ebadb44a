/* Directories and files of a run: whole or not there, never over what exists, never outside. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "study/directory.h"
#include "study/output.h"
#include "study/scratch.h"

TestSuite(output, .init = scratch_make, .fini = scratch_remove);
TestSuite(directory, .init = scratch_make, .fini = scratch_remove);

static lehr_dir open_scratch(void)
{
    lehr_dir dir;
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    return dir;
}

/* ---- directory ------------------------------------------------------------------------------- */

Test(directory, splits_a_path_into_parent_and_name)
{
    static const struct {
        const char *path, *parent, *name;
    } cases[] = {
        {"x", ".", "x"},     {"x/", ".", "x"},        {"a/b", "a", "b"},
        {"a/b//", "a", "b"}, {"a//b", "a", "b"},      {"/x", "/", "x"},
        {"//x", "/", "x"},   {"/a/b/c", "/a/b", "c"}, {"../x", "..", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
        cr_assert_eq(lehr_path_split(cases[i].path, parent, name), LEHR_OK);
        cr_assert_str_eq(parent, cases[i].parent, "case %zu", i);
        cr_assert_str_eq(name, cases[i].name, "case %zu", i);
    }
    char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX], huge[2 * LEHR_PATH_MAX];
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    cr_assert_eq(lehr_path_split("", parent, name), LEHR_ERR_ARG);
    cr_assert_eq(lehr_path_split("///", parent, name), LEHR_ERR_ARG);
    cr_assert_eq(lehr_path_split(huge, parent, name), LEHR_ERR_ARG);
    cr_assert_eq(lehr_path_join("a", huge, parent), LEHR_ERR_ARG);
}

Test(directory, refuses_names_that_lead_elsewhere)
{
    lehr_dir dir = open_scratch(), child;
    static const char *const bad[] = {"", ".", "..", "a/b", "/a", "a\nb", "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(lehr_dir_enter(&dir, bad[i], &child), LEHR_ERR_ARG, "'%s'", bad[i]);
    cr_assert_eq(symlink("/tmp", scratch("link")), 0);
    cr_assert_eq(lehr_dir_enter(&dir, "link", &child), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "symbolic link"), "%s", lehr_error());
    cr_assert_eq(scratch_count("."), 1);
    lehr_dir_close(&dir);
}

Test(directory, appears_once_with_what_is_in_it)
{
    lehr_dir dir = open_scratch(), first, second, third;
    char one[LEHR_NAME_MAX + 32], two[LEHR_NAME_MAX + 32], three[LEHR_NAME_MAX + 32];
    cr_assert_eq(lehr_dir_stage(&dir, "x", &first, one), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_dir_stage(&dir, "x", &second, two), LEHR_OK);
    cr_assert_str_eq(first.path, scratch("x"), "messages name the place");
    cr_assert_eq(lehr_output_whole(&first, "mine", "1", 1), LEHR_OK);
    cr_assert_not(scratch_has("x"));
    cr_assert_eq(lehr_dir_reveal(&dir, one, &first, "x"), LEHR_OK, "%s", lehr_error());
    cr_assert_str_eq(scratch_read("x/mine"), "1");
    cr_assert_eq(lehr_dir_reveal(&dir, two, &second, "x"), LEHR_ERR_EXISTS);
    cr_assert(strstr(lehr_error(), scratch("x")), "%s", lehr_error());
    cr_assert_eq(mkdir(scratch("empty"), 0755), 0);
    cr_assert_eq(lehr_dir_stage(&dir, "empty", &third, three), LEHR_OK);
    cr_assert_eq(lehr_dir_reveal(&dir, three, &third, "empty"), LEHR_ERR_EXISTS);
    lehr_dir_close(&first);
    lehr_dir_close(&first);
    lehr_dir_close(&second);
    lehr_dir_close(&third);
    lehr_dir_close(&dir);
    lehr_dir_close(NULL);
}

Test(directory, is_made_with_its_parents)
{
    lehr_dir dir;
    cr_assert_eq(lehr_dir_make(scratch("a/b/c"), &dir), LEHR_OK, "%s", lehr_error());
    lehr_dir_close(&dir);
    cr_assert_eq(lehr_dir_make(scratch("a//b/c/"), &dir), LEHR_OK);
    lehr_dir_close(&dir);
    scratch_write("file", "x", 1);
    cr_assert_eq(lehr_dir_make(scratch("file/x"), &dir), LEHR_ERR_IO);
    cr_assert_eq(lehr_dir_make(scratch("file"), &dir), LEHR_ERR_IO);
    cr_assert_eq(lehr_dir_open(scratch("none"), &dir), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), scratch("none")), "%s", lehr_error());
}

/* ---- output ---------------------------------------------------------------------------------- */

Test(output, replaces_a_file_whole)
{
    lehr_dir dir = open_scratch();
    scratch_write("x", "old and longer", 14);
    cr_assert_eq(lehr_output_whole(&dir, "x", "new", 3), LEHR_OK);
    cr_assert_str_eq(scratch_read("x"), "new");
    cr_assert_eq(scratch_count("."), 1, "no temporary is left");
    lehr_dir_close(&dir);
}

Test(output, that_must_be_new_never_replaces)
{
    lehr_dir dir = open_scratch();
    cr_assert_eq(lehr_output_whole_new(&dir, "x", "first", 5), LEHR_OK);
    cr_assert_eq(lehr_output_whole_new(&dir, "x", "second", 6), LEHR_ERR_EXISTS);
    cr_assert_str_eq(scratch_read("x"), "first");
    cr_assert_eq(symlink("nowhere", scratch("link")), 0);
    cr_assert_eq(lehr_output_whole_new(&dir, "link", "x", 1), LEHR_ERR_EXISTS);
    cr_assert_eq(scratch_count("."), 2);
    lehr_dir_close(&dir);
}

Test(output, replaces_a_symbolic_link_and_not_what_it_points_to)
{
    lehr_dir dir = open_scratch();
    scratch_write("target", "keep", 4);
    cr_assert_eq(symlink("target", scratch("x")), 0);
    cr_assert_eq(lehr_output_whole(&dir, "x", "new", 3), LEHR_OK);
    cr_assert_str_eq(scratch_read("target"), "keep");
    cr_assert_str_eq(scratch_read("x"), "new");
    lehr_dir_close(&dir);
}

Test(output, leaves_nothing_when_it_is_abandoned)
{
    lehr_dir dir = open_scratch();
    lehr_output output;
    cr_assert_eq(lehr_output_begin(&dir, "x", 3, &output), LEHR_OK);
    cr_assert_eq(lehr_output_write(&output, "abc", 3), LEHR_OK);
    cr_assert_not(scratch_has("x"));
    lehr_output_abandon(&output);
    lehr_output_abandon(&output);
    cr_assert_eq(scratch_count("."), 0);
    lehr_dir_close(&dir);
}

Test(output, steps_over_the_leftovers_of_the_dead)
{
    char name[64];
    snprintf(name, sizeof name, ".x.%ld.0", (long)getpid());
    scratch_write(name, "left", 4);
    lehr_dir dir = open_scratch();
    cr_assert_eq(lehr_output_whole(&dir, "x", "new", 3), LEHR_OK);
    cr_assert_str_eq(scratch_read("x"), "new");
    cr_assert_str_eq(scratch_read(name), "left");
    lehr_dir_close(&dir);
}

/* A limit on the size of files fails as a full disk does. */
Test(output, that_does_not_fit_keeps_the_old_file_and_says_how_much_was_needed)
{
    static char large[8192];
    lehr_dir dir = open_scratch();
    scratch_write("x", "old", 3);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {4096, 4096};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(lehr_output_whole(&dir, "x", large, sizeof large), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "8192 bytes needed"), "%s", lehr_error());
    cr_assert(strstr(lehr_error(), "bytes free"), "%s", lehr_error());
    cr_assert(strstr(lehr_error(), scratch("x")), "%s", lehr_error());
    cr_assert_str_eq(scratch_read("x"), "old");
    cr_assert_eq(scratch_count("."), 1);

    int log;
    cr_assert_eq(lehr_log_create(&dir, "log", &log), LEHR_OK);
    cr_assert_eq(lehr_log_append(&dir, "log", log, large, sizeof large), LEHR_ERR_IO);
    close(log);
    lehr_dir_close(&dir);
}

Test(output, in_a_directory_that_is_gone_fails)
{
    lehr_dir dir = open_scratch(), gone;
    cr_assert_eq(lehr_dir_enter(&dir, "gone", &gone), LEHR_OK);
    cr_assert_eq(rmdir(scratch("gone")), 0);
    cr_assert_eq(lehr_output_whole(&gone, "x", "x", 1), LEHR_ERR_IO);
    lehr_dir_close(&gone);
    lehr_dir_close(&dir);
}

Test(output, logs_grow_by_whole_lines)
{
    lehr_dir dir = open_scratch();
    int log, again;
    cr_assert_eq(lehr_log_create(&dir, "log", &log), LEHR_OK);
    cr_assert_eq(lehr_log_create(&dir, "log", &again), LEHR_ERR_EXISTS);
    cr_assert_eq(lehr_log_append(&dir, "log", log, "one\n", 4), LEHR_OK);
    cr_assert_eq(lehr_log_append(&dir, "log", log, "two\n", 4), LEHR_OK);
    cr_assert_str_eq(scratch_read("log"), "one\ntwo\n");
    int64_t bytes = 0;
    cr_assert_eq(lehr_log_sync(&dir, "log", log, &bytes), LEHR_OK);
    cr_assert_eq(bytes, 8);
    close(log);
    cr_assert_eq(lehr_log_reopen(&dir, "log", 4, &log), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_log_append(&dir, "log", log, "three\n", 6), LEHR_OK);
    cr_assert_str_eq(scratch_read("log"), "one\nthree\n");
    close(log);
    cr_assert_eq(lehr_log_reopen(&dir, "log", 11, &log), LEHR_ERR_DATA);
    cr_assert(strstr(lehr_error(), "log has 10 bytes, 11 were written"), "%s", lehr_error());
    cr_assert_eq(lehr_log_reopen(&dir, "none", 0, &log), LEHR_ERR_IO);
    lehr_dir_close(&dir);
}
