using System;
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
        internal static byte[] Bytes(string text, out UIntPtr length)
        {
            length = UIntPtr.Zero;
            if (text == null) return null;
            if (text.Length == 0) return Nothing;
            byte[] bytes = Strict.GetBytes(text);
            length = (UIntPtr)(uint)bytes.Length;
            return bytes;
        }

        /// <summary>The bytes of a text that has to be there.</summary>
        internal static ReadOnlySpan<byte> Span(string text, string name)
        {
            byte[] bytes = Bytes(Required(text, name), out UIntPtr length);
            return new ReadOnlySpan<byte>(bytes, 0, (int)length);
        }

        /// <summary>The same, and never with a null pointer: a span that is empty is an empty text, not one left out.</summary>
        internal static ReadOnlySpan<byte> Given(ReadOnlySpan<byte> text) => text.Length == 0 ? new ReadOnlySpan<byte>(Nothing, 0, 0) : text;

        internal static string Required(string text, string name) => text ?? throw new ArgumentNullException(name);

        internal static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
    }
}
