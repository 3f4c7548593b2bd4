using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Stele.Tests
{
    public static class TailTests
    {
        static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

        public static void ATailGivesWhatArrives(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                store.Append(Make.Events(0, 2));
                using (Tail all = store.Tail())
                using (Tail late = store.Tail(new TailOptions { After = TailOptions.FromNow }))
                {
                    Expect.That(all.Read(TimeSpan.Zero) && all.Read(TimeSpan.Zero), "what is there is not given");
                    Expect.That(!all.Read(TimeSpan.Zero) && !late.Read(TimeSpan.FromMilliseconds(1)), "there is more than was written");
                    // An event of long ago that arrives now.
                    store.Append("{\"@t\":\"1970-01-01T00:00:00Z\",\"Late\":true}");
                    Expect.That(all.Read(Long) && late.Read(Long), "what arrives is not given");
                    Expect.Contains("Late", all.Current.Json);
                    Expect.Contains("Late", late.Current.Json);
                    Expect.Equal(all.Current.Key.Arrival, late.Position);
                    late.End();
                }
            }
        }

        public static void APositionIsThatOfWhatWasGiven(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                EventKey[] keys = store.Append(Make.Events(0, 10));
                ulong position;
                using (Tail tail = store.Tail())
                {
                    for (int i = 0; i < 4; i++) tail.Read(Long);
                    position = tail.Position;
                }
                Expect.Equal(keys[3].Arrival, position);
                using (Tail tail = store.Tail(new TailOptions { After = position, Filter = "N > 4" }))
                {
                    Expect.That(tail.Read(Long), "nothing comes");
                    Expect.Equal(keys[5], tail.Current.Key);
                }
            }
        }

        public static void ATailIsAwaited(string directory)
        {
            using (Store store = Store.Open(directory))
            using (Tail tail = store.Tail(new TailOptions { Filter = "N >= 0" }))
            {
                store.Append(Make.Events(0, 3));
                Task<int> follower = Follow(tail, 500, CancellationToken.None);
                for (int n = 3; n < 500;)
                {
                    store.Append(Make.Events(n, 7));
                    n += 7;
                    if (n % 3 == 0) Thread.Sleep(1);
                }
                Expect.That(follower.Wait(Long), "it never came to an end");
                Expect.Equal(499, follower.Result);
            }
        }

        static async Task<int> Follow(Tail tail, int count, CancellationToken token)
        {
            int n = 0;
            IAsyncEnumerator<Event> events = tail.GetAsyncEnumerator(token);
            try
            {
                while (n < count && await events.MoveNextAsync().ConfigureAwait(false))
                    Expect.Contains("\"N\":" + n++ + "}", events.Current.Json);
            }
            finally
            {
                await events.DisposeAsync().ConfigureAwait(false);
            }
            return n - 1;
        }

        public static void AWaitIsCancelled(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                foreach (int delay in new[] { 0, 50 })
                    using (Tail tail = store.Tail(new TailOptions { After = TailOptions.FromNow }))
                    using (CancellationTokenSource source = new CancellationTokenSource())
                    {
                        Task<int> follower = Follow(tail, 1, source.Token);
                        Thread.Sleep(delay);
                        source.Cancel();
                        AggregateException e = Expect.Throws<AggregateException>(() => Expect.That(follower.Wait(Long), "it waits on"));
                        OperationCanceledException canceled = e.InnerException as OperationCanceledException;
                        Expect.That(canceled != null, e.ToString());
                        Expect.Equal(source.Token, canceled.CancellationToken);
                        EventKey next = store.Append(Make.Events(0, 1))[0];
                        using (Tail other = store.Tail(new TailOptions { After = tail.Position })) Expect.That(other.Read(Long) && other.Current.Key == next, "the position is not where it goes on");
                    }
            }
        }

        public static void AWaitEndsWithTheTailAndWithTheStore(string directory)
        {
            Store store = Store.Open(directory);
            Tail first = store.Tail(), second = store.Tail();
            Task<int> one = Follow(first, 1, CancellationToken.None), two = Follow(second, 1, CancellationToken.None);
            Thread.Sleep(50);
            first.Dispose();
            first.Dispose();
            AggregateException e = Expect.Throws<AggregateException>(() => Expect.That(one.Wait(Long), "it waits on"));
            Expect.Equal(StoreResult.Canceled, ((StoreException)e.InnerException).Result);
            store.Dispose();
            e = Expect.Throws<AggregateException>(() => Expect.That(two.Wait(Long), "it waits on"));
            Expect.Equal(StoreResult.Closed, ((StoreException)e.InnerException).Result);
            second.Dispose();
        }
    }
}
