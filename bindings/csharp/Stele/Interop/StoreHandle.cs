using System;
using System.Runtime.InteropServices;

namespace Stele.Interop
{
    /// <summary>An open store. Any thread may use it at any time.</summary>
    /// <remarks>Options are the header's structs, by address, null for none; what their pointers lead to must stay in place during the call. A text or span that is null is NULL.</remarks>
    public sealed unsafe class StoreHandle : SteleHandle
    {
        public StoreHandle(ulong value, bool ownsHandle) : base(value, ownsHandle, null) { }

        internal override StoreResult Finish(ulong value) => Native.stele_close(value);

        /// <summary>stele_open, after stele_host.</summary>
        public static StoreHandle Open(string path, RawStoreOptions* options)
        {
            Host.Prepare();
            byte[] bytes = Utf8.Bytes(path, out UIntPtr length);
            ulong store;
            fixed (byte* p = bytes) StoreException.Check(Native.stele_open(p, length, options, &store));
            return new StoreHandle(store, true);
        }

        /// <summary>stele_flush.</summary>
        public void Flush()
        {
            using (Lease held = Hold()) StoreException.Check(Native.stele_flush(held.Value));
        }

        /// <summary>stele_statistics.</summary>
        public byte[] Statistics() => Whole((store, buffer, len, actual) => Native.stele_statistics(store, buffer, len, actual));

        /// <summary>stele_verify.</summary>
        public RowsHandle Verify()
        {
            ulong rows;
            using (Lease held = Hold()) StoreException.Check(Native.stele_verify(held.Value, &rows));
            return new RowsHandle(rows, this);
        }

        /// <summary>stele_backup.</summary>
        public RowsHandle Backup(string directory, uint keep)
        {
            byte[] bytes = Utf8.Bytes(directory, out UIntPtr length);
            ulong rows;
            using (Lease held = Hold())
            fixed (byte* p = bytes) StoreException.Check(Native.stele_backup(held.Value, p, length, keep, &rows));
            return new RowsHandle(rows, this);
        }

        /// <summary>stele_write_begin.</summary>
        public WriterHandle BeginWrite(RawWriteOptions* options)
        {
            ulong writer;
            using (Lease held = Hold()) StoreException.Check(Native.stele_write_begin(held.Value, options, &writer));
            return new WriterHandle(writer, this);
        }

        /// <summary>stele_read_begin.</summary>
        public ReaderHandle BeginRead(RawReadOptions* options)
        {
            ulong reader;
            using (Lease held = Hold()) StoreException.Check(Native.stele_read_begin(held.Value, options, &reader));
            return new ReaderHandle(reader, this);
        }

        /// <summary>stele_get.</summary>
        public byte[] Get(EventKey key) => Whole((store, buffer, len, actual) =>
        {
            EventKey wanted = key;
            return Native.stele_get(store, &wanted, buffer, len, actual);
        });

        /// <summary>stele_delete_keys.</summary>
        public ulong DeleteKeys(ReadOnlySpan<EventKey> keys)
        {
            ulong deleted;
            using (Lease held = Hold())
            fixed (EventKey* p = &MemoryMarshal.GetReference(keys))
                StoreException.Check(Native.stele_delete_keys(held.Value, p, (UIntPtr)(uint)keys.Length, &deleted));
            return deleted;
        }

        /// <summary>stele_delete.</summary>
        public ulong Delete(EventRange* range, string filter)
        {
            byte[] bytes = Utf8.Bytes(filter, out UIntPtr length);
            ulong deleted;
            using (Lease held = Hold())
            fixed (byte* p = bytes) StoreException.Check(Native.stele_delete(held.Value, range, p, length, &deleted));
            return deleted;
        }

        /// <summary>stele_document_set.</summary>
        public void SetDocument(string key, ReadOnlySpan<byte> json)
        {
            byte[] bytes = Utf8.Bytes(key, out UIntPtr length);
            using (Lease held = Hold())
            fixed (byte* p = bytes, j = &MemoryMarshal.GetReference(json))
                StoreException.Check(Native.stele_document_set(held.Value, p, length, j, (UIntPtr)(uint)json.Length));
        }

        /// <summary>stele_document_get.</summary>
        public byte[] GetDocument(string key)
        {
            byte[] bytes = Utf8.Bytes(key, out UIntPtr length);
            return Whole((store, buffer, len, actual) =>
            {
                fixed (byte* p = bytes) return Native.stele_document_get(store, p, length, buffer, len, actual);
            });
        }

        /// <summary>stele_document_delete.</summary>
        public void DeleteDocument(string key)
        {
            byte[] bytes = Utf8.Bytes(key, out UIntPtr length);
            using (Lease held = Hold())
            fixed (byte* p = bytes) StoreException.Check(Native.stele_document_delete(held.Value, p, length));
        }

        /// <summary>stele_document_list.</summary>
        public RowsHandle ListDocuments(string prefix)
        {
            byte[] bytes = Utf8.Bytes(prefix, out UIntPtr length);
            ulong rows;
            using (Lease held = Hold())
            fixed (byte* p = bytes) StoreException.Check(Native.stele_document_list(held.Value, p, length, &rows));
            return new RowsHandle(rows, this);
        }

        /// <summary>stele_query_begin.</summary>
        public RowsHandle BeginQuery(string query, RawQueryOptions* options)
        {
            byte[] text = Utf8.Bytes(query, out UIntPtr length);
            ulong rows;
            using (Lease held = Hold())
            fixed (byte* t = text) StoreException.Check(Native.stele_query_begin(held.Value, t, length, options, &rows));
            return new RowsHandle(rows, this);
        }

        /// <summary>stele_tail_begin.</summary>
        public TailHandle BeginTail(RawTailOptions* options)
        {
            ulong tail;
            using (Lease held = Hold()) StoreException.Check(Native.stele_tail_begin(held.Value, options, &tail));
            return new TailHandle(tail, this);
        }

        /// <summary>stele_serve_begin.</summary>
        public ServerHandle BeginServe(RawServeOptions* options)
        {
            ulong server;
            using (Lease held = Hold()) StoreException.Check(Native.stele_serve_begin(held.Value, options, &server));
            return new ServerHandle(server, this);
        }
    }
}
