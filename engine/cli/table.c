/* SPDX-License-Identifier: MIT
 * Aligned tables. */
#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define GAP "  "

void table_init(struct table *t, const char *const *heads, size_t n_columns)
{
    size_t i;

    assert(n_columns >= 1 && n_columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.n_columns = n_columns, .cells = BUF_INIT};
    for (i = 0; i < n_columns; i++)
        t->heads[i] = heads[i];
}

void table_fini(struct table *t)
{
    buf_free(&t->cells);
}

/* Cuts the cell that starts at `start` when it is too wide, at a whole character. */
static void cut_cell(struct buf *cells, size_t start)
{
    struct str cell = {cells->ptr + start, cells->len - start};

    if (cells->failed || text_width(cell) <= TABLE_CELL_MAX)
        return;
    while (cell.len > 0 && (text_width(cell) >= TABLE_CELL_MAX ||
                            ((unsigned char)cells->ptr[start + cell.len] & 0xC0) == 0x80))
        cell.len--;
    cells->len = start + cell.len;
    buf_adds(cells, "\xE2\x80\xA6");
}

void table_add(struct table *t, struct str text)
{
    size_t start = t->cells.len;

    if (text.len == 0)
        text = STR("-");
    text_add_safe(&t->cells, text);
    cut_cell(&t->cells, start);
    buf_addc(&t->cells, '\0');
    t->n_cells++;
}

void table_addf(struct table *t, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    table_add(t, str_from(text));
}

static void measure(const struct table *t, size_t *widths)
{
    const char *cell = t->cells.ptr;
    size_t i, width;

    for (i = 0; i < t->n_columns; i++)
        widths[i] = strlen(t->heads[i]);
    for (i = 0; i < t->n_cells; i++) {
        width = text_width(str_from(cell));
        if (width > widths[i % t->n_columns])
            widths[i % t->n_columns] = width;
        cell += strlen(cell) + 1;
    }
}

/* The last column is not padded. */
static void put_cell(FILE *out, const char *text, const char *colour, size_t width, bool last)
{
    size_t shown = text_width(str_from(text));

    fprintf(out, "%s%s%s", colour, text, *colour != '\0' ? TEXT_PLAIN : "");
    if (last)
        fputc('\n', out);
    else
        fprintf(out, "%*s", (int)(width - shown + strlen(GAP)), "");
}

void table_print(const struct table *t, FILE *out, bool colour)
{
    size_t widths[TABLE_COLUMNS_MAX], i;
    const char *cell = t->cells.ptr;

    if (t->cells.failed) {
        fprintf(out, "(out of memory)\n");
        return;
    }
    assert(t->n_cells % t->n_columns == 0);
    measure(t, widths);
    for (i = 0; i < t->n_columns; i++)
        put_cell(out, t->heads[i], colour ? TEXT_DIM : "", widths[i], i + 1 == t->n_columns);
    for (i = 0; i < t->n_cells; i++) {
        size_t column = i % t->n_columns;

        put_cell(out, cell, colour ? text_state_colour(cell) : "", widths[column],
                 column + 1 == t->n_columns);
        cell += strlen(cell) + 1;
    }
}
