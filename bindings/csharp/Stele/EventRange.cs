using System;
using System.Runtime.InteropServices;

namespace Stele
{
    /// <summary>One end of a range. The default has no bound.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct EventBound
    {
        readonly uint kind;
        readonly uint reserved;
        readonly long instant;
        readonly EventKey key;

        EventBound(uint kind, long instant, EventKey key)
        {
            this.kind = kind;
            reserved = 0;
            this.instant = instant;
            this.key = key;
        }

        /// <summary>The event of this key counts.</summary>
        public static EventBound Inclusive(EventKey key) => new EventBound(1, 0, key);

        /// <summary>The event of this key does not count.</summary>
        public static EventBound Exclusive(EventKey key) => new EventBound(2, 0, key);

        /// <summary>Events at this instant count.</summary>
        public static EventBound Inclusive(DateTimeOffset time) => InclusiveNanoseconds(Instant.FromTime(time));

        /// <summary>Events at this instant do not count.</summary>
        public static EventBound Exclusive(DateTimeOffset time) => ExclusiveNanoseconds(Instant.FromTime(time));

        /// <summary>As <see cref="Inclusive(DateTimeOffset)"/>, in nanoseconds since 1970.</summary>
        public static EventBound InclusiveNanoseconds(long instant) => new EventBound(3, instant, default);

        /// <summary>As <see cref="Exclusive(DateTimeOffset)"/>, in nanoseconds since 1970.</summary>
        public static EventBound ExclusiveNanoseconds(long instant) => new EventBound(4, instant, default);
    }

    /// <summary>Bounds on the keys of events, the lower end first whatever the ordering. The default has every event.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct EventRange
    {
        readonly EventBound from, to;

        public EventRange(EventBound from, EventBound to)
        {
            this.from = from;
            this.to = to;
        }

        /// <summary>From the first time on, up to and without the second.</summary>
        public static EventRange Between(DateTimeOffset from, DateTimeOffset to) =>
            new EventRange(EventBound.Inclusive(from), EventBound.Exclusive(to));
    }
}
