using System;
using System.Runtime.InteropServices;

namespace Stele.Interop
{
    // The structs of stele.h that go in and out by address, field for field. EventKey, EventBound and EventRange are the header's too.

    /// <summary>stele_version_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct VersionInfo
    {
        public UIntPtr Size;
        public uint Abi;
        public uint Reserved;
        public fixed byte Text[64];
    }

    /// <summary>stele_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct RawStoreOptions
    {
        public UIntPtr Size;
        public uint Flags;
        public uint EventBytes;
        public ulong BatchBytes;
        public ulong MemoryBytes;
        public ulong JournalBytes;
        public ulong CacheBytes;
        public ulong DocumentBytes;
        public long MinFreeBytes;
        public uint OpenFiles;
        public uint Reserved;
    }

    /// <summary>stele_write_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct RawWriteOptions
    {
        public UIntPtr Size;
        public uint Flags;
        public uint Reserved;
        public byte* Id;
        public UIntPtr IdLen;
    }

    /// <summary>stele_read_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct RawReadOptions
    {
        public UIntPtr Size;
        public EventRange* Range;
        public byte* Filter;
        public UIntPtr FilterLen;
        public ulong Limit;
        public uint Ordering;
        public uint Flags;
    }

    /// <summary>stele_record: what stands before each text that a batch call gives.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct RawRecord
    {
        public EventKey Key;
        public uint Len;
        public uint Stride;
    }

    /// <summary>stele_query_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct RawQueryOptions
    {
        public UIntPtr Size;
        public EventRange* Range;
        public byte* Filter;
        public UIntPtr FilterLen;
        public ulong MemoryBytes;
        public uint TimeoutMs;
        public uint Flags;
    }

    /// <summary>stele_tail_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct RawTailOptions
    {
        public UIntPtr Size;
        public ulong After;
        public byte* Filter;
        public UIntPtr FilterLen;
        public uint Flags;
        public uint Reserved;
    }

    /// <summary>stele_serve_options.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct RawServeOptions
    {
        public UIntPtr Size;
        public byte* Urls;
        public UIntPtr UrlsLen;
        public byte* Instance;
        public UIntPtr InstanceLen;
        public uint Flags;
        public uint Reserved;
    }

    /// <summary>Flags and numbers of the header.</summary>
    public static class Flag
    {
        public const uint HostPlain = 0, HostDotnet = 1, HostSignals = 2;
        public const uint ReadOnly = 1, MustExist = 2;
        public const uint WritePartial = 1, ReadAhead = 1, BindThread = 2;
        public const uint WaitForEver = uint.MaxValue;
        public const int KeyText = 38;

        /// <summary>As a length: the text ends at its first NUL.</summary>
        public static readonly UIntPtr Text = (UIntPtr)ulong.MaxValue;
    }
}
