using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Stele.Interop;

namespace Stele.Bench
{
    /// <summary>Reads a store on each floor, after reading it once unmeasured, and prints nanoseconds of wall time and of processor time (of all threads) an event: bench DIRECTORY; bench fill DIRECTORY EVENTS makes one of events of 450 bytes.</summary>
    static unsafe class Bench
    {
        static readonly byte[] Buffer = new byte[256 << 10];
        static long sum; // of what was read, so that nothing is left out

        /// <summary>Microseconds of processor time of all threads.</summary>
        [DllImport("libc.so.6")]
        static extern long clock();

        static int Main(string[] arguments)
        {
            if (arguments[0] == "fill")
            {
                Fill(arguments[1], int.Parse(arguments[2]));
                return 0;
            }
            string host = Type.GetType("Mono.Runtime") != null ? "mono" : "core";
            using (Store store = Store.Open(arguments[0], new StoreOptions { ReadOnly = true }))
            {
                ReadNext(store);
                Timed(host + "-next", store, ReadNext);
                SafeNext(store);
                Timed(host + "-next-counted", store, SafeNext);
                Foreach(store);
                Timed(host + "-foreach", store, Foreach);
                Timed(host + "-foreach-ahead", store, s => Foreach(s, new ReadOptions { ReadAhead = true }));
            }
            Console.Error.WriteLine(sum);
            return 0;
        }

        static void Fill(string directory, int count)
        {
            Random random = new Random(1);
            DateTime time = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
            string[] users = Enumerable.Range(0, 500).Select(_ => "user-" + random.Next()).ToArray();
            using (Store store = Store.Open(directory))
            {
                for (int n = 0; n < count; n += 10000)
                {
                    StringBuilder lines = new StringBuilder();
                    for (int i = 0; i < 10000; i++)
                    {
                        time = time.AddMilliseconds(random.Next(20));
                        string line = "{\"@t\":\"" + time.ToString("yyyy-MM-ddTHH:mm:ss.fff") + "Z\",\"@mt\":\"{Method} {Path} answered {Status} in {Elapsed} ms for {User}\",\"@l\":\"" +
                            (random.Next(20) == 0 ? "Warning" : "Information") + "\",\"Method\":\"" + (random.Next(3) == 0 ? "POST" : "GET") + "\",\"Path\":\"/api/orders/" + random.Next(1000000) +
                            "\",\"Status\":" + (random.Next(50) == 0 ? 500 : 200) + ",\"Elapsed\":" + random.Next(1000) / 8.0 + ",\"User\":\"" + users[random.Next(500)] +
                            "\",\"RequestId\":\"" + random.Next() + "-" + random.Next() + "\",\"SourceContext\":\"Shop.Web.Controllers.OrdersController\",\"Note\":\"";
                        lines.Append(line).Append('n', Math.Max(0, 448 - line.Length)).Append("\"}\n");
                    }
                    store.Append(lines.ToString());
                }
                store.Flush();
            }
        }

        static void Timed(string name, Store store, Func<Store, int> read)
        {
            Stopwatch watch = Stopwatch.StartNew();
            long before = clock();
            int count = read(store) + read(store);
            long processor = clock() - before;
            Console.WriteLine(name + " " + (watch.Elapsed.TotalMilliseconds * 1e6 / count).ToString("0.0") + " " + (processor * 1e3 / count).ToString("0.0"));
        }

        /// <summary>stele_read_next on the raw floor, the handle held once for all calls.</summary>
        static int ReadNext(Store store)
        {
            using (ReaderHandle reader = store.Handle.BeginRead(null))
            using (Lease held = reader.Hold())
                fixed (byte* p = Buffer) return ReadNext(held.Value, p);
        }

        // A method of its own: inside using, a try, CoreCLR calls by way of a stub.
        static int ReadNext(ulong reader, byte* p)
        {
            int count = 0;
            EventKey key;
            UIntPtr actual;
            while (Native.stele_read_next(reader, &key, p, (UIntPtr)(uint)Buffer.Length, &actual) == StoreResult.Ok)
            {
                sum += (int)actual + ((byte*)&key)[15] + p[(int)actual - 1];
                count++;
            }
            return count;
        }

        /// <summary>The same on the handles floor: the SafeHandle is counted for each call.</summary>
        static int SafeNext(Store store)
        {
            int count = 0, actual;
            EventKey key;
            using (ReaderHandle reader = store.Handle.BeginRead(null))
                while (reader.Next(out key, Buffer, out actual) == StoreResult.Ok)
                {
                    sum += actual + (int)key.Arrival + Buffer[actual - 1];
                    count++;
                }
            return count;
        }

        static int Foreach(Store store) => Foreach(store, null);

        /// <summary>What one writes: foreach over a Reader, which reads in batches.</summary>
        static int Foreach(Store store, ReadOptions options)
        {
            int count = 0;
            using (Reader reader = store.Read(options))
                foreach (EventView e in reader)
                {
                    sum += e.Utf8.Length + (int)e.Key.Arrival + MemoryMarshal.Read<byte>(e.Utf8.Slice(e.Utf8.Length - 1));
                    count++;
                }
            return count;
        }
    }
}
