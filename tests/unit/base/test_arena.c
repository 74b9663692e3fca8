/* SPDX-License-Identifier: MIT
 * Tests of arenas. */
#include "base/arena.h"

#include "lib/unit.h"

#include <stdalign.h>
#include <string.h>

static void is_zeroed_and_aligned(void **state)
{
    struct arena a = ARENA_INIT;
    size_t size;

    (void)state;
    for (size = 0; size < 3000; size += 7) {
        unsigned char *p = arena_alloc(&a, size);
        size_t i;

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, size);
    }
    arena_free(&a);
    assert_null(a.blocks);
    assert_int_equal(a.used_bytes, 0);
}

static void pieces_do_not_overlap(void **state)
{
    struct unit_random r = unit_random_start("arena");
    struct arena a = ARENA_INIT;
    struct {
        unsigned char *ptr;
        size_t len;
    } pieces[500];
    size_t i, j, sum = 0;

    (void)state;
    for (i = 0; i < 500; i++) {
        /* some larger than a block, so that both kinds of block alternate */
        pieces[i].len = unit_random_below(&r, i % 10 == 0 ? 20000 : 300);
        pieces[i].ptr = arena_alloc(&a, pieces[i].len);
        assert_non_null(pieces[i].ptr);
        memset(pieces[i].ptr, (int)(i & 0xFF), pieces[i].len);
        sum += pieces[i].len;
    }
    for (i = 0; i < 500; i++)
        for (j = 0; j < pieces[i].len; j++)
            assert_int_equal(pieces[i].ptr[j], i & 0xFF);
    assert_true(a.used_bytes >= sum);
    arena_free(&a);
}

static void refuses_overflow(void **state)
{
    struct arena a = ARENA_INIT;

    (void)state;
    assert_null(arena_array(&a, SIZE_MAX, 2));
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1));
    assert_non_null(arena_array(&a, 0, SIZE_MAX));
    assert_non_null(arena_array(&a, SIZE_MAX, 0));
    arena_free(&a);
}

static void copies_text(void **state)
{
    struct arena a = ARENA_INIT;
    char source[] = "text";
    struct str copy = arena_str(&a, (struct str){source, 4});
    char *printed = arena_printf(&a, "%s-%05d", source, 42);

    (void)state;
    source[0] = 'X';
    assert_str(copy, "text");
    assert_int_equal(copy.ptr[4], '\0');
    assert_string_equal(printed, "text-00042");
    assert_null(arena_str(&a, STR_NONE).ptr);
    assert_non_null(arena_str(&a, STR("")).ptr);
    arena_free(&a);
    assert_non_null(arena_alloc(&a, 1)); /* usable again */
    arena_free(&a);
}

static void adopts(void **state)
{
    struct arena a = ARENA_INIT, b = ARENA_INIT;
    struct str kept = arena_str(&a, STR("kept")), moved = arena_str(&b, STR("moved"));
    size_t used = a.used_bytes + b.used_bytes;

    (void)state;
    assert_non_null(arena_alloc(&b, 20000));
    used += 20000;
    arena_adopt(&a, &b);
    assert_null(b.blocks);
    assert_int_equal(b.used_bytes, 0);
    assert_int_equal(a.used_bytes, used);
    arena_adopt(&a, &b); /* nothing */
    assert_non_null(arena_alloc(&b, 1));
    arena_free(&b);
    assert_str(kept, "kept");
    assert_str(moved, "moved");
    arena_adopt(&b, &a); /* into an empty one */
    arena_free(&b);
    assert_null(a.blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_zeroed_and_aligned),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(refuses_overflow),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(adopts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
