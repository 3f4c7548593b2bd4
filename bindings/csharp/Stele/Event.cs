using System;
using System.Text;

namespace Stele
{
    /// <summary>An event of its own: it may be kept, and handed to another thread.</summary>
    public readonly struct Event
    {
        public Event(EventKey key, byte[] utf8)
        {
            Key = key;
            Utf8 = utf8;
        }

        public EventKey Key { get; }

        /// <summary>One JSON object in CLEF, as it was written.</summary>
        public ReadOnlyMemory<byte> Utf8 { get; }

        public string Json => Encoding.UTF8.GetString(Utf8.Span);
        public override string ToString() => Json;
    }

    /// <summary>An event as it lies in its reader's buffer: nothing was copied, and it is gone with the reader's next step. The compiler sees to it that it is not kept.</summary>
    public readonly ref struct EventView
    {
        internal EventView(EventKey key, ReadOnlySpan<byte> utf8)
        {
            Key = key;
            Utf8 = utf8;
        }

        public EventKey Key { get; }

        /// <summary>One JSON object in CLEF, as it was written.</summary>
        public ReadOnlySpan<byte> Utf8 { get; }

        public string Json => Encoding.UTF8.GetString(Utf8);
        public override string ToString() => Json;

        /// <summary>A copy that may be kept.</summary>
        public Event ToEvent() => new Event(Key, Utf8.ToArray());
    }
}
