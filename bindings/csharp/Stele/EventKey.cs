using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Stele.Interop;

namespace Stele
{
    /// <summary>Names an event and orders it: the instant, then the arrival number. 16 bytes, as in a store's files.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly unsafe struct EventKey : IEquatable<EventKey>, IComparable<EventKey>
    {
        // The bytes as they lie in memory, the highest first; numbers of this machine only after High and Low.
        readonly ulong first, second;

        ulong High => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(first) : first;
        ulong Low => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(second) : second;

        /// <summary>The event's instant in nanoseconds since 1970.</summary>
        public long Nanoseconds => (long)(High ^ 0x8000000000000000UL);

        /// <summary>The event's arrival number; <see cref="TailOptions.After"/> takes it.</summary>
        public ulong Arrival => Low;

        /// <summary>The event's instant, cut to the 100 ns that .NET counts in.</summary>
        public DateTimeOffset Time => Instant.ToTime(Nanoseconds);

        /// <summary>Reads "event-" and 32 hex digits.</summary>
        /// <exception cref="StoreException">It is no key.</exception>
        public static EventKey Parse(string text)
        {
            byte[] bytes = Utf8.Bytes(Utf8.Required(text, nameof(text)), out UIntPtr length);
            EventKey key;
            fixed (byte* p = bytes) StoreException.Check(Native.stele_key_parse(p, length, &key));
            return key;
        }

        /// <summary>"event-" and 32 hex digits.</summary>
        public override string ToString()
        {
            EventKey key = this;
            UIntPtr actual;
            byte* text = stackalloc byte[Flag.KeyText];
            StoreException.Check(Native.stele_key_format(&key, text, (UIntPtr)Flag.KeyText, &actual));
            return Encoding.ASCII.GetString(text, (int)actual);
        }

        public int CompareTo(EventKey other)
        {
            int c = High.CompareTo(other.High);
            return c != 0 ? c : Low.CompareTo(other.Low);
        }

        public bool Equals(EventKey other) => first == other.first && second == other.second;
        public override bool Equals(object other) => other is EventKey key && Equals(key);
        public override int GetHashCode() => (first ^ second * 31).GetHashCode();
        public static bool operator ==(EventKey a, EventKey b) => a.Equals(b);
        public static bool operator !=(EventKey a, EventKey b) => !a.Equals(b);
        public static bool operator <(EventKey a, EventKey b) => a.CompareTo(b) < 0;
        public static bool operator >(EventKey a, EventKey b) => a.CompareTo(b) > 0;
    }

    /// <summary>Between .NET's time, ticks of 100 ns since the year 1, and the store's, nanoseconds since 1970 in 64 bits (1677 to 2262).</summary>
    static class Instant
    {
        const long EpochTicks = 621355968000000000;

        /// <summary>Times beyond what the store can hold are its first or last one, as they are when an event is written.</summary>
        internal static long FromTime(DateTimeOffset time)
        {
            long ticks = time.UtcTicks - EpochTicks;
            if (ticks > long.MaxValue / 100) return long.MaxValue;
            if (ticks < long.MinValue / 100) return long.MinValue;
            return ticks * 100;
        }

        internal static DateTimeOffset ToTime(long nanoseconds)
        {
            long ticks = nanoseconds / 100;
            if (nanoseconds % 100 < 0) ticks--;
            return new DateTimeOffset(EpochTicks + ticks, TimeSpan.Zero);
        }
    }
}
