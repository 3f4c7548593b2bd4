/*
 * What the files of the runner have in common; README.md has the form of the scripts.
 *
 * words.c: memory, words, JSON, handles; answers.c: what is printed; raw.c: calls word by word, and on other threads; runner.c: the commands.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include "stele.h"

extern const char *directory;
extern char port[16]; /* of the last serve_urls */
extern int line_number;

/* Says what is wrong with the script, and ends the process with 2. */
void fail(const char *format, ...);

/* What a command takes is given back when it is over; what a spawned call takes, when it is joined. */
typedef struct memory {
    struct memory *next;
    uint64_t words[];
} memory;

extern memory *held;
void *take(size_t bytes); /* zeroed */
void give_back(memory *m);

/* Bytes that grow, with a NUL after them. */
typedef struct text {
    char *p;
    size_t len, room;
} text;

void add(text *t, const char *p, size_t len);

/* JSON, which has no spaces. */
int hex_digit(int c);
const char *json_string(const char *p, text *t);        /* returns what follows the string; its text is added to *t if t is given */
const char *json_skip(const char *p, int *elements);    /* returns what follows the value; *elements is how many a list or object has */
void add_json(text *t, const char *p, size_t len);      /* adds a text as a JSON string */

/* The words of a command. */
void split(char *line);
int more(void);
char *word(void);
char **rest(int *n);
uint64_t number_of(const char *w);
text text_of(const char *w); /* p is NULL for null */
size_t repeats(const char *p);
stele_key key_of(const char *w);
void bind_name(const char *name, uint64_t handle);
uint64_t handle_of(const char *w);
const char *option(const char *name); /* NULL if it is absent */
uint64_t option_number(const char *name);
text option_text(const char *name);
const stele_range *range(void); /* the options from and to; NULL without both */

/* Answers. */
void show(char mark, const char *p, size_t len);                          /* each line of a text with its mark before it */
void show_picks(const char *json, size_t len, char **picks, int n);       /* members of a JSON object; without picks the text */
void show_last_error(char mark);
void begin(stele_result r);  /* values follow */
void finish(stele_result r); /* ends the line */
void answer(stele_result r); /* both */
int good(stele_result r, size_t needed); /* begins; true if it is STELE_OK and values follow, else it is finished */
const char *key_text(const stele_key *key);
void learn_port(const char *urls, size_t len);

int run_around(const char *command); /* raw, thread, spawn, join, until; false if it is none of them */

#endif
