/* Checkpoints: whole or refused, two generations, and whose they are. */
#include <criterion/criterion.h>
#include <sys/time.h>
#include <unistd.h>

#include "study/checkpoint_world.h"

TestSuite(checkpoint, .init = scratch_make, .fini = scratch_remove);
TestSuite(generations, .init = scratch_make, .fini = scratch_remove);

/* ---- One file -------------------------------------------------------------------------------- */

Test(checkpoint, gives_back_every_field_of_every_run_bit_for_bit)
{
    lehr_dir dir = open_folder();
    state first = filled(7), second = filled(9), a = {0}, b = {0};
    second.energy[1] = -0.0;
    const lehr_checkpoint_part wrote[] = {part_of(&first, "0."), part_of(&second, "1.")};
    const lehr_checkpoint_head head = head_at(7);
    cr_assert_eq(lehr_checkpoint_write(&dir, "x", &head, wrote, 2), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(scratch_count("."), 1, "no temporary is left");

    lehr_checkpoint *c = NULL;
    const lehr_checkpoint_part read[] = {part_of(&a, "0."), part_of(&b, "1.")};
    cr_assert_eq(lehr_checkpoint_load(&dir, "x", &c), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_checkpoint_restore(c, read, 2), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(memcmp(&a, &first, offsetof(state, field)), 0);
    cr_assert_eq(memcmp(&b, &second, offsetof(state, field)), 0);
    cr_assert_eq(memcmp(lehr_checkpoint_of(c), &head, sizeof head), 0);
    lehr_checkpoint_destroy(&c);
    lehr_checkpoint_destroy(&c);
    lehr_dir_close(&dir);
}

/* PyTorch, JAX and NumPy open it: every array is aligned to its elements, and the checksum is last. */
Test(checkpoint, is_a_safetensors_file_of_aligned_arrays)
{
    lehr_dir dir = open_folder();
    lehr_safetensors *file = NULL;
    write_at(&dir, "x", 7);
    cr_assert_eq(lehr_safetensors_load(scratch("x"), &file), LEHR_OK);
    static const char *const names[] = {"energy", "scan", "theta", "rung", "sign", "checksum"};
    cr_assert_eq(lehr_safetensors_count(file), 6);
    const char *start = lehr_safetensors_at(file, 0)->data;
    for (int32_t i = 0; i < 6; i++) {
        const lehr_tensor *tensor = lehr_safetensors_at(file, i);
        cr_assert_str_eq(tensor->name, names[i]);
        if (i < 5)
            cr_assert_eq(
                ((const char *)tensor->data - start) % (int)lehr_dtype_bytes(tensor->dtype), 0);
    }
    cr_assert_eq(lehr_safetensors_find(file, "theta")->dims, 2);
    cr_assert_eq(lehr_safetensors_find(file, "energy")->dims, 1);
    lehr_safetensors_destroy(&file);
    lehr_dir_close(&dir);
}

/* A file of the first format, kept since then: what was saved once can be read for ever. */
Test(checkpoint, of_the_first_format_still_loads)
{
    float theta[6] = {0};
    int64_t scan = 0;
    const lehr_field field[] = {{"theta", LEHR_FIELD_F32, 2, 3, theta},
                                {"scan", LEHR_FIELD_I64, 1, 1, &scan}};
    const lehr_checkpoint_part part = {"", field, 2};
    lehr_dir dir = {.fd = -1};
    lehr_checkpoint *c = NULL;
    cr_assert_eq(lehr_dir_open(LEHR_SOURCE_DIR "/tests/fuzz/seeds/checkpoint", &dir), LEHR_OK);
    cr_assert_eq(lehr_checkpoint_load(&dir, "traced", &c), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_checkpoint_restore(c, &part, 1), LEHR_OK, "%s", lehr_error());
    cr_assert(theta[0] == 1 && theta[5] == 6 && scan == 7);
    cr_assert_eq(lehr_checkpoint_find(c, "", "trace")->shape[0], 2);
    lehr_checkpoint_destroy(&c);
    lehr_dir_close(&dir);
}

/* Nothing but the very bytes that were written is read: all flips of one bit, all lengths but the right one. */
Test(checkpoint, with_any_bit_flipped_is_refused)
{
    lehr_dir dir = open_folder();
    size_t count;
    write_at(&dir, "x", 7);
    unsigned char *bytes = slurp("x", &count);
    lehr_checkpoint *c = NULL;
    cr_assert_eq(lehr_checkpoint_parse("it", bytes, count, &c), LEHR_OK);
    lehr_checkpoint_destroy(&c);
    for (size_t bit = 0; bit < 8 * count; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        const lehr_status status = lehr_checkpoint_parse("it", bytes, count, &c);
        cr_assert_eq(status, LEHR_ERR_DATA, "bit %zu: %s", bit, lehr_error());
        cr_assert(strncmp(lehr_error(), "it: ", 4) == 0 && strlen(lehr_error()) > 12, "bit %zu: %s",
                  bit, lehr_error());
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    cr_assert_null(c);
    free(bytes);
    lehr_dir_close(&dir);
}

Test(checkpoint, of_any_other_length_is_refused)
{
    lehr_dir dir = open_folder();
    size_t count;
    write_at(&dir, "x", 7);
    unsigned char *bytes = slurp("x", &count);
    lehr_checkpoint *c = NULL;
    for (size_t length = 0; length < count; length++) {
        unsigned char *cut = malloc(length +
                                    1); /* a size of its own, so that asan sees reads behind it */
        memcpy(cut, bytes, length);
        cr_assert_eq(lehr_checkpoint_parse("it", cut, length, &c), LEHR_ERR_DATA, "%zu bytes",
                     length);
        cr_assert(strncmp(lehr_error(), "it: ", 4) == 0, "%zu bytes: %s", length, lehr_error());
        free(cut);
    }
    bytes[count] = 0;
    cr_assert_eq(lehr_checkpoint_parse("it", bytes, count + 1, &c), LEHR_ERR_DATA);
    cr_assert_null(c);
    free(bytes);
    lehr_dir_close(&dir);
}

/* Right checksums, but not what this run would have written. */
Test(checkpoint, with_other_fields_changes_nothing)
{
    lehr_dir dir = open_folder();
    write_at(&dir, "x", 7);
    lehr_checkpoint *c = NULL;
    cr_assert_eq(lehr_checkpoint_load(&dir, "x", &c), LEHR_OK);
    static const struct {
        int field;
        lehr_field wanted;
        const char *says;
    } cases[] = {
        {4, {"scans", LEHR_FIELD_I64, 1, 1, NULL}, "no tensor 'scans'"},
        {4, {"scan", LEHR_FIELD_F64, 1, 1, NULL}, "tensor 'scan' has another type"},
        {1, {"theta", LEHR_FIELD_F32, 3, 2, NULL}, "tensor 'theta' has another type or shape"},
        {1, {"theta", LEHR_FIELD_F32, 6, 1, NULL}, "tensor 'theta' has another type or shape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        state s = {0};
        const state before = s;
        const lehr_checkpoint_part part = part_of(&s, "");
        void *data = s.field[cases[i].field].data;
        s.field[cases[i].field] = cases[i].wanted;
        s.field[cases[i].field].data = data;
        cr_assert_eq(lehr_checkpoint_restore(c, &part, 1), LEHR_ERR_DATA, "case %zu", i);
        cr_assert(strstr(lehr_error(), cases[i].says), "%s", lehr_error());
        cr_assert_eq(memcmp(&s, &before, offsetof(state, field)), 0, "nothing is copied");
    }
    state s = {0};
    lehr_checkpoint_part part = part_of(&s, "");
    part.count = 4;
    cr_assert_eq(lehr_checkpoint_restore(c, &part, 1), LEHR_ERR_DATA);
    cr_assert(strstr(lehr_error(), "has 6 tensors, expected 5"), "%s", lehr_error());
    cr_assert_eq(s.energy[1], 0);
    lehr_checkpoint_destroy(&c);
    lehr_dir_close(&dir);
}

Test(checkpoint, of_something_else_names_what_differs)
{
    lehr_dir dir = open_folder();
    write_at(&dir, "x", 7);
    lehr_checkpoint *c = NULL;
    cr_assert_eq(lehr_checkpoint_load(&dir, "x", &c), LEHR_OK);
    lehr_checkpoint_head same = head_at(99), others[5];
    cr_assert_eq(lehr_checkpoint_match(c, &same), LEHR_OK, "the scan does not matter");
    static const char *const says[] = {
        "another version of lehr, '1.2.3'; this run's is '1.2.4'",
        "another data hash, '00112233445566ff'",
        "another config, '0123456789ab'",
        "output.observe=100, here it is 50",
        "output.trace.energy=0, here it is 3",
    };
    for (int i = 0; i < 5; i++)
        others[i] = same;
    lehr_text_copy(others[0].version, sizeof others[0].version, "1.2.4");
    lehr_text_copy(others[1].data, sizeof others[1].data, "ff");
    lehr_text_copy(others[2].config, sizeof others[2].config, "ba9876543210");
    others[3].observe = 50;
    others[4].trace = 3;
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(lehr_checkpoint_match(c, &others[i]), LEHR_ERR_EXISTS, "case %d", i);
        cr_assert(strstr(lehr_error(), says[i]) && strstr(lehr_error(), "/x: "), "%s",
                  lehr_error());
    }
    lehr_checkpoint_destroy(&c);
    lehr_dir_close(&dir);
}

Test(checkpoint, that_is_no_file_is_refused)
{
    lehr_dir dir = open_folder();
    lehr_checkpoint *c = NULL;
    cr_assert_eq(lehr_checkpoint_load(&dir, "none", &c), LEHR_ERR_IO);
    cr_assert_eq(mkdir(scratch("folder"), 0755), 0);
    cr_assert_eq(mkfifo(scratch("pipe"), 0644), 0);
    write_at(&dir, "x", 7);
    cr_assert_eq(symlink("x", scratch("link")), 0);
    cr_assert_eq(lehr_checkpoint_load(&dir, "folder", &c), LEHR_ERR_DATA);
    cr_assert_eq(lehr_checkpoint_load(&dir, "pipe", &c), LEHR_ERR_DATA);
    cr_assert_eq(lehr_checkpoint_load(&dir, "link", &c), LEHR_ERR_IO, "links are not followed");
    cr_assert_null(c);
    lehr_dir_close(&dir);
}

/* ---- Two of them ----------------------------------------------------------------------------- */

/* Scan of the newest, -1: none; the words of the notice. */
static int64_t latest(lehr_generations *g, char *notice, size_t capacity)
{
    const lehr_checkpoint_head expected = head_at(0);
    lehr_checkpoint *c = NULL;
    lehr_text text = {0};
    cr_assert_eq(lehr_generations_latest(g, &expected, &c, &text), LEHR_OK, "%s", lehr_error());
    snprintf(notice, capacity, "%s", text.data != NULL ? text.data : "");
    const int64_t scan = c != NULL ? lehr_checkpoint_of(c)->scan : -1;
    lehr_text_free(&text);
    lehr_checkpoint_destroy(&c);
    return scan;
}

static void save(lehr_generations *g, int64_t scan)
{
    state s = filled(scan);
    const lehr_checkpoint_part part = part_of(&s, "");
    lehr_checkpoint_head head = head_at(scan);
    cr_assert_eq(lehr_generations_write(g, &head, &part, 1), LEHR_OK, "%s", lehr_error());
}

Test(generations, take_turns_and_the_highest_scan_wins_whatever_the_files_times)
{
    lehr_dir dir = open_folder();
    lehr_generations g;
    char notice[512];
    cr_assert_eq(lehr_generations_open(&dir, &g), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(latest(&g, notice, sizeof notice), -1);
    cr_assert_str_eq(notice, "");
    save(&g, 10);
    cr_assert_eq(scratch_count("ckpt"), 1);
    cr_assert_eq(latest(&g, notice, sizeof notice), 10);
    save(&g, 20);
    cr_assert_eq(scratch_count("ckpt"), 2);
    const struct timeval old[2] = {{1, 0}, {1, 0}};
    cr_assert_eq(utimes(scratch("ckpt/b.safetensors"), old), 0);
    cr_assert_eq(latest(&g, notice, sizeof notice), 20);

    lehr_generations again;
    cr_assert_eq(lehr_generations_open(&dir, &again), LEHR_OK);
    cr_assert_eq(latest(&again, notice, sizeof notice), 20);
    cr_assert_eq(again.saves, 2);
    save(&again, 20); /* at the same scan: over the older one, and it counts as later */
    cr_assert_eq(latest(&again, notice, sizeof notice), 20);
    cr_assert_eq(again.saves, 3);
    cr_assert_eq(again.next, 1, "a was written last");
    lehr_generations_close(&g);
    lehr_generations_close(&again);
    lehr_dir_close(&dir);
}

static void damage(const char *name)
{
    FILE *file = fopen(scratch(name), "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, -20, SEEK_END), 0);
    cr_assert_eq(fputc('!', file), '!');
    fclose(file);
}

Test(generations, of_which_one_is_damaged_fall_back_and_say_so)
{
    lehr_dir dir = open_folder();
    lehr_generations g;
    char notice[512];
    cr_assert_eq(lehr_generations_open(&dir, &g), LEHR_OK);
    save(&g, 10);
    damage("ckpt/a.safetensors");
    cr_assert_eq(latest(&g, notice, sizeof notice), -1);
    cr_assert(strstr(notice, "a.safetensors: the checksum") && strstr(notice, "starts over"), "%s",
              notice);
    save(&g, 20);
    cr_assert_eq(latest(&g, notice, sizeof notice), 20);
    cr_assert(strstr(notice, "a.safetensors: the checksum") && strstr(notice, "b.safetensors is"),
              "%s", notice);
    save(&g, 30); /* over the damaged one */
    cr_assert_eq(latest(&g, notice, sizeof notice), 30);
    cr_assert_str_eq(notice, "");

    damage("ckpt/a.safetensors");
    damage("ckpt/b.safetensors");
    const lehr_checkpoint_head expected = head_at(0);
    lehr_checkpoint *c = NULL;
    lehr_text text = {0};
    cr_assert_eq(lehr_generations_latest(&g, &expected, &c, &text), LEHR_ERR_DATA);
    cr_assert(strstr(lehr_error(), "a.safetensors: ") && strstr(lehr_error(), "b.safetensors: ") &&
                  strstr(lehr_error(), "to start over"),
              "%s", lehr_error());
    lehr_text_free(&text);
    lehr_generations_close(&g);
    lehr_dir_close(&dir);
}

Test(generations, of_another_run_are_refused)
{
    lehr_dir dir = open_folder();
    lehr_generations g;
    cr_assert_eq(lehr_generations_open(&dir, &g), LEHR_OK);
    save(&g, 10);
    lehr_checkpoint_head expected = head_at(0);
    expected.config[0] = 'f';
    lehr_checkpoint *c = NULL;
    lehr_text text = {0};
    cr_assert_eq(lehr_generations_latest(&g, &expected, &c, &text), LEHR_ERR_EXISTS);
    cr_assert(strstr(lehr_error(), "another config"), "%s", lehr_error());
    cr_assert_null(c);
    lehr_text_free(&text);
    lehr_generations_close(&g);
    lehr_dir_close(&dir);
}

Test(generations, lose_what_a_killed_process_left)
{
    lehr_dir dir = open_folder();
    lehr_generations g;
    cr_assert_eq(mkdir(scratch("ckpt"), 0755), 0);
    static const char *const kept[] = {"ckpt/.hidden", "ckpt/..1.x", "ckpt/a.1.2", "ckpt/.a.1.",
                                       "ckpt/.1.2"};
    for (size_t i = 0; i < 5; i++)
        scratch_write(kept[i], "mine", 4);
    scratch_write("ckpt/.a.safetensors.123.0", "torn", 4);
    scratch_write("ckpt/.b.safetensors.4.17", "torn", 4);
    cr_assert_eq(lehr_generations_open(&dir, &g), LEHR_OK);
    cr_assert_eq(scratch_count("ckpt"), 5);
    for (size_t i = 0; i < 5; i++)
        cr_assert(scratch_has(kept[i]), "%s", kept[i]);
    lehr_generations_close(&g);
    lehr_dir_close(&dir);
}
