using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using Stele.Interop;

namespace Stele.Tests
{
    public static unsafe class HandleTests
    {
        public static void EndingTwiceIsHarmless(string directory)
        {
            Store store = Store.Open(directory);
            Reader reader = store.Read();
            Writer writer = store.Write();
            reader.End();
            reader.End();
            reader.Dispose();
            reader.Dispose();
            reader.Cancel();
            writer.Abandon();
            writer.Dispose();
            Expect.Throws<ObjectDisposedException>(() => reader.Read());
            Expect.Throws<ObjectDisposedException>(() => writer.End());
            store.Dispose();
            store.Dispose();
            Expect.Throws<ObjectDisposedException>(() => store.Read());
        }

        public static void WhatOutlivesItsStoreIsToldSo(string directory)
        {
            Store store = Store.Open(directory);
            store.Append(Make.Events(0, 10));
            Reader reader = store.Read();
            Writer writer = store.Write();
            store.Dispose();
            Expect.Fails(StoreResult.Closed, () => { while (reader.Read()) { } });
            Expect.Fails(StoreResult.Closed, () => writer.Append(Make.Events(0, 1)));
            writer.Dispose();
            reader.Dispose();
        }

        public static void ACancelledReaderEndsSoon(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                store.Append(Make.Events(0, 1000));
                using (Reader reader = store.Read())
                {
                    reader.Cancel();
                    Expect.Fails(StoreResult.Canceled, () => { while (reader.Read()) { } });
                }
            }
        }

