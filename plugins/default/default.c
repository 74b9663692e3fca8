/* SPDX-License-Identifier: MIT
 * Job type `default`: a receipt for any payload (its size, checksum, kind and member names), so
 * that a producer can be connected before its handler exists. */
#include <jobmill.h>

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>

#define MEMBERS_MAX 100 /* names listed in the receipt */

/* CRC-32 as zip and PNG compute it. */
static uint32_t crc32_of(jobmill_str bytes)
{
    uint32_t crc = UINT32_MAX;
    size_t i;
    int bit;

    for (i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

static const char *kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    default:
        return "null";
    }
}

/* A new array of an object's member names; of an array its length. */
static void add_content(json_t *receipt, json_t *payload)
{
    json_t *names, *value;
    const char *name;

    if (json_is_array(payload))
        json_object_set_new(receipt, "items", json_integer((json_int_t)json_array_size(payload)));
    if (!json_is_object(payload))
        return;
    names = json_array();
    json_object_foreach(payload, name, value)
    {
        if (json_array_size(names) < MEMBERS_MAX)
            json_array_append_new(names, json_string(name));
    }
    json_object_set_new(receipt, "members", names);
}

static int32_t give_result(jobmill_job *job, const json_t *result)
{
    char *text = json_dumps(result, JSON_COMPACT);
    int32_t rc = text == NULL ? -1 : jobmill_result(job, jobmill_text(text));

    free(text);
    if (rc == 0)
        return JOBMILL_OK;
    jobmill_error(job, jobmill_text("out of memory for the result"));
    return JOBMILL_RETRY;
}

static int32_t run(jobmill_job *job, void *state)
{
    jobmill_str text = jobmill_payload(job);
    json_error_t error;
    json_t *payload = json_loadb(text.ptr, text.len, JSON_DECODE_ANY, &error), *receipt;
    char crc[9];
    int32_t outcome;

    (void)state;
    if (payload == NULL) {
        jobmill_error(job, jobmill_text(error.text));
        return JOBMILL_FAIL;
    }
    snprintf(crc, sizeof crc, "%08x", (unsigned)crc32_of(text));
    receipt = json_pack("{s:s, s:I, s:s}", "kind", kind_of(payload), "bytes", (json_int_t)text.len,
                        "crc32", crc);
    add_content(receipt, payload);
    outcome = give_result(job, receipt);
    json_decref(receipt);
    json_decref(payload);
    return outcome;
}

static const jobmill_handler handlers[] = {{.job_type = "default", .run = run}};

JOBMILL_PLUGIN("default", "1.0.0", handlers);
