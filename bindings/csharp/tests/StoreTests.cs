using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using Stele.Interop;

namespace Stele.Tests
{
    public static class StoreTests
    {
        public static void WhatIsWrittenIsRead(string directory)
        {
            string[] lines =
            {
                "{\"@t\":\"2026-01-01T00:00:00Z\",\"@mt\":\"Hello\",\"User\":\"\u00e9\u4e16\ud83d\ude00\"}",
                "{\"@t\":\"2026-01-01T00:00:01Z\",\"@l\":\"Error\",\"Twice\":1,\"Twice\":1.50,\"@@odd\":\"\\u0000\"}",
                "{\"@t\":\"2026-01-01T00:00:02Z\",\"Long\":\"" + new string('x', 100000) + "\"}"
            };
            using (Store store = Store.Open(directory))
            {
                EventKey[] keys = store.Append(string.Join("\r\n", lines));
                Expect.Equal(3, keys.Length);
                Expect.That(keys[0] < keys[1] && keys[1] < keys[2], "the keys do not rise");
                Expect.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 1, TimeSpan.Zero), keys[1].Time);
                int n = 0;
                using (Reader reader = store.Read())
                {
                    foreach (EventView e in reader)
                    {
                        Expect.Equal(lines[n], e.Json);
                        Expect.Equal(keys[n], e.Key);
                        n++;
                    }
                    reader.End();
                }
                Expect.Equal(3, n);
                Expect.Equal(lines[1], store.Get(keys[1]).Value.Json);
            }
            using (Store store = Store.Open(directory, new StoreOptions { ReadOnly = true }))
            using (Reader reader = store.Read())
                Expect.Equal(string.Join("\n", lines), string.Join("\n", reader.Select(e => e.Json)));
        }

        public static void ManyEventsComeInManyBatches(string directory)
        {
            const int count = 20000;
            using (Store store = Store.Open(directory))
            {
                using (Writer writer = store.Write())
                {
                    for (int n = 0; n < count; n += 1000) writer.Append(Make.Events(n, 1000, ",\"Padding\":\"" + new string('p', n / 100) + "\""));
                    Expect.Equal(count, writer.End().Length);
                }
                foreach (bool ahead in new[] { false, true })
                    using (Reader reader = store.Read(new ReadOptions { ReadAhead = ahead }))
                    {
                        int n = 0;
                        EventKey last = default;
                        foreach (EventView e in reader)
                        {
                            Expect.That(n == 0 || last < e.Key, "the keys do not rise");
                            Expect.Contains("\"N\":" + n + ",", e.Json);
                            last = e.Key;
                            n++;
                        }
                        Expect.Equal(count, n);
                    }
            }
        }

        public static void ReadsAreBounded(string directory)
        {
            DateTimeOffset at = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
            using (Store store = Store.Open(directory))
            {
                EventKey[] keys = store.Append(Make.Events(0, 100));
                Expect.Equal("10 11 12", Numbers(store, new ReadOptions { Range = EventRange.Between(at.AddSeconds(10), at.AddSeconds(13)) }));
                Expect.Equal("99 98", Numbers(store, new ReadOptions { Ordering = Ordering.Descending, Limit = 2 }));
                Expect.Equal("51 52", Numbers(store, new ReadOptions { Range = new EventRange(EventBound.Exclusive(keys[50]), EventBound.Inclusive(keys[52])) }));
                Expect.Equal("98 99", Numbers(store, new ReadOptions { Range = new EventRange(EventBound.Exclusive(at.AddSeconds(97)), default) }));
                Expect.Equal("7 77", Numbers(store, new ReadOptions { Filter = "N = 7 or N = 77" }));
                StoreException e = Expect.Fails(StoreResult.Invalid, () => store.Read("N == 7"));
                Expect.Contains("=", e.Message);
            }
        }

        static string Numbers(Store store, ReadOptions options)
        {
            using (Reader reader = store.Read(options))
                return string.Join(" ", reader.Select(e => e.Json.Substring(e.Json.IndexOf("\"N\":") + 4).TrimEnd('}')));
        }

        public static void AWriteIsAllOrNothing(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                using (Writer writer = store.Write()) writer.Append(Make.Events(0, 3));
                Expect.Equal(0, Count(store));

                using (Writer writer = store.Write())
                {
                    writer.Append(Make.Events(0, 3));
                    StoreException refused = Expect.Fails(StoreResult.Invalid, () => writer.Append(Make.Events(3, 1) + "no JSON"));
                    Expect.Contains("2", refused.Message);
                    Expect.Fails(StoreResult.Invalid, () => writer.End());
                    writer.Abandon();
                }
                Expect.Equal(0, Count(store));

                using (Writer writer = store.Write(new WriteOptions { Partial = true }))
                {
                    writer.Append(Make.Events(0, 3));
                    Expect.Fails(StoreResult.Invalid, () => writer.Append("no JSON"));
                    Expect.Equal(3, writer.End().Length);
                    Expect.Throws<ObjectDisposedException>(() => writer.Append("{}"));
                }
                Expect.Equal(3, Count(store));

                string first = null;
                for (int i = 0; i < 2; i++)
                    using (Writer writer = store.Write(new WriteOptions { Id = "once" }))
                    {
                        writer.Append(Make.Events(3, 2));
                        string keys = string.Join(" ", writer.End());
                        Expect.Equal(first = first ?? keys, keys);
                    }
                Expect.Equal(5, Count(store));
                using (Writer writer = store.Write()) Expect.Equal(0, writer.End().Length);
            }
        }

        static int Count(Store store)
        {
            using (Reader reader = store.Read()) return reader.Count();
        }

        public static void EventsAreDeleted(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                EventKey[] keys = store.Append(Make.Events(0, 10));
                Expect.Equal(0UL, store.Delete(ReadOnlySpan<EventKey>.Empty));
                Expect.Equal(2UL, store.Delete(new[] { keys[0], keys[1] }));
                Expect.Equal(0UL, store.Delete(new[] { keys[0], keys[1] }));
                Expect.Equal(null, store.Get(keys[0]));
                Expect.Equal(3UL, store.Delete(default(EventRange), "N > 6"));
                Expect.Equal(2UL, store.Delete(new EventRange(EventBound.Inclusive(keys[2]), EventBound.Inclusive(keys[3]))));
                Expect.Equal(3, Count(store));
            }
        }

        public static void DocumentsAreKept(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                Documents documents = store.Documents;
                Expect.Equal(null, documents.Get("a"));
                documents.Set("a", " {\"x\": [1, 2.50]} ");
                documents.Set("a/b", "\"\u00e9\"");
                documents.Set("long", "\"" + new string('y', 100000) + "\"");
                Expect.Equal(" {\"x\": [1, 2.50]} ", documents.Get("a"));
                Expect.Equal(100002, documents.GetUtf8("long").Length);
                using (Rows rows = documents.List())
                    Expect.Equal("a a/b long", string.Join(" ", rows.Select(Key)));
                using (Rows rows = documents.List("a/"))
                    Expect.Equal("a/b", string.Join(" ", rows.Select(Key)));
                Expect.Fails(StoreResult.Invalid, () => documents.Set("a", "{"));
                Expect.Fails(StoreResult.Invalid, () => documents.Set("a", ""));
                Expect.Fails(StoreResult.Invalid, () => documents.Set("", "1"));
                Expect.Throws<ArgumentNullException>(() => documents.Set(null, "1"));
                Expect.Throws<EncoderFallbackException>(() => documents.Set("\ud800", "1"));
                Expect.That(documents.Delete("a"), "nothing was deleted");
                Expect.That(!documents.Delete("a"), "it was deleted twice");
            }
        }

        static string Key(string row)
        {
            int begin = row.IndexOf("\"Key\":\"") + 7;
            return row.Substring(begin, row.IndexOf('"', begin) - begin);
        }

        public static void QueriesGiveRows(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                store.Append(Make.Events(0, 2000));
                using (Rows rows = store.Query("select count(*) as n, max(N) as top from stream"))
                {
                    Expect.Contains("\"Columns\":[\"n\",\"top\"]", rows.Describe());
                    Expect.Equal("[2000,1999]", rows.Single());
                    Expect.Contains("\"Statistics\"", rows.Describe());
                    rows.End();
                }
                using (Rows rows = store.Query("select N from stream limit 2000", new QueryOptions { Filter = "N < 1500", Timeout = TimeSpan.FromMinutes(1) }))
                    Expect.Equal(1500, rows.Count());
                StoreException e = Expect.Fails(StoreResult.Invalid, () => store.Query("select nothing("));
                Expect.That(e.Message.Length > 20, "no text: " + e.Message);
            }
        }

        public static void AStoreIsLookedAfter(string directory)
        {
            string backups = Path.Combine(directory, "backups");
            using (Store store = Store.Open(Path.Combine(directory, "store")))
            {
                store.Append(Make.Events(0, 100));
                store.Flush();
                Expect.Contains("\"Events\":100", store.Statistics());
                Expect.Contains("\"Damage\":[]", store.Verify());
                Directory.CreateDirectory(backups);
                Expect.Contains("\"Events\":100", store.Backup(backups, 2));
                Expect.That(Directory.EnumerateFileSystemEntries(backups).Any(), "there is no backup");
                store.Close();
                store.Close();
                Expect.Throws<ObjectDisposedException>(store.Flush);
            }
        }

        public static void AStoreIsServed(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                store.Append(Make.Events(0, 1));
                using (Server server = store.Serve("http://127.0.0.1:0", "tests"))
                {
                    Uri url = new Uri(server.Urls.Single());
                    using (TcpClient client = new TcpClient(url.Host, url.Port))
                    using (NetworkStream stream = client.GetStream())
                    {
                        byte[] request = Encoding.ASCII.GetBytes("GET /api HTTP/1.0\r\nHost: " + url.Authority + "\r\n\r\n");
                        stream.Write(request, 0, request.Length);
                        string answer = new StreamReader(stream).ReadToEnd();
                        Expect.Contains("\"Product\":\"Stele\"", answer);
                        Expect.Contains("\"InstanceName\":\"tests\"", answer);
                    }
                    server.End();
                    server.End();
                }
                Expect.Fails(StoreResult.Invalid, () => store.Serve("no URL"));
            }
        }

        public static void AStoreHasOneOwner(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                StoreException e = Expect.Fails(StoreResult.Locked, () => Store.Open(directory));
                Expect.Contains(directory, e.Message);
            }
            using (Store store = Store.Open(directory, new StoreOptions { ReadOnly = true }))
                Expect.Fails(StoreResult.Denied, () => store.Append(Make.Events(0, 1)));
            Expect.Fails(StoreResult.NotFound, () => Store.Open(Path.Combine(directory, "none"), new StoreOptions { MustExist = true }));
            Expect.Throws<ArgumentNullException>(() => Store.Open(null));
        }

        public static void TextsOfFailuresCarryTheirCauses(string directory)
        {
            string file = Path.Combine(directory, "file");
            File.WriteAllText(file, "");
            StoreException e = Expect.Throws<StoreException>(() => Store.Open(Path.Combine(file, "store")));
            string[] lines = e.Message.Split('\n');
            Expect.That(lines.Length > 1, "no causes: " + e.Message);
            Expect.Equal(lines[0], e.Reason);
            Expect.Equal(e.Message, string.Join("\ncaused by: ", new[] { e.Reason }.Concat(e.Causes)));
            Expect.Contains(file, e.ToString());
            Expect.That(Expect.Throws<StoreException>(() => Store.Open("")).Id > e.Id, "the id does not grow");
        }

        public static void TheVersionIsTold()
        {
            Expect.Contains(".", Store.Version);
            Expect.Equal("STELE_NOT_FOUND", StoreException.Name(StoreResult.NotFound));
            foreach (StoreResult result in Enum.GetValues(typeof(StoreResult)))
                Expect.Equal("STELE_" + string.Concat(result.ToString().Select((c, i) => i > 0 && char.IsUpper(c) && char.IsLower(result.ToString()[i - 1]) ? "_" + c : c.ToString())).ToUpperInvariant(), StoreException.Name(result));
        }
    }
}
