/* SPDX-License-Identifier: MIT
 * Time: reading the clocks, and RFC 3339 text. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define TIME_MIN_MS INT64_C(-62167219200000) /* year 0 */
#define TIME_MAX_MS INT64_C(253402300799999) /* end of year 9999 */

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};

    nanosleep(&t, NULL);
}

void time_format(int64_t wall_ms, char out[static TIME_TEXT_LEN + 1])
{
    int64_t seconds;
    int ms;
    time_t t;
    struct tm tm;

    if (wall_ms < TIME_MIN_MS)
        wall_ms = TIME_MIN_MS;
    if (wall_ms > TIME_MAX_MS)
        wall_ms = TIME_MAX_MS;
    seconds = wall_ms / 1000;
    ms = (int)(wall_ms % 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    t = (time_t)seconds;
    gmtime_r(&t, &tm);
    snprintf(out, TIME_TEXT_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
             (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100, (unsigned)ms % 1000);
}

/* Reads exactly `n` digits at *at, within [min, max]. */
static bool take_digits(struct str s, size_t *at, size_t n, int min, int max, int *out)
{
    int value = 0;
    size_t i;

    if (s.len - *at < n)
        return false;
    for (i = 0; i < n; i++) {
        char c = s.ptr[*at + i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += n;
    *out = value;
    return value >= min && value <= max;
}

static bool take_char(struct str s, size_t *at, const char *any_of)
{
    const char *p;

    if (*at >= s.len)
        return false;
    for (p = any_of; *p != '\0'; p++) {
        if (s.ptr[*at] == *p) {
            (*at)++;
            return true;
        }
    }
    return false;
}

static int take_fraction_ms(struct str s, size_t *at)
{
    int ms = 0, scale = 100;

    while (*at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9') {
        ms += (s.ptr[*at] - '0') * scale;
        scale /= 10;
        (*at)++;
    }
    return ms;
}

static bool take_offset(struct str s, size_t *at, int *offset_minutes)
{
    int hours, minutes;
    bool west;

    *offset_minutes = 0;
    if (take_char(s, at, "Zz"))
        return true;
    west = *at < s.len && s.ptr[*at] == '-';
    if (!take_char(s, at, "+-") || !take_digits(s, at, 2, 0, 23, &hours) ||
        !take_char(s, at, ":") || !take_digits(s, at, 2, 0, 59, &minutes))
        return false;
    *offset_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

bool time_parse(struct str s, int64_t *wall_ms)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct tm tm = {0};
    int year, month, day, offset, ms = 0, days;
    size_t at = 0;

    if (!take_digits(s, &at, 4, 1970, 9999, &year) || !take_char(s, &at, "-") ||
        !take_digits(s, &at, 2, 1, 12, &month) || !take_char(s, &at, "-") ||
        !take_digits(s, &at, 2, 1, 31, &day) || !take_char(s, &at, "Tt ") ||
        !take_digits(s, &at, 2, 0, 23, &tm.tm_hour) || !take_char(s, &at, ":") ||
        !take_digits(s, &at, 2, 0, 59, &tm.tm_min) || !take_char(s, &at, ":") ||
        !take_digits(s, &at, 2, 0, 60, &tm.tm_sec))
        return false;
    if (take_char(s, &at, ".")) {
        size_t before = at;

        ms = take_fraction_ms(s, &at);
        if (at == before)
            return false;
    }
    if (!take_offset(s, &at, &offset) || at != s.len)
        return false;
    days = month_days[month - 1] +
           (month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0));
    if (day > days)
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    *wall_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + ms;
    return true;
}
