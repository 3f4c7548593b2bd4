using System;
using System.Collections.Generic;
using System.Text;
using Stele.Interop;

namespace Stele
{
    /// <summary>
    /// A call that failed. <see cref="Exception.Message"/> is the whole text: a first line that says what happened, to what, and what to do,
    /// and a line "caused by: …" for each cause, down to the file and the offset where the disk or damage is to blame.
    /// </summary>
    public sealed class StoreException : Exception
    {
        const string CausedBy = "caused by: ";

        StoreException(StoreResult result, ulong id, string text) : base(text)
        {
            Result = result;
            Id = id;
            Reason = text;
            Causes = Array.Empty<string>();
            int end = text.IndexOf("\n" + CausedBy, StringComparison.Ordinal);
            if (end < 0) return;
            Reason = text.Substring(0, end);
            Causes = text.Substring(end + 1 + CausedBy.Length).Split(new[] { "\n" + CausedBy }, StringSplitOptions.None);
        }

        /// <summary>The kind of failure.</summary>
        public StoreResult Result { get; }

        /// <summary>Grows with every failure in the process.</summary>
        public ulong Id { get; }

        /// <summary>The first part of the text, without the causes.</summary>
        public string Reason { get; }

        /// <summary>The causes, the nearest first, each without its "caused by: ".</summary>
        public IReadOnlyList<string> Causes { get; }

        /// <summary>Throws if the result of a raw call is a failure. To be called on the thread of the call, before it makes another one.</summary>
        public static StoreResult Check(StoreResult result)
        {
            if (result >= StoreResult.ArgumentNull) throw Last(result);
            return result;
        }

        internal static unsafe StoreException Last(StoreResult result)
        {
            StoreResult code = result;
            ulong id = 0;
            UIntPtr actual;
            byte[] text = new byte[1024];
            StoreResult told;
            for (;;)
            {
                fixed (byte* p = text) told = Native.stele_last_error(&code, &id, p, (UIntPtr)(uint)text.Length, &actual);
                if (told != StoreResult.BufferTooSmall) break;
                text = new byte[(int)actual];
            }
            if (told != StoreResult.Ok || code != result) return new StoreException(result, 0, Name(result));
            return new StoreException(result, id, Encoding.UTF8.GetString(text, 0, (int)actual));
        }

        /// <summary>The name that the C interface has for a result, such as "STELE_NOT_FOUND".</summary>
        public static unsafe string Name(StoreResult result)
        {
            byte* name = Native.stele_result_name(result);
            int length = 0;
            while (name[length] != 0) length++;
            return Encoding.ASCII.GetString(name, length);
        }
    }
}
