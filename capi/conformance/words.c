/* What a script is made of. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

const char *directory;
char port[16] = "0";
int line_number;

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "runner: line %d: ", line_number);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

/* ----------------------------------------------------------------- memory */

memory *held;

void *take(size_t bytes) {
    memory *m = calloc(1, sizeof *m + bytes + 8);
    if (!m)
        fail("out of memory");
    m->next = held;
    held = m;
    return m->words;
}

void give_back(memory *m) {
    while (m) {
        memory *next = m->next;
        free(m);
        m = next;
    }
}

void add(text *t, const char *p, size_t len) {
    if (t->len + len + 1 > t->room) {
        size_t room = (t->len + len + 1) * 2;
        char *grown = take(room);
        if (t->len)
            memcpy(grown, t->p, t->len);
        t->p = grown;
        t->room = room;
    }
    if (len)
        memcpy(t->p + t->len, p, len);
    t->len += len;
    t->p[t->len] = 0;
}

/* ------------------------------------------------------------------- JSON */

int hex_digit(int c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static unsigned four_digits(const char *p) {
    unsigned u = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit((unsigned char)p[i]);
        if (digit < 0)
            fail("four hex digits are missing: %s", p);
        u = u * 16 + (unsigned)digit;
    }
    return u;
}

const char *json_string(const char *p, text *t) {
    if (*p++ != '"')
        fail("a text is missing: %s", p - 1);
    for (; *p != '"'; p++) {
        char bytes[4];
        size_t n = 1;
        if (!*p)
            fail("a text has no end");
        bytes[0] = *p;
        if (*p == '\\') {
            static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
            const char *which = strchr(from, *++p);
            if (*p == 'u') {
                unsigned u = four_digits(p + 1);
                p += 4;
                if (u >= 0xD800 && u < 0xDC00 && p[1] == '\\' && p[2] == 'u') {
                    u = 0x10000 + ((u - 0xD800) << 10) + (four_digits(p + 3) - 0xDC00);
                    p += 6;
                }
                n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
                for (size_t i = n; i-- > 1; u >>= 6)
                    bytes[i] = (char)(0x80 | (u & 0x3F));
                bytes[0] = (char)(n == 1 ? u : (0xF00u >> n & 0xF0u) | u);
            } else if (*p && which) {
                bytes[0] = to[which - from];
            } else {
                fail("not an escape: %s", p);
            }
        }
        if (t)
            add(t, bytes, n);
    }
    return p + 1;
}

const char *json_skip(const char *p, int *elements) {
    int depth = 0, commas = 0, some = 0;
    do {
        if (*p == ']' || *p == '}') {
            depth--;
            p++;
            continue;
        }
        commas += *p == ',' && depth == 1;
        some |= *p != ',' && depth == 1;
        if (*p == '"') {
            p = json_string(p, NULL);
        } else if (*p == '[' || *p == '{' || *p == ',' || *p == ':') {
            depth += *p == '[' || *p == '{';
            p++;
        } else {
            size_t n = strcspn(p, ",]}");
            if (n == 0)
                fail("JSON has no end");
            p += n;
        }
    } while (depth > 0);
    *elements = commas + some;
    return p;
}

void add_json(text *t, const char *p, size_t len) {
    add(t, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        char escaped[8];
        const char *which = c ? strchr("\"\"\\\\\nn\rr\tt", c) : NULL;
        if (which && strchr("\"\\\n\r\t", c)) {
            snprintf(escaped, sizeof escaped, "\\%c", which[1]);
            add(t, escaped, 2);
        } else if (c < ' ') {
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
            add(t, escaped, 6);
        } else {
            add(t, (const char *)&p[i], 1);
        }
    }
    add(t, "\"", 1);
}

/* ------------------------------------------------------------------ words */

static struct {
    char *w[1024];
    int n, at; /* at: the next to be taken */
} words;