        public static void ALeaseKeepsAHandleOpen(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                store.Append(Make.Events(0, 10));
                ReaderHandle reader = store.Handle.BeginRead(null);
                byte[] buffer = new byte[1024];
                int events = 0;
                using (Lease held = reader.Hold())
                {
                    reader.Dispose();
                    fixed (byte* p = buffer)
                    {
                        EventKey key;
                        UIntPtr actual;
                        StoreResult result;
                        while ((result = Native.stele_read_next(held.Value, &key, p, (UIntPtr)(uint)buffer.Length, &actual)) == StoreResult.Ok) events++;
                        Expect.Equal(StoreResult.Done, result);
                    }
                }
                Expect.Equal(10, events);
                Expect.Throws<ObjectDisposedException>(() => reader.Hold());
            }
        }

        public static void ForgedHandlesAreRefused()
        {
            foreach (ulong value in new ulong[] { 0, 1, 12345, (1UL << 53) - 1, ulong.MaxValue })
            {
                Expect.Fails(StoreResult.InvalidHandle, () => new StoreHandle(value, false).Flush());
                Expect.Fails(StoreResult.InvalidHandle, () => new RowsHandle(value, false).Next());
                new ReaderHandle(value, false).End();
            }
        }

        public static void TheFinaliserEndsWhatWasForgotten(string directory)
        {
            using (Store store = Store.Open(directory))
            {
                store.Append(Make.Events(0, 10));
                ulong[] values = new ulong[100];
                Thread forgetful = new Thread(() => { for (int i = 0; i < values.Length; i++) values[i] = Forget(store); });
                forgetful.Start();
                forgetful.Join();
                int ended = 0;
                for (int round = 0; round < 50 && ended < values.Length - 5; round++)
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    // Cancelling is harmless, and says whether the handle is still there.
                    ended = values.Count(v => Native.stele_cancel(v) == StoreResult.InvalidHandle);
                }
                Expect.That(ended >= values.Length - 5, ended + " of " + values.Length + " forgotten readers were ended");
            }
        }

        /// <summary>Nobody knows the store but its reader: it stays open as long as that.</summary>
        public static void AReaderKeepsItsStore(string directory)
        {
            using (Store store = Store.Open(directory)) store.Append(Make.Events(0, 1000));
            using (Reader reader = Orphan(directory))
            {
                int n = 0;
                while (reader.Read())
                {
                    if (n++ % 100 != 0) continue;
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                }
                Expect.Equal(1000, n);
            }
        }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static Reader Orphan(string directory) => Store.Open(directory).Read();

        static ulong Forget(Store store)
        {
            Reader reader = store.Read();
            reader.Read();
            using (Lease held = reader.Handle.Hold()) return held.Value;
        }
    }

    /// <summary>The raw floor beside the header that it repeats.</summary>
    public static unsafe class NativeTests
    {
        static string Repository
        {
            get
            {
                string directory = Path.GetDirectoryName(typeof(NativeTests).Assembly.Location);
                while (!File.Exists(Path.Combine(directory, "include", "stele.h"))) directory = Path.GetDirectoryName(directory);
                return directory;
            }
        }

        static readonly string Header = Regex.Replace(File.ReadAllText(Path.Combine(Repository, "include", "stele.h")), @"/\*.*?\*/", "", RegexOptions.Singleline);

        /// <summary>Every function of the header is here with the same parameters, and no other is.</summary>
        public static void FunctionsAreThoseOfTheHeader()
        {
            var wanted = new List<string>();
            foreach (Match m in Regex.Matches(Header, @"STELE_API\s+(?:stele_result|const char \*)\s*(stele_\w+)\(([^)]*)\)", RegexOptions.Singleline))
                wanted.Add(m.Groups[1].Value + ": " + string.Join(", ", m.Groups[2].Value.Split(',').Select(Kind)));
            var got = typeof(Native).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
                .Select(m => m.Name + ": " + string.Join(", ", m.GetParameters().Select(Kind))).ToList();
            wanted.Sort(StringComparer.Ordinal);
            got.Sort(StringComparer.Ordinal);
            Expect.That(wanted.Count > 30, "the header is not understood");
            Expect.Equal(string.Join("\n", wanted), string.Join("\n", got));
        }

        static string Kind(string parameter)
        {
            if (parameter.Contains("*")) return "address";
            switch (parameter.Trim().Split(' ')[0])
            {
                case "size_t": return "size";
                case "uint32_t": case "stele_result": return "32 bits";
                default: return "64 bits";
            }
        }

        static string Kind(ParameterInfo parameter)
        {
            Type type = parameter.ParameterType;
            if (type.IsPointer) return "address";
            if (type == typeof(UIntPtr)) return "size";
            return type == typeof(ulong) ? "64 bits" : type == typeof(uint) || type.IsEnum ? "32 bits" : type.Name;
        }

        /// <summary>Every field of the header's structs is here, in order and of its size.</summary>
        public static void StructsAreThoseOfTheHeader()
        {
            var types = new Dictionary<string, Type>
            {
                { "stele_version_info", typeof(VersionInfo) }, { "stele_bound", typeof(EventBound) }, { "stele_range", typeof(EventRange) }, { "stele_options", typeof(RawStoreOptions) },
                { "stele_write_options", typeof(RawWriteOptions) }, { "stele_read_options", typeof(RawReadOptions) }, { "stele_record", typeof(RawRecord) }, { "stele_query_options", typeof(RawQueryOptions) },
                { "stele_tail_options", typeof(RawTailOptions) }, { "stele_serve_options", typeof(RawServeOptions) }
            };
            Expect.Equal(16, sizeof(EventKey));
            int structs = 0;
            foreach (Match m in Regex.Matches(Header, @"typedef struct (stele_\w+) \{(.*?)\}", RegexOptions.Singleline))
            {
                if (m.Groups[1].Value == "stele_key") continue;
                var wanted = new List<string>();
                int offset = 0;
                foreach (string declaration in m.Groups[2].Value.Split(';'))
                {
                    if (declaration.Trim() == "") continue;
                    Match words = Regex.Match(declaration.Trim(), @"^(const )?(\w+)\s+(.*)$", RegexOptions.Singleline);
                    foreach (string name in words.Groups[3].Value.Split(','))
                    {
                        int size = name.Contains("*") ? 8 : Size(words.Groups[2].Value), align = Math.Min(size, 8);
                        if (name.Contains("[64]")) size *= 64;
                        if (words.Groups[2].Value == "stele_key") align = 1;
                        offset = (offset + align - 1) / align * align;
                        wanted.Add(offset + " " + Regex.Match(name, @"\w+").Value.Replace("_", ""));
                        offset += size;
                    }
                }
                Type type = types[m.Groups[1].Value];
                var got = type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
                    .Select(f => Marshal.OffsetOf(type, f.Name) + " " + f.Name.ToLowerInvariant());
                Expect.Equal(m.Groups[1].Value + "\n" + string.Join("\n", wanted), m.Groups[1].Value + "\n" + string.Join("\n", got));
                Expect.Equal(offset, Marshal.SizeOf(type));
                structs++;
            }
            Expect.Equal(types.Count, structs);
        }

        static int Size(string type)
        {
            switch (type)
            {
                case "char": case "uint8_t": return 1;
                case "uint32_t": return 4;
                case "stele_key": return 16;
                case "stele_bound": return 32;
                default: return 8;
            }
        }

        /// <summary>No call of the raw floor leaves its result unseen, and every function but the ones that only tests need is called.</summary>
        public static void NoResultIsUnchecked()
        {
            string all = "";
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository, "bindings", "csharp", "Stele"), "*.cs", SearchOption.AllDirectories))
            {
                if (Path.GetFileName(file) == "Native.cs") continue;
                string text = File.ReadAllText(file);
                all += text;
                Match bare = Regex.Match(text, @"(^|[;{})]|else)\s*Native\.\w+\(", RegexOptions.Multiline);
                Expect.That(!bare.Success || bare.Value.StartsWith("("), Path.GetFileName(file) + " does not look at a result: " + bare.Value);
            }
            foreach (MethodInfo m in typeof(Native).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
                Expect.That(all.Contains("Native." + m.Name + "(") || m.Name == "stele_key_parts", m.Name + " is called from nowhere");
        }
    }
}
