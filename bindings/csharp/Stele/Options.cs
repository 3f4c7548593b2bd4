using System;

namespace Stele
{
    /// <summary>How a store is opened. Zero is the default everywhere.</summary>
    public sealed class StoreOptions
    {
        /// <summary>Without the right to write; several processes may do so while none writes.</summary>
        public bool ReadOnly { get; set; }

        /// <summary>NotFound if there is no store, rather than a new one.</summary>
        public bool MustExist { get; set; }

        /// <summary>Most bytes of one event's text; 0: 256 KiB.</summary>
        public uint EventBytes { get; set; }

        /// <summary>Most bytes of one write's text; 0: 64 MiB.</summary>
        public ulong BatchBytes { get; set; }

        /// <summary>About how much memory the store is to get along with; 0: half of what there is, from 32 MiB to 512 MiB.</summary>
        public ulong MemoryBytes { get; set; }

        /// <summary>Size at which the journal is sealed into a segment; 0: a quarter of the memory, at most 64 MiB.</summary>
        public ulong JournalBytes { get; set; }

        /// <summary>Memory for blocks that stay decoded; 0: half of the memory.</summary>
        public ulong CacheBytes { get; set; }

        /// <summary>Most bytes of one document; 0: 16 MiB.</summary>
        public ulong DocumentBytes { get; set; }

        /// <summary>Writes are refused while the disk has less free; 0: a 64th of the disk, at most 128 MiB; negative: when it is full.</summary>
        public long MinFreeBytes { get; set; }

        /// <summary>Files of segments kept open at a time; 0: 256.</summary>
        public uint OpenFiles { get; set; }
    }

    /// <summary>How a batch of events is written.</summary>
    public sealed class WriteOptions
    {
        internal static readonly WriteOptions Default = new WriteOptions();

        /// <summary>A refused append does not make the end fail.</summary>
        public bool Partial { get; set; }

        /// <summary>
        /// Names the batch, in at most 256 bytes: if one of the same id was stored in the last ten minutes, nothing is stored, and the keys are that one's. So a batch is sent again without harm.
        /// </summary>
        public string Id { get; set; }
    }

    /// <summary>Which way events are read.</summary>
    public enum Ordering
    {
        /// <summary>Oldest first.</summary>
        Ascending = 0,
        /// <summary>Newest first.</summary>
        Descending = 1
    }

    /// <summary>Which events are read, and how.</summary>
    public sealed class ReadOptions
    {
        internal static readonly ReadOptions Default = new ReadOptions();

        public EventRange Range { get; set; }

        /// <summary>An expression of the query language; null: every event.</summary>
        public string Filter { get; set; }

        /// <summary>Most events; 0: all.</summary>
        public ulong Limit { get; set; }

        public Ordering Ordering { get; set; }

        /// <summary>Another thread reads on while the caller uses what came.</summary>
        public bool ReadAhead { get; set; }
    }

    /// <summary>What a query is asked of, and what it may cost.</summary>
    public sealed class QueryOptions
    {
        internal static readonly QueryOptions Default = new QueryOptions();

        /// <summary>Beside the query's where clause.</summary>
        public EventRange Range { get; set; }

        /// <summary>Likewise; null: none.</summary>
        public string Filter { get; set; }

        /// <summary>Most that the result may take while it is made; 0: 256 MiB.</summary>
        public ulong MemoryBytes { get; set; }

        /// <summary>Over it the query ends with Exhausted; zero: none.</summary>
        public TimeSpan Timeout { get; set; }
    }

    /// <summary>From where a store is followed.</summary>
    public sealed class TailOptions
    {
        internal static readonly TailOptions Default = new TailOptions();

        /// <summary>In <see cref="After"/>: nothing that is there already.</summary>
        public const ulong FromNow = ulong.MaxValue;

        /// <summary>What arrived after this number, as <see cref="Tail.Position"/> gives it. 0: everything.</summary>
        public ulong After { get; set; }

        /// <summary>An expression of the query language; null: every event.</summary>
        public string Filter { get; set; }
    }

    static class Milliseconds
    {
        /// <summary>A time as the library takes it: rounded up, so that a short one is not none; a negative one is Timeout.InfiniteTimeSpan.</summary>
        internal static uint Of(TimeSpan time)
        {
            if (time < TimeSpan.Zero) return uint.MaxValue;
            long ms = (time.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
            return ms >= uint.MaxValue ? uint.MaxValue : (uint)ms;
        }
    }
}
