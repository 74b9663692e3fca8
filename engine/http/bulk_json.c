/* SPDX-License-Identifier: MIT
 * A bulk operation as clients see it. */
#include "http/bulk_json.h"

#include "http/job_json.h"
#include "json/write.h"

static void put_states(struct buf *b, uint32_t states)
{
    int state;

    json_name(b, "status");
    json_open(b, '[');
    for (state = 1; state < JOB_STATE_END; state++)
        if (states & 1u << state)
            json_put_str(b, str_from(job_state_name((enum job_state)state)));
    json_close(b, ']');
}

/* Only the conditions that were given, in the words of a filter. */
static void put_filter(struct buf *b, const struct job_filter *f)
{
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"type", f->type},
                 {"queue", f->queue},
                 {"tag", f->tag},
                 {"worker_id", f->worker_id},
                 {"error_code", f->error_code}};
    size_t i;

    json_name(b, "filter");
    json_open(b, '{');
    put_states(b, f->states);
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value.ptr != NULL)
            json_member_str(b, texts[i].name, texts[i].value);
    if (!uuid_is_nil(f->workflow_id))
        json_put_id(b, "workflow_id", f->workflow_id);
    if (f->created_after_ms != 0)
        json_member_time(b, "created_after", f->created_after_ms);
    if (f->created_before_ms != 0)
        json_member_time(b, "created_before", f->created_before_ms);
    json_close(b, '}');
}

void bulk_json_put(struct buf *b, const struct bulk_row *row)
{
    static const char *const states[] = {
        [BULK_RUNNING] = "running", [BULK_DONE] = "done", [BULK_FAILED] = "failed"};

    json_open(b, '{');
    json_put_id(b, "id", row->id);
    json_member_str(b, "action", row->action == BULK_REPLAY ? STR("replay") : STR("purge"));
    json_member_str(b, "status", str_from(states[row->state]));
    put_filter(b, &row->filter);
    json_member_int_or_null(b, "limit", row->limit, 0);
    json_name(b, "payload_patch");
    json_put_raw(b, row->patch);
    json_member_int(b, "matched", row->matched);
    json_member_int(b, "succeeded", row->succeeded);
    json_member_int(b, "failed", row->failed);
    json_member_str(b, "error", row->error);
    json_member_time(b, "created_at", row->created_at);
    json_member_time(b, "updated_at", row->updated_at);
    json_member_time(b, "completed_at", row->completed_at);
    json_close(b, '}');
}
