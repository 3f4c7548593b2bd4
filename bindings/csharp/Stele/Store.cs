using System;
using Stele.Interop;

namespace Stele
{
    /// <summary>
    /// An event store in a directory, open in this process. Any thread may use it at any time; what it begins (writers, readers, tails, rows) is for one thread at a time.
    /// Failures are <see cref="StoreException"/>s; the use of something that was disposed of is an <see cref="ObjectDisposedException"/>.
    /// </summary>
    public sealed unsafe class Store : IDisposable
    {
        Store(StoreHandle handle)
        {
            Handle = handle;
            Documents = new Documents(this);
        }

        /// <summary>
        /// Opens the store in a directory, which is made if absent, and recovers it if the last process with it was stopped short. Damage does not stop it: see <see cref="Statistics"/> and <see cref="Verify"/>.
        /// </summary>
        public static Store Open(string path, StoreOptions options = null)
        {
            RawStoreOptions raw = default;
            raw.Size = (UIntPtr)(uint)sizeof(RawStoreOptions);
            if (options != null)
            {
                raw.Flags = (options.ReadOnly ? Flag.ReadOnly : 0) | (options.MustExist ? Flag.MustExist : 0);
                raw.EventBytes = options.EventBytes;
                raw.BatchBytes = options.BatchBytes;
                raw.MemoryBytes = options.MemoryBytes;
                raw.JournalBytes = options.JournalBytes;
                raw.CacheBytes = options.CacheBytes;
                raw.DocumentBytes = options.DocumentBytes;
                raw.MinFreeBytes = options.MinFreeBytes;
                raw.OpenFiles = options.OpenFiles;
            }
            return new Store(StoreHandle.Open(Utf8.Required(path, nameof(path)), &raw));
        }

        /// <summary>The library's version, such as "0.3.0".</summary>
        public static string Version
        {
            get
            {
                VersionInfo info = default;
                info.Size = (UIntPtr)(uint)sizeof(VersionInfo);
                StoreException.Check(Native.stele_version(&info));
                return new string((sbyte*)info.Text);
            }
        }

        /// <summary>The floor below.</summary>
        public StoreHandle Handle { get; }

        public Documents Documents { get; }

        /// <summary>Begins a write of many events.</summary>
        public Writer Write(WriteOptions options = null)
        {
            options = options ?? WriteOptions.Default;
            byte[] id = Utf8.Bytes(options.Id, out UIntPtr length);
            fixed (byte* p = id)
            {
                RawWriteOptions raw = default;
                raw.Size = (UIntPtr)(uint)sizeof(RawWriteOptions);
                raw.Flags = options.Partial ? Flag.WritePartial : 0;
                raw.Id = p;
                raw.IdLen = length;
                return new Writer(Handle.BeginWrite(&raw));
            }
        }

        /// <summary>Stores lines of CLEF, all or none, and gives the keys of the events. They are on disk when it returns.</summary>
        public EventKey[] Append(string clef)
        {
            using (Writer writer = Write())
            {
                writer.Append(clef);
                return writer.End();
            }
        }

        /// <summary>As <see cref="Append(string)"/>.</summary>
        public EventKey[] Append(ReadOnlySpan<byte> clef)
        {
            using (Writer writer = Write())
            {
                writer.Append(clef);
                return writer.End();
            }
        }

        /// <summary>Begins to read what the store holds now; what is written or deleted later does not matter.</summary>
        public Reader Read(ReadOptions options = null)
        {
            options = options ?? ReadOptions.Default;
            byte[] filter = Utf8.Bytes(options.Filter, out UIntPtr length);
            EventRange range = options.Range;
            fixed (byte* p = filter)
            {
                RawReadOptions raw = default;
                raw.Size = (UIntPtr)(uint)sizeof(RawReadOptions);
                raw.Range = &range;
                raw.Filter = p;
                raw.FilterLen = length;
                raw.Limit = options.Limit;
                raw.Ordering = (uint)options.Ordering;
                raw.Flags = options.ReadAhead ? Flag.ReadAhead : 0;
                return new Reader(Handle.BeginRead(&raw));
            }
        }

        /// <summary>Begins to read the events that a filter selects.</summary>
        public Reader Read(string filter) => Read(new ReadOptions { Filter = filter });

