using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Stele.Interop;

namespace Stele.Conformance
{
    /// <summary>The script does not keep to the form.</summary>
    sealed class BadScript : Exception
    {
        internal BadScript(string message) : base(message) { }
    }

    /// <summary>What a name of the script stands for.</summary>
    sealed class Bound
    {
        internal ulong Number;
        internal Type Kind; // of its SafeHandle; null for a number that was written out
        internal bool Ended;
    }

    /// <summary>The words of one command.</summary>
    sealed class Words
    {
        internal static string Directory, Port = "0";
        static readonly Dictionary<string, Bound> Names = new Dictionary<string, Bound>();

        readonly List<string> words = new List<string>();
        int at;

        internal Words(string line)
        {
            int begin = 0;
            bool quoted = false;
            for (int i = 0; i <= line.Length; i++)
            {
                if (i == line.Length || !quoted && line[i] == ' ')
                {
                    words.Add(line.Substring(begin, i - begin));
                    begin = i + 1;
                }
                else if (quoted && line[i] == '\\') i++;
                else if (line[i] == '"') quoted = !quoted;
            }
        }

        internal bool More => at < words.Count;

        internal string Next()
        {
            if (!More) throw new BadScript("a word is missing");
            return words[at++];
        }

        internal string[] Rest()
        {
            string[] rest = words.GetRange(at, words.Count - at).ToArray();
            at = words.Count;
            return rest;
        }

        internal string Text() => TextOf(Next());
        internal ulong Number() => NumberOf(Next());
        internal EventKey Key() => KeyOf(Next());
        internal Bound Handle() => HandleOf(Next());

        internal static ulong NumberOf(string word)
        {
            if (word.StartsWith("-")) return (ulong)long.Parse(word, CultureInfo.InvariantCulture);
            if (!ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)) throw new BadScript("not a number: " + word);
            return number;
        }

        internal static string TextOf(string word)
        {
            if (word == "null") return null;
            int at = 0;
            string once = Json.String(word, ref at).Replace("$DIR", Directory).Replace("$PORT", Port);
            if (at == word.Length) return once;
            return new StringBuilder().Insert(0, once, (int)NumberOf(word.Substring(at + 1))).ToString();
        }

        internal static EventKey KeyOf(string word) => EventKey.Parse(word.Split('*')[0]);

        internal static int Repeats(string word) => word.Contains("*") ? (int)NumberOf(word.Split('*')[1]) : 1;

        internal static Bound HandleOf(string word)
        {
            if (word.StartsWith("#")) return new Bound { Number = NumberOf(word.Substring(1)) };
            if (!Names.TryGetValue(word, out Bound bound)) throw new BadScript("no such handle: " + word);
            return bound;
        }

        internal static void Bind(string name, ulong number, Type kind) => Names[name] = new Bound { Number = number, Kind = kind };

        /// <summary>Every name of a number that a raw call ended.</summary>
        internal static void Ended(ulong number)
        {
            foreach (Bound bound in Names.Values) bound.Ended |= bound.Number == number;
        }

        // ------------------------------------------------------------ options

        string Option(string name)
        {
            for (int i = at; i < words.Count; i++)
                if (words[i].StartsWith(name + "=", StringComparison.Ordinal)) return words[i].Substring(name.Length + 1);
            return null;
        }

        internal ulong OptionNumber(string name) => Option(name) == null ? 0 : NumberOf(Option(name));

        internal string OptionText(string name) => Option(name) == null ? null : TextOf(Option(name));

        internal bool HasRange => Option("from") != null || Option("to") != null;

        internal EventRange OptionRange() => new EventRange(BoundOf(Option("from")), BoundOf(Option("to")));

        static EventBound BoundOf(string word)
        {
            if (word == null) return default;
            string[] parts = word.Split(':');
            bool inclusive = parts[0] == "inclusive";
            if (parts[1].StartsWith("event-")) return inclusive ? EventBound.Inclusive(KeyOf(parts[1])) : EventBound.Exclusive(KeyOf(parts[1]));
            long instant = (long)NumberOf(parts[1]);
            return inclusive ? EventBound.InclusiveNanoseconds(instant) : EventBound.ExclusiveNanoseconds(instant);
        }
    }

    /// <summary>As much of JSON as scripts need.</summary>
    static class Json
    {
        /// <summary>The string that begins at at, which is moved behind it.</summary>
        internal static string String(string json, ref int at)
        {
            if (at >= json.Length || json[at] != '"') throw new BadScript("a text is missing: " + json);
            var text = new StringBuilder();
            for (at++; at < json.Length && json[at] != '"'; at++)
            {
                if (json[at] != '\\')
                {
                    text.Append(json[at]);
                    continue;
                }
                int which = "\"\\/bfnrt".IndexOf(json[++at]);
                if (which >= 0)
                    text.Append("\"\\/\b\f\n\r\t"[which]);
                else if (json[at] == 'u')
                {
                    text.Append((char)int.Parse(json.Substring(at + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    at += 4;
                }
                else throw new BadScript("not an escape: " + json.Substring(at - 1));
            }
            at++;
            return text.ToString();
        }

        /// <summary>Moves behind the value at at; how many elements it has if it is a list or an object.</summary>
        internal static int Skip(string json, ref int at)
        {
            int depth = 0, commas = 0;
            bool some = false;
            do
            {
                char c = json[at];
                if (c == '"')
                {
                    some |= depth == 1;
                    String(json, ref at);
                    continue;
                }
                if (c == '[' || c == '{') some |= depth++ == 1;
                else if (c == ']' || c == '}') depth--;
                else if (c == ',' && depth == 1) commas++;
                else some |= depth == 1;
                at++;
            }
            while (depth > 0 || at < json.Length && ",]}".IndexOf(json[at]) < 0);
            return commas + (some ? 1 : 0);
        }

        internal static string Quote(string text)
        {
            var quoted = new StringBuilder("\"");
            foreach (char c in text)
            {
                int which = "\"\\\n\r\t".IndexOf(c);
                if (which >= 0) quoted.Append('\\').Append("\"\\nrt"[which]);
                else if (c < ' ') quoted.Append("\\u").Append(((int)c).ToString("x4"));
                else quoted.Append(c);
            }
            return quoted.Append('"').ToString();
        }
    }
}
