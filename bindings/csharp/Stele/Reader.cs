using System;
using System.Collections;
using System.Collections.Generic;
using Stele.Interop;

namespace Stele
{
    /// <summary>
    /// Events in the order of their keys, as the store held them when the reader was begun. A foreach gives views, of which nothing is copied; as an
    /// <see cref="IEnumerable{T}"/>, so with LINQ, a reader gives events that may be kept. It goes through the events once. One thread at a time.
    /// </summary>
    /// <remarks>
    /// Damage is passed over and told after the last event: the step that would say that there are no more throws a <see cref="StoreException"/> that names file, offset and cause, as does
    /// <see cref="End"/>. <see cref="Dispose"/> tells nothing, so that it hides no other exception.
    /// </remarks>
    public sealed class Reader : IEnumerable<Event>, IDisposable
    {
        readonly Records records = new Records();
        readonly Records.Fill fill;

        internal Reader(ReaderHandle handle)
        {
            Handle = handle;
            fill = handle.NextBatch;
        }

        /// <summary>The floor below. What it reads itself is missing here.</summary>
        public ReaderHandle Handle { get; }

        /// <summary>Goes to the next event. False: there are no more.</summary>
        public bool Read() => records.Step() || records.Refill(fill) == StoreResult.Ok;

        /// <summary>The event that <see cref="Read"/> went to, until the next call of it.</summary>
        public EventView Current => new EventView(records.Key, records.Text);

        public Enumerator GetEnumerator() => new Enumerator(this);

        IEnumerator<Event> IEnumerable<Event>.GetEnumerator()
        {
            while (Read()) yield return Current.ToEvent();
        }

        IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<Event>)this).GetEnumerator();

        /// <summary>From any thread: the reader ends soon with Canceled.</summary>
        public void Cancel() => Handle.Cancel();

        /// <summary>Ends the reader and throws if something was lost on the way. A second time it does nothing.</summary>
        public void End()
        {
            records.Clear();
            Handle.End();
        }

        public void Dispose()
        {
            records.Clear();
            Handle.Dispose();
        }

        /// <summary>For foreach.</summary>
        public readonly struct Enumerator
        {
            readonly Reader reader;

            internal Enumerator(Reader reader)
            {
                this.reader = reader;
            }

            public bool MoveNext() => reader.Read();
            public EventView Current => reader.Current;
        }
    }
}
