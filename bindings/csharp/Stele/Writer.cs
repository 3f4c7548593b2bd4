using System;
using Stele.Interop;

namespace Stele
{
    /// <summary>
    /// Events that are stored together, all or none. Nothing is seen of them before <see cref="End"/> returns, and they are on disk then. Disposing without it gives them up. One thread at a time.
    /// </summary>
    public sealed class Writer : IDisposable
    {
        internal Writer(WriterHandle handle)
        {
            Handle = handle;
        }

        /// <summary>The floor below.</summary>
        public WriterHandle Handle { get; }

        /// <summary>Adds lines of CLEF, a JSON object each with at least "@t", all of them or none. What was refused makes <see cref="End"/> fail too, unless the write is <see cref="WriteOptions.Partial"/>.</summary>
        public void Append(ReadOnlySpan<byte> clef) => Handle.Append(Utf8.Given(clef));

        /// <summary>As <see cref="Append(ReadOnlySpan{byte})"/>.</summary>
        public void Append(string clef) => Handle.Append(Utf8.Span(clef, nameof(clef)));

        /// <summary>Stores the events and gives their keys, in the order in which they were added.</summary>
        public EventKey[] End()
        {
            EventKey[] keys = Array.Empty<EventKey>();
            int count;
            while (Handle.EndWrite(keys, out count) == StoreResult.BufferTooSmall) keys = new EventKey[count];
            return keys;
        }

        /// <summary>Gives the write up. After End, or a second time, it does nothing.</summary>
        public void Abandon() => Handle.End();

        public void Dispose() => Handle.Dispose();
    }
}