void split(char *line) {
    words.n = words.at = 0;
    while (*line) {
        if (words.n == 1024)
            fail("too many words");
        words.w[words.n++] = line;
        for (int quoted = 0; *line && (quoted || *line != ' '); line++) {
            if (quoted && *line == '\\' && line[1])
                line++;
            else if (*line == '"')
                quoted = !quoted;
        }
        if (*line)
            *line++ = 0;
    }
}

int more(void) { return words.at < words.n; }

char *word(void) {
    if (!more())
        fail("a word is missing");
    return words.w[words.at++];
}

char **rest(int *n) {
    *n = words.n - words.at;
    return words.w + words.at;
}

uint64_t number_of(const char *w) {
    char *end;
    uint64_t n = *w == '-' ? (uint64_t)strtoll(w, &end, 10) : strtoull(w, &end, 10);
    if (end == w || *end)
        fail("not a number: %s", w);
    return n;
}

size_t repeats(const char *p) { return *p == '*' ? (size_t)number_of(p + 1) : 1; }

text text_of(const char *w) {
    text once = {0}, plain = {0}, all = {0};
    size_t n;
    if (!strcmp(w, "null"))
        return all;
    add(&once, "", 0);
    add(&plain, "", 0);
    add(&all, "", 0);
    n = repeats(json_string(w, &once));
    for (char *p = once.p; p < once.p + once.len;) {
        if (!strncmp(p, "$DIR", 4)) {
            add(&plain, directory, strlen(directory));
            p += 4;
        } else if (!strncmp(p, "$PORT", 5)) {
            add(&plain, port, strlen(port));
            p += 5;
        } else {
            add(&plain, p++, 1);
        }
    }
    while (n-- > 0)
        add(&all, plain.p, plain.len);
    return all;
}

stele_key key_of(const char *w) {
    stele_key key;
    if (stele_key_parse(w, strcspn(w, "*"), &key) != STELE_OK)
        fail("not a key: %s", w);
    return key;
}

static struct {
    char name[32];
    uint64_t handle;
} names[128];
static int name_count;

void bind_name(const char *name, uint64_t handle) {
    int i = 0;
    while (i < name_count && strcmp(names[i].name, name))
        i++;
    if (i == 128 || strlen(name) >= sizeof names->name)
        fail("too many handles, or too long a name: %s", name);
    if (i == name_count)
        strcpy(names[name_count++].name, name);
    names[i].handle = handle;
}

uint64_t handle_of(const char *w) {
    if (*w == '#')
        return number_of(w + 1);
    for (int i = 0; i < name_count; i++)
        if (!strcmp(names[i].name, w))
            return names[i].handle;
    fail("no such handle: %s", w);
    return 0;
}

const char *option(const char *name) {
    size_t n = strlen(name);
    for (int i = words.at; i < words.n; i++)
        if (!strncmp(words.w[i], name, n) && words.w[i][n] == '=')
            return words.w[i] + n + 1;
    return NULL;
}

uint64_t option_number(const char *name) { return option(name) ? number_of(option(name)) : 0; }

text option_text(const char *name) { return option(name) ? text_of(option(name)) : (text){0}; }

static void bound(stele_bound *b, const char *w) {
    if (!w)
        return;
    b->kind = *w == 'i' ? STELE_INCLUSIVE_KEY : STELE_EXCLUSIVE_KEY;
    w = strchr(w, ':');
    if (!w)
        fail("not a bound");
    if (!strncmp(++w, "event-", 6)) {
        b->key = key_of(w);
    } else {
        b->kind += STELE_INCLUSIVE_INSTANT - STELE_INCLUSIVE_KEY;
        b->instant = (int64_t)number_of(w);
    }
}

const stele_range *range(void) {
    static stele_range r;
    memset(&r, 0, sizeof r);
    bound(&r.from, option("from"));
    bound(&r.to, option("to"));
    return option("from") || option("to") ? &r : NULL;
}
