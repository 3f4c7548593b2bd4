using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Stele
{
    /// <summary>Texts on their way across the border.</summary>
    static class Utf8
    {
        // Throws on a lone surrogate: replacing it would store something else than was given.
        static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);
        static readonly byte[] Nothing = new byte[1];

        /// <summary>
        /// The text's bytes; those that count are the first length. Never an empty array, for pinning one gives a null pointer, which to the library is a text left out;
        /// null for null.
        /// </summary>
        internal static byte[] Optional(string text, out UIntPtr length)
        {
            length = UIntPtr.Zero;
            if (text == null) return null;
            if (text.Length == 0) return Nothing;
            byte[] bytes = Strict.GetBytes(text);
            length = (UIntPtr)(uint)bytes.Length;
            return bytes;
        }

        /// <summary>As Optional, of a text that has to be there.</summary>
        internal static byte[] Required(string text, string name, out UIntPtr length) => Optional(text ?? throw new ArgumentNullException(name), out length);

        /// <summary>What to pin for a span: its first byte, or, as above, some byte if it is empty.</summary>
        internal static ref byte Start(ReadOnlySpan<byte> span)
        {
            if (span.Length == 0) return ref Nothing[0];
            return ref MemoryMarshal.GetReference(span);
        }

        internal static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
    }
}
