using System;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;

namespace Stele.Conformance
{
    /// <summary>Prints what came.</summary>
    static class Answers
    {
        internal static TextWriter Out;

        internal static void Line(string line) => Out.Write(line + "\n");

        /// <summary>The line of a result, with the values that come with it.</summary>
        internal static void Result(StoreResult result, params object[] values)
        {
            string line = "= " + StoreException.Name(result);
            foreach (object value in values) line += " " + value;
            Line(line);
        }

        internal static void Failure(StoreException e)
        {
            Result(e.Result);
            Show('!', e.Message);
        }

        /// <summary>A text's lines, each with its mark before it.</summary>
        internal static void Show(char mark, string text)
        {
            foreach (string line in Mask(text).Split('\n')) Line(mark + " " + line);
        }

        static string Mask(string text)
        {
            text = text.Replace(Words.Directory, "$DIR");
            text = Regex.Replace(text, "127\\.0\\.0\\.1:[0-9]+", "127.0.0.1:$$PORT");
            text = Regex.Replace(text, "process [0-9]+", "process $$PID");
            text = Regex.Replace(text, "(expected |found )([0-9a-f]{16}|[0-9a-f]{8})(?![0-9a-f])", "$1$$SUM");
            return Regex.Replace(text, "[0-9]+(?= is not the handle)", "$$HANDLE");
        }

        /// <summary>Members of a JSON object; without picks its text.</summary>
        internal static void Picks(byte[] utf8, string[] picks)
        {
            string json = Encoding.UTF8.GetString(utf8);
            if (picks.Length == 0) Show('|', json);
            foreach (string pick in picks) Show('|', pick + " " + Pick(json, pick));
        }

        static string Pick(string json, string pick)
        {
            int at = 1;
            while (json[at] != '}')
            {
                if (json[at] == ',') at++;
                string name = Json.String(json, ref at);
                int begin = ++at, elements = Json.Skip(json, ref at), inside = begin;
                if (name != pick) continue;
                switch (json[begin])
                {
                    case '"': return Json.Quote(Json.String(json, ref inside));
                    case '[': return "[" + elements + "]";
                    case '{': return "{}";
                    default: return json.Substring(begin, at - begin);
                }
            }
            return "absent";
        }
    }
}
