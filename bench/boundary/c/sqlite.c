// Reads the same texts from SQLite: its C interface, one row after the other, in the order of the key.
#include "timing.h"
#include <sqlite3.h>

static char   buffer[256 << 10];
static size_t sum;

static size_t read_all(sqlite3 *db)
{
    sqlite3_stmt *s;
    size_t        count = 0;
    if (sqlite3_prepare_v2(db, "select key, text from events order by key", -1, &s, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    int r;
    while ((r = sqlite3_step(s)) == SQLITE_ROW) {
        const unsigned char *key = sqlite3_column_blob(s, 0);
        const void          *text = sqlite3_column_text(s, 1);
        size_t               n = (size_t)sqlite3_column_bytes(s, 1);
        memcpy(buffer, text, n);
        sum += n + key[15] + (unsigned char)buffer[n - 1];
        count++;
    }
    if (r != SQLITE_DONE)
        die(sqlite3_errmsg(db));
    sqlite3_finalize(s);
    return count;
}

// load stores the records of a file: 16 bytes of key, 4 of length, the text.
static void load(sqlite3 *db, const char *path)
{
    FILE         *f = fopen(path, "rb");
    sqlite3_stmt *s;
    unsigned char head[20];
    if (!f)
        die("cannot read the records");
    if (sqlite3_exec(db, "pragma page_size = 8192; pragma journal_mode = off; pragma synchronous = off; create table events (key blob primary key, text text) without rowid; begin", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "insert into events values (?, ?)", -1, &s, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    while (fread(head, sizeof head, 1, f) == 1) {
        unsigned n;
        memcpy(&n, head + 16, 4);
        if (n > sizeof buffer || fread(buffer, n, 1, f) != 1)
            die("the records are cut off");
        sqlite3_bind_blob(s, 1, head, 16, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 2, buffer, (int)n, SQLITE_TRANSIENT);
        if (sqlite3_step(s) != SQLITE_DONE)
            die(sqlite3_errmsg(db));
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    fclose(f);
    if (sqlite3_exec(db, "commit", NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    if (argc != 2 && argc != 3)
        die("usage: sqlite FILE [RECORDS]");
    if (sqlite3_open(argv[1], &db) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    if (argc == 3) {
        load(db, argv[2]);
        return 0;
    }
    sqlite3_exec(db, "pragma mmap_size = 4294967296; pragma cache_size = -262144", NULL, NULL, NULL);
    read_all(db);
    double begun = now_ns();
    tell("sqlite", begun, (double)read_all(db));
    fprintf(stderr, "%zu\n", sum);
    return 0;
}
