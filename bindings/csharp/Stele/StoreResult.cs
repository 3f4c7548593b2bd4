namespace Stele
{
    /// <summary>What a call came to: stele_result of the C interface, number for number. From <see cref="ArgumentNull"/> on it is a failure.</summary>
    public enum StoreResult
    {
        Ok = 0,
        /// <summary>There is no more.</summary>
        Done = 1,
        /// <summary>Nothing came in the time given; ask again.</summary>
        TimedOut = 2,
        /// <summary>The size needed was told; nothing else happened.</summary>
        BufferTooSmall = 3,

        ArgumentNull = 10,
        /// <summary>Closed before, of another kind, or none at all.</summary>
        InvalidHandle = 11,
        /// <summary>Another thread is inside an exclusive handle: a writer, a reader, a tail or rows.</summary>
        Busy = 12,
        /// <summary>The handle is bound to the thread that made it.</summary>
        WrongThread = 13,
        /// <summary>This process was forked from the one that loaded the library.</summary>
        Forked = 14,

        /// <summary>The input is wrong; giving it again will not help.</summary>
        Invalid = 20,
        NotFound = 21,
        /// <summary>The store was closed meanwhile.</summary>
        Closed = 22,
        /// <summary>Starting or stopping; try again.</summary>
        Unavailable = 23,
        /// <summary>Another process has the store.</summary>
        Locked = 24,
        /// <summary>The disk is full; the store goes on when there is room.</summary>
        Full = 25,
        TooLarge = 26,
        /// <summary>A budget of memory or of time ran out.</summary>
        Exhausted = 27,
        Canceled = 28,
        /// <summary>Not allowed, as writing to a store opened read-only.</summary>
        Denied = 29,
        /// <summary>A newer format, or something that this version does not know.</summary>
        Unsupported = 30,
        /// <summary>Data on disk is damaged.</summary>
        Corrupt = 31,
        /// <summary>The file system failed.</summary>
        IO = 32,
        /// <summary>A defect in Stele; the handle is of no use any more, the store is.</summary>
        Internal = 33
    }
}
