/* SPDX-License-Identifier: MIT
 * Progress of jobs that are waited for. */
#include "cli/progress.h"

#include "cli/table.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_CELLS       30
#define COLUMNS_DEFAULT 80
#define CLEAR_LINE      "\r\033[K"

void progress_init(struct progress_view *view, FILE *out)
{
    struct winsize size;

    *view = (struct progress_view){
        .out = out,
        .on_terminal = isatty(fileno(out)) == 1,
        .colour = text_wants_colour(out),
        .columns = COLUMNS_DEFAULT,
    };
    if (view->on_terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        view->columns = size.ws_col;
}

static double sane(double percent)
{
    if (!(percent > 0))
        return 0;
    return percent > 100 ? 100 : percent;
}

static double average(const struct followed *jobs, size_t n)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < n; i++)
        sum += sane(jobs[i].percent);
    return n == 0 ? 0 : sum / (double)n;
}

static void put_bar(struct buf *line, double percent)
{
    int full = (int)(percent * BAR_CELLS / 100), i;

    buf_addc(line, '[');
    for (i = 0; i < BAR_CELLS; i++)
        buf_addc(line, i < full ? '#' : '-');
    buf_addf(line, "] %3d%%", (int)percent);
}

/* What one job does now, or how many of several have ended. */
static void put_words(struct buf *line, const struct followed *jobs, size_t n, size_t n_ended)
{
    if (n > 1) {
        buf_addf(line, " %zu of %zu ended", n_ended, n);
        return;
    }
    buf_addc(line, ' ');
    text_add_safe(line, str_from(jobs[0].status));
    if (jobs[0].attempt > 1)
        buf_addf(line, ", attempt %d", jobs[0].attempt);
    if (jobs[0].message[0] != '\0') {
        buf_adds(line, ": ");
        text_add_safe(line, str_from(jobs[0].message));
    }
}

/* Cuts at a whole character so that the line never wraps. */
static void cut_line(struct buf *line, size_t columns)
{
    while (line->len > 0 && (text_width(buf_str(line)) > columns ||
                             ((unsigned char)line->ptr[line->len] & 0xC0) == 0x80))
        line->len--;
}

void progress_show(struct progress_view *view, const struct followed *jobs, size_t n,
                   size_t n_ended)
{
    struct buf line = BUF_INIT;

    if (!view->on_terminal)
        return;
    put_bar(&line, average(jobs, n));
    put_words(&line, jobs, n, n_ended);
    if (!line.failed) {
        cut_line(&line, (size_t)view->columns - 1);
        fprintf(view->out, CLEAR_LINE "%.*s", (int)line.len, line.ptr);
        fflush(view->out);
        view->bar_is_shown = true;
    }
    buf_free(&line);
}

void progress_moved(struct progress_view *view, const struct followed *job)
{
    struct buf line = BUF_INIT;

    if (view->on_terminal || job->has_ended)
        return;
    text_add_safe(&line, str_from(job->id));
    buf_addc(&line, ' ');
    text_add_safe(&line, str_from(job->status));
    if (job->attempt > 1)
        buf_addf(&line, " attempt %d", job->attempt);
    if (job->error[0] != '\0') {
        buf_adds(&line, ": ");
        text_add_safe(&line, str_from(job->error));
    }
    fprintf(view->out, "%s\n", buf_str(&line).ptr);
    buf_free(&line);
}

void progress_clear(struct progress_view *view)
{
    if (!view->bar_is_shown)
        return;
    fputs(CLEAR_LINE, view->out);
    fflush(view->out);
    view->bar_is_shown = false;
}

void progress_result(const struct followed *job)
{
    const char *colour = text_wants_colour(stdout) ? text_state_colour(job->status) : "";
    struct buf text = BUF_INIT;

    text_add_safe(&text, str_from(job->status[0] != '\0' ? job->status : "unknown"));
    printf("%s %s%s%s", job->id, colour, buf_str(&text).ptr, *colour != '\0' ? TEXT_PLAIN : "");
    if (!job->completed && job->error[0] != '\0') {
        buf_reset(&text);
        text_add_safe(&text, str_from(job->error));
        printf(": %s", buf_str(&text).ptr);
    }
    putchar('\n');
    buf_free(&text);
}
