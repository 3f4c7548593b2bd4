using System;
using System.Runtime.InteropServices;

namespace Stele.Interop
{
    /// <summary>A batch of events on its way in. One thread at a time. Disposing gives it up.</summary>
    public sealed unsafe class WriterHandle : SteleHandle
    {
        public WriterHandle(ulong value, bool ownsHandle) : base(value, ownsHandle, null) { }

        internal WriterHandle(ulong value, StoreHandle store) : base(value, true, store) { }

        // So End, as Dispose, gives the write up; EndWrite stores it.
        internal override StoreResult Finish(ulong value) => Native.stele_write_abandon(value);

        /// <summary>stele_write_append: lines of CLEF.</summary>
        public void Append(ReadOnlySpan<byte> clef)
        {
            using (Lease held = Hold())
            fixed (byte* p = &MemoryMarshal.GetReference(clef)) StoreException.Check(Native.stele_write_append(held.Value, p, (UIntPtr)(uint)clef.Length));
        }

        /// <summary>stele_write_end: stores the events and gives their keys. BufferTooSmall, with count set, leaves the write open; a failure is as if it had never been.</summary>
        public StoreResult EndWrite(Span<EventKey> keys, out int count)
        {
            using (Lease held = Hold())
            {
                UIntPtr number = UIntPtr.Zero;
                EventKey none;
                StoreResult result;
                fixed (EventKey* p = &MemoryMarshal.GetReference(keys))
                    result = Native.stele_write_end(held.Value, keys.Length == 0 ? &none : p, (UIntPtr)(uint)keys.Length, &number);
                count = (int)number;
                bool open = result == StoreResult.BufferTooSmall || result == StoreResult.ArgumentNull || result == StoreResult.Busy || result == StoreResult.Forked;
                if (!open) SetHandleAsInvalid();
                return StoreException.Check(result);
            }
        }
    }

    /// <summary>Events in the order of their keys. One thread at a time.</summary>
    public sealed unsafe class ReaderHandle : SteleHandle
    {
        public ReaderHandle(ulong value, bool ownsHandle) : base(value, ownsHandle, null) { }

        internal ReaderHandle(ulong value, StoreHandle store) : base(value, true, store) { }

        internal override StoreResult Finish(ulong value) => Native.stele_read_end(value);

        /// <summary>stele_read_next.</summary>
        public StoreResult Next(out EventKey key, Span<byte> buffer, out int actual)
        {
            using (Lease held = Hold())
            {
                UIntPtr size = UIntPtr.Zero;
                EventKey next = default;
                StoreResult result;
                fixed (byte* p = &MemoryMarshal.GetReference(buffer)) result = Native.stele_read_next(held.Value, &next, p, (UIntPtr)(uint)buffer.Length, &size);
                key = next;
                actual = (int)size;
                return StoreException.Check(result);
            }
        }

        /// <summary>stele_read_next_batch.</summary>
        public StoreResult NextBatch(Span<byte> buffer, out int actual, out int count)
        {
            using (Lease held = Hold())
            {
                UIntPtr size = UIntPtr.Zero, number = UIntPtr.Zero;
                StoreResult result;
                fixed (byte* p = &MemoryMarshal.GetReference(buffer)) result = Native.stele_read_next_batch(held.Value, p, (UIntPtr)(uint)buffer.Length, &size, &number);
                actual = (int)size;
                count = (int)number;
                return StoreException.Check(result);
            }
        }
    }

    /// <summary>Events as they arrive. One thread at a time.</summary>
    public sealed unsafe class TailHandle : SteleHandle
    {
        public TailHandle(ulong value, bool ownsHandle) : base(value, ownsHandle, null) { }

        internal TailHandle(ulong value, StoreHandle store) : base(value, true, store) { }

        internal override StoreResult Finish(ulong value) => Native.stele_tail_end(value);

        /// <summary>stele_tail_next.</summary>
        public StoreResult Next(uint timeoutMs, out EventKey key, Span<byte> buffer, out int actual)
        {
            using (Lease held = Hold())
            {
                UIntPtr size = UIntPtr.Zero;
                EventKey next = default;
                StoreResult result;
                fixed (byte* p = &MemoryMarshal.GetReference(buffer)) result = Native.stele_tail_next(held.Value, timeoutMs, &next, p, (UIntPtr)(uint)buffer.Length, &size);
                key = next;
                actual = (int)size;
                return StoreException.Check(result);
            }
        }

        /// <summary>stele_tail_next_batch.</summary>
        public StoreResult NextBatch(uint timeoutMs, Span<byte> buffer, out int actual, out int count)
        {
            using (Lease held = Hold())
            {
                UIntPtr size = UIntPtr.Zero, number = UIntPtr.Zero;
                StoreResult result;
                fixed (byte* p = &MemoryMarshal.GetReference(buffer)) result = Native.stele_tail_next_batch(held.Value, timeoutMs, p, (UIntPtr)(uint)buffer.Length, &size, &number);
                actual = (int)size;
                count = (int)number;
                return StoreException.Check(result);
            }
        }

        /// <summary>stele_tail_position.</summary>
        public ulong Position()
        {
            ulong arrival;
            using (Lease held = Hold()) StoreException.Check(Native.stele_tail_position(held.Value, &arrival));
            return arrival;
        }
    }

    /// <summary>Rows of JSON. One thread at a time.</summary>
    public sealed unsafe class RowsHandle : SteleHandle
    {
        public RowsHandle(ulong value, bool ownsHandle) : base(value, ownsHandle, null) { }

        internal RowsHandle(ulong value, StoreHandle store) : base(value, true, store) { }

        internal override StoreResult Finish(ulong value) => Native.stele_rows_end(value);

        /// <summary>stele_rows_describe.</summary>
        public byte[] Describe() => Whole((rows, buffer, len, actual) => Native.stele_rows_describe(rows, buffer, len, actual));

        /// <summary>stele_rows_next. Null if there are no more.</summary>
        public byte[] Next() => Whole((rows, buffer, len, actual) => Native.stele_rows_next(rows, buffer, len, actual));

        /// <summary>stele_rows_next_batch.</summary>
        public StoreResult NextBatch(Span<byte> buffer, out int actual, out int count)
        {
            using (Lease held = Hold())
            {
                UIntPtr size = UIntPtr.Zero, number = UIntPtr.Zero;
                StoreResult result;
                fixed (byte* p = &MemoryMarshal.GetReference(buffer)) result = Native.stele_rows_next_batch(held.Value, p, (UIntPtr)(uint)buffer.Length, &size, &number);
                actual = (int)size;
                count = (int)number;
                return StoreException.Check(result);
            }
        }
    }

    /// <summary>The HTTP API and page of a store. Any thread may use it at any time.</summary>
    public sealed unsafe class ServerHandle : SteleHandle
    {
        public ServerHandle(ulong value, bool ownsHandle) : base(value, ownsHandle, null) { }

        internal ServerHandle(ulong value, StoreHandle store) : base(value, true, store) { }

        internal override StoreResult Finish(ulong value) => Native.stele_serve_end(value);

        /// <summary>stele_serve_urls.</summary>
        public byte[] Urls() => Whole((server, buffer, len, actual) => Native.stele_serve_urls(server, buffer, len, actual));
    }
}
