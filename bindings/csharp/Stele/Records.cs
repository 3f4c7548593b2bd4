using System;
using System.Runtime.InteropServices;
using Stele.Interop;

namespace Stele
{
    /// <summary>Walks the records that a batch call put into a buffer: many events for one call into the library.</summary>
    /// <remarks>
    ///   +----------+---------+------------+-----------------+---------+
    ///   | key (16) | len (4) | stride (4) | text (len)      | 0 to 7  |   the next record begins at stride
    ///   +----------+---------+------------+-----------------+---------+
    /// </remarks>
    sealed class Records
    {
        // A read of few events is to cost little; one of many gets the size that the header recommends.
        const int FirstBytes = 16 << 10, Bytes = 256 << 10, Header = 24;

        internal delegate StoreResult Fill(Span<byte> buffer, out int actual, out int count);

        byte[] buffer;
        int left, next, text, length;
        EventKey key;

        /// <summary>Whether there are records after the current one.</summary>
        internal bool More => left > 0;

        /// <summary>Key and text of the current record.</summary>
        internal EventKey Key => key;
        internal ReadOnlySpan<byte> Text => new ReadOnlySpan<byte>(buffer, text, length);

        /// <summary>Goes to the next record of the buffer; false if there is none.</summary>
        internal bool Step()
        {
            if (left <= 0) return false;
            RawRecord record = MemoryMarshal.Read<RawRecord>(new ReadOnlySpan<byte>(buffer, next, Header));
            key = record.Key;
            text = next + Header;
            length = (int)record.Len;
            next += (int)record.Stride;
            left--;
            return true;
        }

        /// <summary>Has the buffer filled anew and goes to its first record. Ok, Done or TimedOut.</summary>
        internal StoreResult Refill(Fill fill)
        {
            if (buffer == null) buffer = new byte[FirstBytes];
            else if (buffer.Length < Bytes && next > buffer.Length / 2) buffer = new byte[Bytes];
            for (;;)
            {
                Clear();
                StoreResult result = fill(buffer, out int actual, out int count);
                if (result == StoreResult.BufferTooSmall)
                {
                    buffer = new byte[Math.Max(actual, Bytes)];
                    continue;
                }
                if (result == StoreResult.Ok)
                {
                    left = count;
                    Step();
                }
                return result;
            }
        }

        /// <summary>Forgets what the buffer holds.</summary>
        internal void Clear()
        {
            left = next = text = length = 0;
        }
    }
}
