using System;
using System.Linq;

namespace Stele.Tests
{
    public static class KeyTests
    {
        public static void KeysAreTexts()
        {
            const string text = "event-98867ace5a8600000000010000000007";
            EventKey key = EventKey.Parse(text);
            Expect.Equal(text, key.ToString());
            Expect.Equal(0x0000010000000007UL, key.Arrival);
            Expect.Equal(0x18867ace5a860000L, key.Nanoseconds);
            Expect.Equal(key, EventKey.Parse(text));
            Expect.Equal(key.GetHashCode(), EventKey.Parse(text).GetHashCode());
            Expect.Fails(StoreResult.Invalid, () => EventKey.Parse("event-1"));
            Expect.Fails(StoreResult.Invalid, () => EventKey.Parse(""));
            Expect.Throws<ArgumentNullException>(() => EventKey.Parse(null));
        }

        public static void KeysAreOrderedAsTheirBytesAre()
        {
            Random random = new Random(1);
            string[] texts = Enumerable.Range(0, 1000).Select(_ => "event-" + string.Concat(Enumerable.Range(0, 16).Select(__ => random.Next(2) == 0 ? "00" : random.Next(256).ToString("x2")))).ToArray();
            string[] byKey = texts.Select(EventKey.Parse).OrderBy(k => k).Select(k => k.ToString()).ToArray();
            Array.Sort(texts, StringComparer.Ordinal);
            Expect.Equal(string.Join("\n", texts), string.Join("\n", byKey));
        }

        public static void TimesBeforeTheEpochAreRoundedDown()
        {
            // Instants -1 ns and the ends of what a key holds.
            Expect.Equal(new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(-1), EventKey.Parse("event-7fffffffffffffff0000000000000000").Time);
            Expect.Equal(1677, EventKey.Parse("event-00000000000000000000000000000000").Time.Year);
            Expect.Equal(2262, EventKey.Parse("event-ffffffffffffffff0000000000000000").Time.Year);
        }
    }
}
