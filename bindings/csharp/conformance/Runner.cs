using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using Stele.Interop;

namespace Stele.Conformance
{
    /// <summary>Runs one conformance script (capi/conformance/README.md) through the handles floor. Where that has nothing to say, as of a handle that was ended, it goes to the raw one.</summary>
    static unsafe class Runner
    {
        static int Main(string[] arguments)
        {
            if (arguments.Length != 2)
            {
                Console.Error.WriteLine("usage: conformance SCRIPT DIRECTORY");
                return 2;
            }
            Words.Directory = arguments[1];
            int number = 0;
            using (Answers.Out = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)))
            {
                try
                {
                    foreach (string line in File.ReadAllText(arguments[0]).TrimEnd('\n').Split('\n'))
                    {
                        number++;
                        if (line.Length > 0 && "=!|".IndexOf(line[0]) >= 0) continue;
                        Answers.Line(line);
                        if (line.Length == 0 || line[0] == '#') continue;
                        Words words = new Words(line);
                        string command = words.Next();
                        if (!Raw.Run(command, words) && !Around(command, words)) Run(command, words);
                    }
                }
                catch (Exception e)
                {
                    Console.Error.WriteLine("conformance: line " + number + ": " + e);
                    return 2;
                }
            }
            return 0;
        }

        static bool Around(string command, Words words)
        {
            string path;
            switch (command)
            {
                case "damage":
                    path = words.Text();
                    using (FileStream file = File.Open(path, FileMode.Open))
                    {
                        file.Seek(-(long)words.Number(), SeekOrigin.End);
                        int there = file.ReadByte();
                        file.Seek(-1, SeekOrigin.Current);
                        file.WriteByte((byte)(there ^ (int)words.Number()));
                    }
                    break;
                case "file":
                    path = words.Text();
                    File.WriteAllText(path, words.Text(), new UTF8Encoding(false));
                    break;
                case "last_error":
                    string text = Raw.LastError(out StoreResult code);
                    if (text == null)
                    {
                        Answers.Result(StoreResult.Done);
                        return true;
                    }
                    Answers.Result(StoreResult.Ok, StoreException.Name(code));
                    Answers.Show('|', text);
                    return true;
                case "result_name":
                    Answers.Result(StoreResult.Ok, Json.Quote(StoreException.Name((StoreResult)(int)words.Number())));
                    return true;
                default:
                    return false;
            }
            Answers.Result(StoreResult.Ok);
            return true;
        }

        /// <summary>A command that may fail as the library does.</summary>
        static void Run(string command, Words words)
        {
            try
            {
                if (!Everywhere(command, words) && !Begin(command, words) && !Text(command, words) && !Batch(command, words) && !End(command, words) && !Rest(command, words))
                    throw new BadScript("no such command: " + command);
            }
            catch (StoreException e)
            {
                Answers.Failure(e);
            }
        }

        static bool Everywhere(string command, Words words)
        {
            EventKey key;
            switch (command)
            {
                case "version":
                    VersionInfo info = default;
                    info.Size = (UIntPtr)(uint)sizeof(VersionInfo);
                    StoreException.Check(Native.stele_version(&info));
                    Answers.Result(StoreResult.Ok, info.Abi);
                    return true;
                case "host":
                    StoreException.Check(Native.stele_host((uint)words.Number()));
                    Answers.Result(StoreResult.Ok);
                    return true;
                case "key_parse":
                    string text = words.Text();
                    if (text == null) StoreException.Check(Native.stele_key_parse(null, UIntPtr.Zero, &key)); // the idiom has an ArgumentNullException for it
                    Answers.Result(StoreResult.Ok, EventKey.Parse(text));
                    return true;
                case "key_format":
                    Answers.Result(StoreResult.Ok, Json.Quote(words.Key().ToString()));
                    return true;
                case "key_parts":
                    key = words.Key();
                    Answers.Result(StoreResult.Ok, key.Nanoseconds, key.Arrival);
                    return true;
                case "cancel":
                    Bound bound = words.Handle();
                    if (bound.Ended || bound.Kind == null || bound.Kind == typeof(StoreHandle) || bound.Kind == typeof(ServerHandle)) StoreException.Check(Native.stele_cancel(bound.Number));
                    else Handle(bound).Cancel();
                    Answers.Result(StoreResult.Ok);
                    return true;
                default:
                    return false;
            }
        }

        static StoreHandle Store(Words words) => new StoreHandle(words.Handle().Number, false);

        static SteleHandle Handle(Bound bound) => (SteleHandle)Activator.CreateInstance(bound.Kind, bound.Number, false);

        /// <summary>The names' handles are the script's to end, so the object gives its number away.</summary>
        static void Bind(string name, SteleHandle handle)
        {
            using (Lease held = handle.Hold()) Words.Bind(name, held.Value, handle.GetType());
            handle.SetHandleAsInvalid();
            Answers.Result(StoreResult.Ok);
        }

        // ------------------------------------------------------- what begins

        static bool Begin(string command, Words words)
        {
            string name, text;
            StoreHandle store;
            EventRange range;
            switch (command)
            {
                case "open":
                    name = words.Next();
                    text = words.Text();
                    RawStoreOptions o = default;
                    o.Size = (UIntPtr)(uint)sizeof(RawStoreOptions);
                    o.Flags = (uint)words.OptionNumber("flags");
                    o.EventBytes = (uint)words.OptionNumber("event_bytes");
                    o.BatchBytes = words.OptionNumber("batch_bytes");
                    o.MemoryBytes = words.OptionNumber("memory_bytes");
                    o.JournalBytes = words.OptionNumber("journal_bytes");
                    o.CacheBytes = words.OptionNumber("cache_bytes");
                    o.DocumentBytes = words.OptionNumber("document_bytes");
                    o.MinFreeBytes = (long)words.OptionNumber("min_free_bytes");
                    o.OpenFiles = (uint)words.OptionNumber("open_files");
                    Bind(name, StoreHandle.Open(text, words.More ? &o : null));
                    return true;
                case "verify":
                    name = words.Next();
                    Bind(name, Store(words).Verify());
                    return true;
                case "backup":
                    name = words.Next();
                    store = Store(words);
                    text = words.Text();
                    Bind(name, store.Backup(text, (uint)words.OptionNumber("keep")));
                    return true;
                case "document_list":
                    name = words.Next();
                    store = Store(words);
                    Bind(name, store.ListDocuments(words.Text()));
                    return true;
                case "write_begin":
                    name = words.Next();
                    store = Store(words);
                    using (Pinned id = new Pinned(words.OptionText("id")))
                    {
                        RawWriteOptions w = default;
                        w.Size = (UIntPtr)(uint)sizeof(RawWriteOptions);
                        w.Flags = (uint)words.OptionNumber("flags");
                        w.Id = id.Bytes;
                        w.IdLen = id.Length;
                        Bind(name, store.BeginWrite(words.More ? &w : null));
                    }
                    return true;
                case "read_begin":
                    name = words.Next();
                    store = Store(words);
                    range = words.OptionRange();
                    using (Pinned filter = new Pinned(words.OptionText("filter")))
                    {
                        RawReadOptions r = default;
                        r.Size = (UIntPtr)(uint)sizeof(RawReadOptions);
                        r.Range = words.HasRange ? &range : null;
                        r.Filter = filter.Bytes;
                        r.FilterLen = filter.Length;
                        r.Limit = words.OptionNumber("limit");
                        r.Ordering = (uint)words.OptionNumber("ordering");
                        r.Flags = (uint)words.OptionNumber("flags");
                        Bind(name, store.BeginRead(words.More ? &r : null));
                    }
                    return true;
                case "query_begin":
                    name = words.Next();
                    store = Store(words);
                    text = words.Text();
                    range = words.OptionRange();
                    using (Pinned filter = new Pinned(words.OptionText("filter")))
                    {
                        RawQueryOptions q = default;
                        q.Size = (UIntPtr)(uint)sizeof(RawQueryOptions);
                        q.Range = words.HasRange ? &range : null;
                        q.Filter = filter.Bytes;
                        q.FilterLen = filter.Length;
                        q.MemoryBytes = words.OptionNumber("memory_bytes");
                        q.TimeoutMs = (uint)words.OptionNumber("timeout_ms");
                        q.Flags = (uint)words.OptionNumber("flags");
                        Bind(name, store.BeginQuery(text, words.More ? &q : null));
                    }
                    return true;
                case "tail_begin":
                    name = words.Next();
                    store = Store(words);
                    using (Pinned filter = new Pinned(words.OptionText("filter")))
                    {
                        RawTailOptions t = default;
                        t.Size = (UIntPtr)(uint)sizeof(RawTailOptions);
                        t.After = words.OptionNumber("after");
                        t.Filter = filter.Bytes;
                        t.FilterLen = filter.Length;
                        t.Flags = (uint)words.OptionNumber("flags");
                        Bind(name, store.BeginTail(words.More ? &t : null));
                    }
                    return true;
                case "serve_begin":
                    name = words.Next();
                    store = Store(words);
                    using (Pinned urls = new Pinned(words.OptionText("urls")), instance = new Pinned(words.OptionText("instance")))
                    {
                        RawServeOptions s = default;
                        s.Size = (UIntPtr)(uint)sizeof(RawServeOptions);
                        s.Urls = urls.Bytes;
                        s.UrlsLen = urls.Length;
                        s.Instance = instance.Bytes;
                        s.InstanceLen = instance.Length;
                        Bind(name, store.BeginServe(words.More ? &s : null));
                    }
                    return true;
                default:
                    return false;
            }
        }

        // -------------------------------------------------- texts and batches

        static bool Text(string command, Words words)
        {
            byte[] text;
            ulong number;
            switch (command)
            {
                case "statistics":
                    text = Store(words).Statistics();
                    break;
                case "get":
                    StoreHandle events = Store(words);
                    text = events.Get(words.Key());
                    break;
                case "document_get":
                    StoreHandle documents = Store(words);
                    text = documents.GetDocument(words.Text());
                    break;
                case "rows_describe":
                    text = new RowsHandle(words.Handle().Number, false).Describe();
                    break;
                case "rows_next":
                    text = new RowsHandle(words.Handle().Number, false).Next();
                    break;
                case "serve_urls":
                    text = new ServerHandle(words.Handle().Number, false).Urls();
                    string urls = Encoding.UTF8.GetString(text);
                    int at = urls.IndexOf("127.0.0.1:") + 10, end = at;
                    while (at >= 10 && end < urls.Length && char.IsDigit(urls[end])) end++;
                    if (end > at) Words.Port = urls.Substring(at, end - at);
                    break;
                case "read_next":
                    number = words.Handle().Number;
                    Next((Span<byte> buffer, out EventKey key, out int actual) => new ReaderHandle(number, false).Next(out key, buffer, out actual), words);
                    return true;
                case "tail_next":
                    number = words.Handle().Number;
                    uint timeout = (uint)words.Number();
                    Next((Span<byte> buffer, out EventKey key, out int actual) => new TailHandle(number, false).Next(timeout, out key, buffer, out actual), words);
                    return true;
                default:
                    return false;
            }
            Answers.Result(text == null ? StoreResult.Done : StoreResult.Ok);
            if (text != null) Answers.Picks(text, words.Rest());
            return true;
        }

        delegate StoreResult NextEvent(Span<byte> buffer, out EventKey key, out int actual);

        static void Next(NextEvent next, Words words)
        {
            byte[] buffer = new byte[16];
            EventKey key;
            int actual;
            StoreResult result = next(buffer, out key, out actual);
            while (result == StoreResult.BufferTooSmall)
            {
                buffer = new byte[actual];
                result = next(buffer, out key, out actual);
            }
            if (result != StoreResult.Ok)
            {
                Answers.Result(result);
                return;
            }
            Answers.Result(result, key);
            Answers.Picks(new ReadOnlySpan<byte>(buffer, 0, actual).ToArray(), words.Rest());
        }

        static bool Batch(string command, Words words)
        {
            if (!command.EndsWith("_next_batch")) return false;
            ulong number = words.Handle().Number;
            uint timeout = command == "tail_next_batch" ? (uint)words.Number() : 0;
            byte[] buffer = new byte[words.Number()];
            int actual, count;
            StoreResult result;
            if (command == "read_next_batch") result = new ReaderHandle(number, false).NextBatch(buffer, out actual, out count);
            else if (command == "rows_next_batch") result = new RowsHandle(number, false).NextBatch(buffer, out actual, out count);
            else result = new TailHandle(number, false).NextBatch(timeout, buffer, out actual, out count);
            if (result == StoreResult.BufferTooSmall) Answers.Result(result, actual);
            else if (result != StoreResult.Ok) Answers.Result(result);
            else
            {
                Answers.Result(result, count);
                int at = 0;
                for (int i = 0; i < count; i++)
                {
                    RawRecord record = MemoryMarshal.Read<RawRecord>(new ReadOnlySpan<byte>(buffer, at, sizeof(RawRecord)));
                    string text = Encoding.UTF8.GetString(buffer, at + sizeof(RawRecord), (int)record.Len);
                    Answers.Show('|', command == "rows_next_batch" ? text : record.Key + " " + text);
                    at += (int)record.Stride;
                }
            }
            return true;
        }

        // --------------------------------------------------- ends and the rest

        static readonly Dictionary<string, Type> Ends = new Dictionary<string, Type>
        {
            { "close", typeof(StoreHandle) }, { "write_abandon", typeof(WriterHandle) }, { "read_end", typeof(ReaderHandle) }, { "rows_end", typeof(RowsHandle) },
            { "tail_end", typeof(TailHandle) }, { "serve_end", typeof(ServerHandle) }
        };

        static bool End(string command, Words words)
        {
            if (!Ends.TryGetValue(command, out Type kind)) return false;
            Bound bound = words.Handle();
            bool first = !bound.Ended && bound.Kind == kind;
            bound.Ended |= bound.Kind == kind;
            // To end a handle twice, or one of another kind, is nothing to the handles floor.
            if (first) Handle(bound).End();
            else StoreException.Check((StoreResult)typeof(Native).GetMethod("stele_" + command).Invoke(null, new object[] { bound.Number }));
            Answers.Result(StoreResult.Ok);
            return true;
        }

        static bool Rest(string command, Words words)
        {
            Bound bound = words.Handle();
            StoreHandle store = new StoreHandle(bound.Number, false);
            string text;
            switch (command)
            {
                case "flush":
                    store.Flush();
                    Answers.Result(StoreResult.Ok);
                    return true;
                case "write_append":
                    new WriterHandle(bound.Number, false).Append(Bytes(words.Text()));
                    Answers.Result(StoreResult.Ok);
                    return true;
                case "write_end":
                    WriterHandle writer = new WriterHandle(bound.Number, false);
                    EventKey[] keys = new EventKey[2];
                    int count;
                    try
                    {
                        while (writer.EndWrite(keys, out count) == StoreResult.BufferTooSmall) keys = new EventKey[count];
                    }
                    finally
                    {
                        bound.Ended |= writer.IsClosed;
                    }
                    Answers.Result(StoreResult.Ok, count);
                    for (int i = 0; i < count; i++) Answers.Show('|', keys[i].ToString());
                    return true;
                case "delete_keys":
                    List<EventKey> all = new List<EventKey>();
                    while (words.More)
                    {
                        string word = words.Next();
                        for (int n = Words.Repeats(word); n > 0; n--) all.Add(Words.KeyOf(word));
                    }
                    Answers.Result(StoreResult.Ok, store.DeleteKeys(all.ToArray()));
                    return true;
                case "delete":
                    EventRange range = words.OptionRange();
                    Answers.Result(StoreResult.Ok, store.Delete(words.HasRange ? &range : null, words.OptionText("filter")));
                    return true;
                case "document_set":
                    text = words.Text();
                    store.SetDocument(text, Bytes(words.Text()));
                    Answers.Result(StoreResult.Ok);
                    return true;
                case "document_delete":
                    store.DeleteDocument(words.Text());
                    Answers.Result(StoreResult.Ok);
                    return true;
                case "tail_position":
                    Answers.Result(StoreResult.Ok, new TailHandle(bound.Number, false).Position());
                    return true;
                default:
                    return false;
            }
        }

        static ReadOnlySpan<byte> Bytes(string text) => text == null ? default : new ReadOnlySpan<byte>(Encoding.UTF8.GetBytes(text + "\0"), 0, Encoding.UTF8.GetByteCount(text));
    }

    /// <summary>A text that stays where it is for a call.</summary>
    sealed unsafe class Pinned : IDisposable
    {
        GCHandle handle;

        internal Pinned(string text)
        {
            if (text == null) return;
            handle = GCHandle.Alloc(Encoding.UTF8.GetBytes(text + "\0"), GCHandleType.Pinned);
            Length = (UIntPtr)(uint)Encoding.UTF8.GetByteCount(text);
        }

        internal byte* Bytes => handle.IsAllocated ? (byte*)handle.AddrOfPinnedObject() : null;
        internal UIntPtr Length { get; }

        public void Dispose()
        {
            if (handle.IsAllocated) handle.Free();
        }
    }
}
