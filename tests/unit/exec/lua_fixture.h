/* SPDX-License-Identifier: MIT
 * What the tests of Lua handlers share: scripts from texts, and one run of one. */
#ifndef JOBMILL_TESTS_LUA_FIXTURE_H
#define JOBMILL_TESTS_LUA_FIXTURE_H

#include "../../lib/fake_host.h"
#include "base/io.h"
#include "exec/lua_vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VM_TEST_BYTES (16 * 1024 * 1024)

/* A folder with one file, hello.lua unless the test names it. */
struct script_file {
    char dir[64];
    char path[192];
};

static inline void script_write(struct script_file *file, const char *name, struct str text)
{
    struct err e;

    snprintf(file->dir, sizeof file->dir, "/tmp/jobmill-lua-XXXXXX");
    assert_non_null(mkdtemp(file->dir));
    snprintf(file->path, sizeof file->path, "%s/%s", file->dir, name);
    assert_int_equal(io_write_file(file->path, text, 0600, &e), 0);
}

static inline void script_remove(struct script_file *file)
{
    unlink(file->path);
    rmdir(file->dir);
}

/* A script whose handle is `body`, loaded as number 0 of a new machine. */
static inline struct lua_vm *vm_with(const char *source, struct fake_job *context)
{
    struct script_file file;
    struct lua_vm *vm;
    struct err e = {0};
    int script = -1, rc;

    assert_int_equal(lua_vm_open(VM_TEST_BYTES, &vm, &e), 0);
    script_write(&file, "hello.lua", str_from(source));
    rc = lua_vm_load(vm, file.path, &context->job, &script, &e);
    script_remove(&file);
    if (rc != 0)
        fail_msg("%s", e.text);
    assert_int_equal(script, 0);
    return vm;
}

static inline struct lua_vm *vm_with_handle(const char *body, struct fake_job *fake)
{
    char source[8192];

    snprintf(source, sizeof source, "return {handle = function(job) %s end}", body);
    return vm_with(source, fake);
}

/* Runs `body` as a handle once with the job as it is. */
static inline int32_t run_body(const char *body, struct fake_job *fake)
{
    struct lua_vm *vm = vm_with_handle(body, fake);
    int32_t outcome = lua_vm_run(vm, 0, &fake->job);

    lua_vm_close(&vm);
    return outcome;
}

static inline void expect_result(const char *body, const char *payload, const char *result)
{
    struct fake_job fake;
    int32_t outcome;

    fake_job_init(&fake, payload);
    outcome = run_body(body, &fake);
    if (outcome != JOBMILL_OK)
        fail_msg("%s: %s", body, fake.error);
    if (result == NULL)
        assert_null(fake.result);
    else if (fake.result == NULL)
        fail_msg("%s: no result", body);
    else
        assert_string_equal(fake.result, result);
    fake_job_fini(&fake);
}

static inline void expect_error(const char *body, int32_t outcome, const char *error)
{
    struct fake_job fake;

    fake_job_init(&fake, "{\"n\":1}");
    assert_int_equal(run_body(body, &fake), outcome);
    assert_string_equal(fake.error, error);
    assert_null(fake.result);
    fake_job_fini(&fake);
}

#endif
