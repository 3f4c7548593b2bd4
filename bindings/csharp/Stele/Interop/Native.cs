using System;
using System.Runtime.InteropServices;

namespace Stele.Interop
{
    /// <summary>
    /// The raw floor: the functions of stele.h under their own names, the header being their manual. Nothing is checked and nothing converted here:
    /// lengths are bytes, handles are numbers, and each result is for the caller to look at.
    /// </summary>
    /// <remarks>Every argument is blittable, so that a call costs what it costs from C, and none waits for the garbage collector while it is marshalled.</remarks>
    public static unsafe class Native
    {
        const string Library = "stele";
        const CallingConvention C = CallingConvention.Cdecl;

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_version(VersionInfo* info);
        [DllImport(Library, CallingConvention = C)] public static extern byte* stele_result_name(StoreResult result);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_last_error(StoreResult* code, ulong* id, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_host(uint host);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_cancel(ulong handle);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_key_parse(byte* text, UIntPtr len, EventKey* key);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_key_format(EventKey* key, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_key_parts(EventKey* key, long* instant, ulong* arrival);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_open(byte* path, UIntPtr pathLen, RawStoreOptions* options, ulong* store);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_close(ulong store);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_flush(ulong store);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_statistics(ulong store, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_verify(ulong store, ulong* rows);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_backup(ulong store, byte* directory, UIntPtr directoryLen, uint keep, ulong* rows);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_write_begin(ulong store, RawWriteOptions* options, ulong* writer);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_write_append(ulong writer, byte* clef, UIntPtr len);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_write_end(ulong writer, EventKey* keys, UIntPtr capacity, UIntPtr* count);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_write_abandon(ulong writer);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_read_begin(ulong store, RawReadOptions* options, ulong* reader);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_read_next(ulong reader, EventKey* key, void* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_read_next_batch(ulong reader, void* buffer, UIntPtr len, UIntPtr* actual, UIntPtr* count);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_read_end(ulong reader);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_get(ulong store, EventKey* key, void* buffer, UIntPtr len, UIntPtr* actual);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_delete_keys(ulong store, EventKey* keys, UIntPtr count, ulong* deleted);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_delete(ulong store, EventRange* range, byte* filter, UIntPtr filterLen, ulong* deleted);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_document_set(ulong store, byte* key, UIntPtr keyLen, byte* json, UIntPtr jsonLen);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_document_get(ulong store, byte* key, UIntPtr keyLen, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_document_delete(ulong store, byte* key, UIntPtr keyLen);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_document_list(ulong store, byte* prefix, UIntPtr prefixLen, ulong* rows);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_query_begin(ulong store, byte* query, UIntPtr queryLen, RawQueryOptions* options, ulong* rows);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_rows_describe(ulong rows, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_rows_next(ulong rows, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_rows_next_batch(ulong rows, void* buffer, UIntPtr len, UIntPtr* actual, UIntPtr* count);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_rows_end(ulong rows);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_tail_begin(ulong store, RawTailOptions* options, ulong* tail);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_tail_next(ulong tail, uint timeoutMs, EventKey* key, void* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_tail_next_batch(ulong tail, uint timeoutMs, void* buffer, UIntPtr len, UIntPtr* actual, UIntPtr* count);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_tail_position(ulong tail, ulong* arrival);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_tail_end(ulong tail);

        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_serve_begin(ulong store, RawServeOptions* options, ulong* server);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_serve_urls(ulong server, byte* buffer, UIntPtr len, UIntPtr* actual);
        [DllImport(Library, CallingConvention = C)] public static extern StoreResult stele_serve_end(ulong server);
    }
}
