using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Threading;

namespace Stele.Tests
{
    /// <summary>The programs of SurvivalTests: child NAME SECONDS DIRECTORY. 0 if all went well.</summary>
    static class Children
    {
        static volatile bool stop;
        static readonly List<Thread> threads = new List<Thread>();
        static readonly List<int> threadIds = new List<int>();
        static int failures;

        internal static int Run(string[] arguments)
        {
            int seconds = int.Parse(arguments[2]);
            string directory = arguments[3];
            if (arguments[1] == "overflow-alone") return Deeper(0);
            using (Store store = Store.Open(Path.Combine(directory, "child-" + Process.GetCurrentProcess().Id)))
            {
                if (arguments[1] == "overflow")
                {
                    store.Append(Make.Events(0, 10));
                    return Deeper(0);
                }
                using (Writer writer = store.Write())
                {
                    for (int n = 0; n < 20000; n += 1000) writer.Append(Make.Events(n, 1000, ",\"Padding\":\"" + new string('x', 380) + "\""));
                    writer.End();
                }
                return arguments[1] == "finalisers" ? Finalisers(store, seconds, Path.Combine(directory, "forgotten")) : NullReferences(store, seconds, arguments[1] == "storm");
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int Deeper(int n) => n < 0 ? n : Deeper(n + 1) + Deeper(n + 2);

        // ---------------------------------------------------- null references

        static long read, caught, collected, sent;

        /// <summary>Threads that read, at stacks of many depths, beside ones that catch null references and ones that collect.</summary>
        static int NullReferences(Store store, int seconds, bool storm)
        {
            for (int i = 0; i < 4; i++)
            {
                int depth = 10 + 90 * i;
                Begin(() => AtDepth(depth, () => Read(store)));
            }
            for (int i = 0; i < 2; i++) Begin(Catch);
            Begin(() => { GC.Collect(); collected++; Thread.Sleep(1); });
            Begin(() => { for (int i = 0; i < 100; i++) Allocate(); });
            // What allocates in Go, and what waits in it.
            Begin(() => { using (Rows rows = store.Query("select count(*) as n from stream where N % 2 = 0 group by N % 100 order by n limit 100")) rows.Count(); });
            Begin(() => { using (Tail tail = store.Tail(new TailOptions { After = TailOptions.FromNow })) tail.Read(TimeSpan.FromMilliseconds(2)); });
            if (storm)
            {
                Thread.Sleep(200);
                Begin(Storm);
            }
            return Finish(seconds, () => read + " events read, " + caught + " caught, " + collected + " collections" + (storm ? ", " + sent + " signals" : ""));
        }

        static void AtDepth(int depth, Action action)
        {
            if (depth > 0) AtDepth(depth - 1, action);
            else action();
        }

        static void Read(Store store)
        {
            using (Reader reader = store.Read())
            {
                int n = 0;
                foreach (EventView e in reader)
                {
                    // A raw call now and then, and some garbage.
                    if (n++ % 100 == 0 && e.Key.ToString().Length != 38 || stop) return;
                    Interlocked.Increment(ref read);
                }
                if (n != 20000) throw new Exception(n + " events");
            }
        }

        static string nothing;

        static void Catch()
        {
            try
            {
                if (nothing.Length == 0) nothing = null;
            }
            catch (NullReferenceException)
            {
                Interlocked.Increment(ref caught);
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static object Allocate() => new byte[1000];

        [DllImport("libc.so.6", EntryPoint = "syscall")]
        static extern long Call(long number, long a, long b, long c);

        const long GetTid = 186, TgKill = 234, SigRtMin = 34;

        /// <summary>The signal by which CoreCLR stops threads, as fast as it can be sent, to the threads that are its own.</summary>
        static void Storm()
        {
            int[] all;
            lock (threadIds) all = threadIds.ToArray();
            int pid = Process.GetCurrentProcess().Id;
            for (int i = 0; i < 1000; i++)
                foreach (int id in all)
                    if (Call(TgKill, pid, id, SigRtMin) == 0) sent++;
        }

        // ---------------------------------------------------------- finalisers

        static long forgotten;

        /// <summary>Handles of every kind are forgotten, ended twice, and ended beside their use, while the collector runs all the time.</summary>
        static int Finalisers(Store store, int seconds, string directory)
        {
            for (int i = 0; i < 3; i++) Begin(() => Forget(store));
            Begin(() => EndBesideUse(store));
            Begin(() => ForgetAStore(directory));
            Begin(() => { GC.Collect(); collected++; });
            int result = Finish(seconds, () => forgotten + " handles forgotten, " + collected + " collections");
            string statistics = "";
            for (int i = 0; i < 100; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                statistics = store.Statistics();
                // mono looks for references on stacks by guess, so one or another reader may be kept.
                if (int.Parse(Regex.Match(statistics, "\"Snapshots\":([0-9]+)").Groups[1].Value) <= 8) break;
                Thread.Sleep(20);
                if (i == 99) Fail("readers are still open: " + statistics);
            }
            using (Reader reader = store.Read())
                if (reader.Count() != 20000) Fail("the store lost events");
            return failures == 0 ? result : 1;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(Store store)
        {
            store.Read().Read();
            Writer writer = store.Write();
            writer.Append("{\"@t\":\"2026-01-01T00:00:00Z\"}");
            store.Query("select N from stream limit 10").Read();
            store.Tail().Read(TimeSpan.Zero);
            store.Documents.List();
            Interlocked.Add(ref forgotten, 5);
        }

        static void EndBesideUse(Store store)
        {
            Reader reader = store.Read();
            Thread other = new Thread(() => { reader.Cancel(); reader.Dispose(); reader.Dispose(); });
            other.Start();
            try
            {
                while (reader.Read()) { }
            }
            catch (ObjectDisposedException) { }
            catch (StoreException e) when (e.Result == StoreResult.Canceled || e.Result == StoreResult.InvalidHandle) { }
            other.Join();
        }

        /// <summary>A store that is forgotten with a reader of it: its finaliser closes it, and it can be opened again.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        static void ForgetAStore(string directory)
        {
            try
            {
                Store store = Store.Open(directory);
                store.Append("{\"@t\":\"2026-01-01T00:00:00Z\"}");
                store.Read().Read();
                Interlocked.Add(ref forgotten, 2);
            }
            catch (StoreException e) when (e.Result == StoreResult.Locked)
            {
                Thread.Sleep(1);
            }
        }

        // ------------------------------------------------------------- threads

        /// <summary>A thread that does this again and again until the end.</summary>
        static void Begin(Action action)
        {
            Thread thread = new Thread(() =>
            {
                lock (threadIds) threadIds.Add((int)Call(GetTid, 0, 0, 0));
                try
                {
                    while (!stop) action();
                }
                catch (Exception e)
                {
                    Fail(e.ToString());
                }
            });
            thread.IsBackground = true;
            threads.Add(thread);
            thread.Start();
        }

        static void Fail(string how)
        {
            Interlocked.Increment(ref failures);
            Console.WriteLine(how);
        }

        static int Finish(int seconds, Func<string> what)
        {
            Thread.Sleep(seconds * 1000);
            stop = true;
            foreach (Thread thread in threads) thread.Join();
            Console.WriteLine(what());
            return failures == 0 ? 0 : 1;
        }
    }
}
