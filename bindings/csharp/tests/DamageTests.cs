using System;
using System.IO;
using System.Linq;

namespace Stele.Tests
{
    public static class DamageTests
    {
        /// <summary>A block of a segment is damaged: the reader gives all else, then an exception whose chain names file, offset and cause; the store goes on.</summary>
        public static void DamageIsToldWithFileOffsetAndCause(string directory)
        {
            const int count = 2000;
            using (Store store = Store.Open(directory))
            {
                Random random = new Random(7);
                using (Writer writer = store.Write())
                {
                    for (int n = 0; n < count; n += 10) writer.Append(Make.Events(n, 10, ",\"Noise\":\"" + Noise(random) + "\""));
                    writer.End();
                }
                store.Flush();
                store.Append(Make.Events(count, 100)); // in the journal
            }
            FileInfo segment = new DirectoryInfo(directory).EnumerateFiles("segment-*.seg").Single();
            using (FileStream file = segment.Open(FileMode.Open))
            {
                file.Position = segment.Length / 2;
                int there = file.ReadByte();
                file.Position = segment.Length / 2;
                file.WriteByte((byte)(there ^ 0x40));
            }

            using (Store store = Store.Open(directory))
            {
                int read = 0;
                using (Reader reader = store.Read())
                {
                    StoreException e = Expect.Fails(StoreResult.Corrupt, () => { foreach (EventView v in reader) read++; });
                    Expect.That(e.Causes.Count > 0, "there is no chain: " + e.Message);
                    Expect.Contains("caused by: ", e.ToString());
                    Expect.Contains(segment.Name, e.Message);
                    Expect.Contains(segment.Name + " at byte ", e.Causes[e.Causes.Count - 1]);
                    Expect.Contains("checksum: expected ", e.Causes[e.Causes.Count - 1]);
                    Expect.Fails(StoreResult.Corrupt, reader.End);
                }
                Expect.Equal(100, read);
                using (Reader reader = store.Read())
                    foreach (EventView v in reader) break; // leaving early is no failure

                Expect.Contains("\"Damage\":[{", store.Verify());
                EventKey key = store.Append(Make.Events(count, 1))[0];
                Expect.That(store.Get(key) != null, "the store does not go on");
                store.Documents.Set("a", "1");
            }
        }

        static string Noise(Random random)
        {
            byte[] bytes = new byte[300];
            random.NextBytes(bytes);
            return Convert.ToBase64String(bytes);
        }
    }
}
