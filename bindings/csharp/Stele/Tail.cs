using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Stele.Interop;

namespace Stele
{
    /// <summary>Events in the order in which they arrive, late ones included, without end. One thread at a time, but for <see cref="Cancel"/> and <see cref="Dispose"/>.</summary>
    public sealed class Tail : IAsyncEnumerable<Event>, IDisposable
    {
        readonly Records records = new Records();

        internal Tail(TailHandle handle)
        {
            Handle = handle;
        }

        /// <summary>The floor below. What it reads itself is missing here.</summary>
        public TailHandle Handle { get; }

        /// <summary>Goes to the next event and waits for it. False: none came in that time. Timeout.InfiniteTimeSpan waits for ever.</summary>
        public bool Read(TimeSpan timeout) => records.Step() || Fetch(Milliseconds.Of(timeout));

        /// <summary>The event that <see cref="Read"/> went to, until the next call of it.</summary>
        public EventView Current => new EventView(records.Key, records.Text);

        /// <summary>
        /// The arrival number after which to go on, as <see cref="TailOptions.After"/>: that of the last event given, or of one passed over since by the filter. Also after <see cref="Cancel"/>.
        /// </summary>
        public ulong Position => records.More ? records.Key.Arrival : Handle.Position(); // the library counts what lies in the buffer as given

        /// <summary>
        /// The events, for await foreach. When the token is cancelled the wait ends at once with an <see cref="OperationCanceledException"/>, and the tail is over:
        /// a new one goes on after its <see cref="Position"/>. While there is nothing to give, a thread waits inside the library.
        /// </summary>
        public IAsyncEnumerator<Event> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new Enumerator(this, cancellationToken);

        /// <summary>From any thread: the call that waits, and every later one, ends with Canceled.</summary>
        public void Cancel() => Handle.Cancel();

        /// <summary>Ends the tail and throws if something was lost on the way. A second time it does nothing.</summary>
        public void End()
        {
            records.Clear();
            Handle.End();
        }

        /// <summary>Ends the tail; a thread that waits in it is woken with Canceled.</summary>
        public void Dispose()
        {
            Handle.Cancel();
            Handle.Dispose();
        }

        bool Fetch(uint timeoutMs) =>
            records.Refill((Span<byte> buffer, out int actual, out int count) => Handle.NextBatch(timeoutMs, buffer, out actual, out count)) == StoreResult.Ok;

        sealed class Enumerator : IAsyncEnumerator<Event>
        {
            readonly Tail tail;
            readonly CancellationToken token;

            internal Enumerator(Tail tail, CancellationToken token)
            {
                this.tail = tail;
                this.token = token;
            }

            public Event Current { get; private set; }

            public ValueTask<bool> MoveNextAsync()
            {
                if (token.IsCancellationRequested) return new ValueTask<bool>(Task.FromCanceled<bool>(token));
                if (!tail.records.Step()) return new ValueTask<bool>(FetchAsync());
                Current = tail.Current.ToEvent();
                return new ValueTask<bool>(true);
            }

            public ValueTask DisposeAsync() => default;

            async Task<bool> FetchAsync()
            {
                using (token.Register(tail.Cancel))
                {
                    try
                    {
                        // A thread of its own, and only while there is nothing: waiting ones must not use up the pool's.
                        while (!tail.Fetch(0) && !await Task.Factory.StartNew(Wait, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false)) { }
                    }
                    catch (StoreException e) when (e.Result == StoreResult.Canceled && token.IsCancellationRequested)
                    {
                        throw new OperationCanceledException(e.Message, e, token);
                    }
                }
                Current = tail.Current.ToEvent();
                return true;
            }

            bool Wait() => tail.Fetch(Flag.WaitForEver);
        }
    }
}