        /// <summary>One event by its key; null if there is none.</summary>
        public Event? Get(EventKey key)
        {
            try { return new Event(key, Handle.Get(key)); }
            catch (StoreException e) when (e.Result == StoreResult.NotFound) { return null; }
        }

        /// <summary>Begins to follow the store: everything, or what <see cref="TailOptions.After"/> says, then what comes.</summary>
        public Tail Tail(TailOptions options = null)
        {
            options = options ?? TailOptions.Default;
            byte[] filter = Utf8.Bytes(options.Filter, out UIntPtr length);
            fixed (byte* p = filter)
            {
                RawTailOptions raw = default;
                raw.Size = (UIntPtr)(uint)sizeof(RawTailOptions);
                raw.After = options.After;
                raw.Filter = p;
                raw.FilterLen = length;
                return new Tail(Handle.BeginTail(&raw));
            }
        }

        /// <summary>Begins a query in the query language, over what the store holds now.</summary>
        public Rows Query(string query, QueryOptions options = null)
        {
            options = options ?? QueryOptions.Default;
            byte[] filter = Utf8.Bytes(options.Filter, out UIntPtr length);
            EventRange range = options.Range;
            fixed (byte* p = filter)
            {
                RawQueryOptions raw = default;
                raw.Size = (UIntPtr)(uint)sizeof(RawQueryOptions);
                raw.Range = &range;
                raw.Filter = p;
                raw.FilterLen = length;
                raw.MemoryBytes = options.MemoryBytes;
                raw.TimeoutMs = Milliseconds.Of(options.Timeout);
                return new Rows(Handle.BeginQuery(Utf8.Required(query, nameof(query)), &raw));
            }
        }

        /// <summary>Deletes the events of these keys, durably and all at once, and gives how many there were.</summary>
        public ulong Delete(ReadOnlySpan<EventKey> keys) => Handle.DeleteKeys(keys);

        /// <summary>Deletes the events of a range that a filter selects (null: all of them), durably and all at once, and gives how many they were.</summary>
        public ulong Delete(EventRange range, string filter = null) => Handle.Delete(&range, filter);

        /// <summary>Seals what is in the journal into segments. What was written is durable without it.</summary>
        public void Flush() => Handle.Flush();

        /// <summary>Describes the store as a JSON object: StoreId, Events, Documents, Segments, DiskBytes, JournalBytes, Oldest, Newest, LastArrival, Damage and more. Cheap.</summary>
        public string Statistics() => Utf8.Text(Handle.Statistics());

        /// <summary>Checks every byte of the store: a JSON object with Files, Frames, Blocks, Events, Documents, Bytes and Damage, a list that is empty if all is well.</summary>
        public string Verify() => Only(Handle.Verify());

        /// <summary>
        /// Makes a backup in a directory of backups, of which keep remain (0: all), and reads it again. A JSON object with Name, StoreId, Taken, Events, Documents, Files, Bytes, Added, Removed and Damage.
        /// </summary>
        public string Backup(string directory, uint keep = 0) => Only(Handle.Backup(Utf8.Required(directory, nameof(directory)), keep));

        /// <summary>Serves the HTTP API and the page of the store from inside this process. urls: what to listen on, ";" between them, a port of 0 taking a free one; null: http://localhost:5341.</summary>
        public Server Serve(string urls = null, string instance = null)
        {
            byte[] u = Utf8.Bytes(urls, out UIntPtr urlsLength);
            byte[] i = Utf8.Bytes(instance, out UIntPtr instanceLength);
            fixed (byte* pu = u, pi = i)
            {
                RawServeOptions raw = default;
                raw.Size = (UIntPtr)(uint)sizeof(RawServeOptions);
                raw.Urls = pu;
                raw.UrlsLen = urlsLength;
                raw.Instance = pi;
                raw.InstanceLen = instanceLength;
                return new Server(Handle.BeginServe(&raw));
            }
        }

        /// <summary>Closes the store and throws what its closing tells. A second time it does nothing.</summary>
        public void Close() => Handle.End();

        /// <summary>Closes the store. Tails that wait end with Closed; writers that are open are given up.</summary>
        public void Dispose() => Handle.Dispose();

        static string Only(RowsHandle rows)
        {
            using (rows)
            {
                byte[] row = rows.Next();
                rows.End();
                return Utf8.Text(row);
            }
        }
    }
}
