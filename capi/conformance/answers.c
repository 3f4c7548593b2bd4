/* How answers are printed. */
#include <stdio.h>
#include <string.h>

#include "runner.h"

static size_t digits(const char *p, const char *end, int hex) {
    size_t n = 0;
    while (p + n < end && (hex ? hex_digit((unsigned char)p[n]) >= 0 && (p[n] < 'A' || p[n] > 'F') : p[n] >= '0' && p[n] <= '9'))
        n++;
    return n;
}

/* Adds p with what differs from run to run replaced. */
static void add_masked(text *t, const char *p, size_t len) {
    static const struct {
        const char *after, *name;
        int hex;
    } masks[] = {{"127.0.0.1:", "$PORT", 0}, {"process ", "$PID", 0}, {"expected ", "$SUM", 1}, {"found ", "$SUM", 1}};
    const char *end = p + len;
    size_t dir = strlen(directory);
next:
    while (p < end) {
        if ((size_t)(end - p) >= dir && !memcmp(p, directory, dir)) {
            add(t, "$DIR", 4);
            p += dir;
            continue;
        }
        for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
            size_t n = strlen(masks[i].after), d;
            if ((size_t)(end - p) <= n || memcmp(p, masks[i].after, n))
                continue;
            d = digits(p + n, end, masks[i].hex);
            if (masks[i].hex ? d == 8 || d == 16 : d > 0) {
                add(t, p, n);
                add(t, masks[i].name, strlen(masks[i].name));
                p += n + d;
                goto next;
            }
        }
        if (digits(p, end, 0)) { /* the whole number at once, so that no part of it is taken for one */
            static const char after[] = " is not the handle";
            size_t d = digits(p, end, 0), n = sizeof after - 1;
            if ((size_t)(end - p) >= d + n && !memcmp(p + d, after, n))
                add(t, "$HANDLE", 7);
            else
                add(t, p, d);
            p += d;
            continue;
        }
        add(t, p++, 1);
    }
}

void show(char mark, const char *p, size_t len) {
    text t = {0};
    add_masked(&t, len ? p : "", len);
    add(&t, "", 0);
    for (char *line = t.p, *end; line; line = end ? end + 1 : NULL) {
        end = memchr(line, '\n', (size_t)(t.p + t.len - line));
        printf("%c ", mark);
        fwrite(line, 1, (size_t)((end ? end : t.p + t.len) - line), stdout);
        putchar('\n');
    }
}

void show_picks(const char *json, size_t len, char **picks, int n) {
    if (n == 0) {
        show('|', json, len);
        return;
    }
    for (int i = 0; i < n; i++) {
        const char *p = json, *found = NULL, *end = NULL;
        int elements = 0;
        text out = {0};
        if (*p++ != '{')
            fail("not an object: %s", json);
        while (*p != '}' && !found) {
            text name = {0};
            add(&name, "", 0);
            if (*p == ',')
                p++;
            p = json_string(p, &name);
            if (*p++ != ':')
                fail("no colon: %s", p - 1);
            end = json_skip(p, &elements);
            if (!strcmp(name.p, picks[i]))
                found = p;
            p = end;
        }
        add(&out, picks[i], strlen(picks[i]));
        add(&out, " ", 1);
        if (!found) {
            add(&out, "absent", 6);
        } else if (*found == '"') {
            text value = {0};
            add(&value, "", 0);
            json_string(found, &value);
            add_json(&out, value.p, value.len);
        } else if (*found == '[') {
            char count[24];
            snprintf(count, sizeof count, "[%d]", elements);
            add(&out, count, strlen(count));
        } else if (*found == '{') {
            add(&out, "{}", 2);
        } else {
            add(&out, found, (size_t)(end - found));
        }
        show('|', out.p, out.len);
    }
}

void show_last_error(char mark) {
    size_t len = 0;
    char *buffer = NULL;
    while (stele_last_error(NULL, NULL, buffer, len, &len) == STELE_BUFFER_TOO_SMALL)
        buffer = take(len);
    show(mark, buffer, len);
}

void begin(stele_result r) { printf("= %s", stele_result_name(r)); }

void finish(stele_result r) {
    putchar('\n');
    if (r >= 10)
        show_last_error('!');
}

void answer(stele_result r) {
    begin(r);
    finish(r);
}

int good(stele_result r, size_t needed) {
    begin(r);
    if (r == STELE_BUFFER_TOO_SMALL)
        printf(" %zu", needed);
    if (r != STELE_OK)
        finish(r);
    return r == STELE_OK;
}

const char *key_text(const stele_key *key) {
    static char buffer[STELE_KEY_TEXT + 1];
    size_t actual;
    stele_key_format(key, buffer, STELE_KEY_TEXT, &actual);
    return buffer;
}

void learn_port(const char *urls, size_t len) {
    const char *end = urls + len;
    for (const char *p = urls; p + 10 < end; p++)
        if (!memcmp(p, "127.0.0.1:", 10)) {
            size_t n = digits(p + 10, end, 0);
            snprintf(port, sizeof port, "%.*s", (int)(n < 6 ? n : 6), p + 10);
            return;
        }
}
