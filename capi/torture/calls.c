#include "calls.h"

#define CALL_OF(f) F_##f, (void (*)(void))f

static const char line[] = "{\"@t\":\"2026-01-01T00:00:00Z\",\"@mt\":\"One\"}", key[] = "event-80000000000000000000000000000001";

const call calls[CALLS] = {
    {CALL_OF(stele_version), "v", {0}, 0},
    {CALL_OF(stele_host), "i", {0}, 0},
    {CALL_OF(stele_cancel), "H", {0}, 0},
    {CALL_OF(stele_key_parse), "tla", {key}, 0},
    {CALL_OF(stele_key_format), "kbla", {0}, 0},
    {CALL_OF(stele_key_parts), "knn", {0}, 0},
    {CALL_OF(stele_open), "tlxa", {"/another"}, sizeof(stele_options)}, // in the directory of the run
    {CALL_OF(stele_close), "S", {0}, 0},
    {CALL_OF(stele_flush), "S", {0}, 0},
    {CALL_OF(stele_statistics), "Sbla", {0}, 0},
    {CALL_OF(stele_verify), "Sa", {0}, 0},
    {CALL_OF(stele_backup), "Stlia", {"/backups"}, 0},
    {CALL_OF(stele_write_begin), "Sxa", {0}, sizeof(stele_write_options)},
    {CALL_OF(stele_write_append), "Wtl", {line}, 0},
    {CALL_OF(stele_write_end), "Wyla", {0}, 0},
    {CALL_OF(stele_write_abandon), "W", {0}, 0},
    {CALL_OF(stele_read_begin), "Sxa", {0}, sizeof(stele_read_options)},
    {CALL_OF(stele_read_next), "Rnbla", {0}, 0},
    {CALL_OF(stele_read_next_batch), "Rblaa", {0}, 0},
    {CALL_OF(stele_read_end), "R", {0}, 0},
    {CALL_OF(stele_get), "Skbla", {0}, 0},
    {CALL_OF(stele_delete_keys), "Syln", {0}, 0},
    {CALL_OF(stele_delete), "Sgoln", {"N = 7"}, 0},
    {CALL_OF(stele_document_set), "Stltl", {"a key", "{\"A\":1}"}, 0},
    {CALL_OF(stele_document_get), "Stlbla", {"a key"}, 0},
    {CALL_OF(stele_document_delete), "Stl", {"a key"}, 0},
    {CALL_OF(stele_document_list), "Sola", {"a"}, 0},
    {CALL_OF(stele_query_begin), "Stlxa", {"select N, Pad from stream"}, sizeof(stele_query_options)},
    {CALL_OF(stele_rows_describe), "Qbla", {0}, 0},
    {CALL_OF(stele_rows_next), "Qbla", {0}, 0},
    {CALL_OF(stele_rows_next_batch), "Qblaa", {0}, 0},
    {CALL_OF(stele_rows_end), "Q", {0}, 0},
    {CALL_OF(stele_tail_begin), "Sxa", {0}, sizeof(stele_tail_options)},
    {CALL_OF(stele_tail_next), "Tinbla", {0}, 0},
    {CALL_OF(stele_tail_next_batch), "Tiblaa", {0}, 0},
    {CALL_OF(stele_tail_position), "Ta", {0}, 0},
    {CALL_OF(stele_tail_end), "T", {0}, 0},
    {CALL_OF(stele_serve_begin), "Sxa", {0}, sizeof(stele_serve_options)},
    {CALL_OF(stele_serve_urls), "Vbla", {0}, 0},
    {CALL_OF(stele_serve_end), "V", {0}, 0},
};

int kind_of_letter(char letter)
{
    const char *at = letter ? strchr("SVWRTQ", letter) : NULL;
    return at ? (int)(at - "SVWRTQ") : -1;
}

stele_result do_call(const call *c, const uint64_t *a)
{
    // Every parameter is a number or a pointer: on the machines there are a function can be called as one of six numbers of 64 bits.
    typedef int32_t (*six)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    return observe(c->function, ((six)c->pointer)(a[0], a[1], a[2], a[3], a[4], a[5]));
}

stele_result end_handle(int kind, uint64_t h)
{
    switch (kind) {
    case STORE:  return CALL(stele_close, h);
    case SERVER: return CALL(stele_serve_end, h);
    case WRITER: return CALL(stele_write_abandon, h);
    case READER: return CALL(stele_read_end, h);
    case TAIL:   return CALL(stele_tail_end, h);
    default:     return CALL(stele_rows_end, h);
    }
}
