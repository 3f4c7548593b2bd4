// Reads the same texts from RocksDB: an iterator of its C interface.
#include "timing.h"
#include <rocksdb/c.h>

static char   buffer[256 << 10];
static size_t sum;

static size_t read_all(rocksdb_t *db, const rocksdb_readoptions_t *ro)
{
    size_t              count = 0;
    rocksdb_iterator_t *it = rocksdb_create_iterator(db, ro);
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t      k, n;
        const char *key = rocksdb_iter_key(it, &k), *text = rocksdb_iter_value(it, &n);
        memcpy(buffer, text, n);
        sum += n + (unsigned char)key[15] + (unsigned char)buffer[n - 1];
        count++;
    }
    rocksdb_iter_destroy(it);
    return count;
}

static void load(rocksdb_t *db, const char *path)
{
    FILE                   *f = fopen(path, "rb");
    char                    head[20], *err = NULL;
    rocksdb_writeoptions_t *wo = rocksdb_writeoptions_create();
    if (!f)
        die("cannot read the records");
    rocksdb_writeoptions_disable_WAL(wo, 1);
    while (fread(head, sizeof head, 1, f) == 1) {
        unsigned n;
        memcpy(&n, head + 16, 4);
        if (n > sizeof buffer || fread(buffer, n, 1, f) != 1)
            die("the records are cut off");
        rocksdb_put(db, wo, head, 16, buffer, n, &err);
        if (err)
            die(err);
    }
    fclose(f);
    rocksdb_compact_range(db, NULL, 0, NULL, 0);
}

int main(int argc, char **argv)
{
    char *err = NULL;
    if (argc != 2 && argc != 3)
        die("usage: rocksdb DIRECTORY [RECORDS]");
    rocksdb_options_t                   *o = rocksdb_options_create();
    rocksdb_block_based_table_options_t *to = rocksdb_block_based_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_block_based_options_set_block_size(to, 16 << 10);
    rocksdb_block_based_options_set_block_cache(to, rocksdb_cache_create_lru((size_t)256 << 20));
    rocksdb_options_set_block_based_table_factory(o, to);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_t *db = rocksdb_open(o, argv[1], &err);
    if (err)
        die(err);
    if (argc == 3) {
        load(db, argv[2]);
        rocksdb_close(db);
        return 0;
    }
    rocksdb_readoptions_t *ro = rocksdb_readoptions_create();
    read_all(db, ro);
    double begun = now_ns();
    tell("rocksdb", begun, (double)read_all(db, ro));
    fprintf(stderr, "%zu\n", sum);
    return 0;
}
