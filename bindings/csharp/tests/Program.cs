using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Stele.Tests
{
    /// <summary>Runs every public static method of the classes named …Tests, each with an empty directory if it takes one. No test framework can be had without a package registry.</summary>
    static class Program
    {
        internal static bool Long;
        static string scratch;

        static int Main(string[] arguments)
        {
            if (arguments.Length == 4 && arguments[0] == "child") return Children.Run(arguments);
            Long = arguments.Contains("--long");
            string[] names = arguments.Where(a => !a.StartsWith("--")).ToArray();
            scratch = Path.Combine(Path.GetTempPath(), "stele-csharp-" + Process.GetCurrentProcess().Id);
            int run = 0, failed = 0;
            Stopwatch watch = Stopwatch.StartNew();
            try
            {
                foreach (MethodInfo test in Tests())
                {
                    string name = test.DeclaringType.Name + "." + test.Name;
                    if (names.Length > 0 && !names.Any(name.Contains)) continue;
                    run++;
                    long before = watch.ElapsedMilliseconds;
                    try
                    {
                        test.Invoke(null, test.GetParameters().Length == 0 ? null : new object[] { Fresh(name) });
                    }
                    catch (TargetInvocationException e)
                    {
                        failed++;
                        Console.WriteLine("FAIL " + name + ": " + e.InnerException);
                    }
                    if (watch.ElapsedMilliseconds - before > 1000) Console.WriteLine("     " + name + ": " + (watch.ElapsedMilliseconds - before) + " ms");
                }
            }
            finally
            {
                if (Directory.Exists(scratch)) Directory.Delete(scratch, true);
            }
            string host = Type.GetType("Mono.Runtime") != null ? "mono" : RuntimeInformation.FrameworkDescription;
            Console.WriteLine("{0}: {1} tests, {2} failed, {3} ms", host, run, failed, watch.ElapsedMilliseconds);
            return failed == 0 && run > 0 ? 0 : 1;
        }

        static IEnumerable<MethodInfo> Tests() =>
            from type in typeof(Program).Assembly.GetTypes()
            where type.Name.EndsWith("Tests")
            orderby type.Name
            from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            select method;

        static string Fresh(string name)
        {
            string directory = Path.Combine(scratch, name);
            Directory.CreateDirectory(directory);
            return directory;
        }
    }

    /// <summary>What tests say.</summary>
    static class Expect
    {
        internal static void That(bool condition, string otherwise)
        {
            if (!condition) throw new Exception(otherwise);
        }

        internal static void Equal<T>(T wanted, T got)
        {
            if (!EqualityComparer<T>.Default.Equals(wanted, got)) throw new Exception("wanted " + wanted + "\ngot    " + got);
        }

        internal static void Contains(string part, string whole)
        {
            if (whole == null || !whole.Contains(part)) throw new Exception("wanted in it: " + part + "\ngot: " + whole);
        }

        /// <summary>The exception that an action throws.</summary>
        internal static T Throws<T>(Action action) where T : Exception
        {
            try { action(); }
            catch (T e) { return e; }
            throw new Exception("no " + typeof(T).Name);
        }

        /// <summary>The failure of that kind that an action meets.</summary>
        internal static StoreException Fails(StoreResult wanted, Action action)
        {
            StoreException e = Throws<StoreException>(action);
            if (e.Result != wanted) throw new Exception("wanted " + wanted + ", got " + e.Result + ": " + e.Message);
            return e;
        }
    }

    static class Make
    {
        /// <summary>Lines of CLEF, numbered from begin, a second apart.</summary>
        internal static string Events(int begin, int count, string more = "")
        {
            DateTime time = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
            var lines = new System.Text.StringBuilder();
            for (int n = begin; n < begin + count; n++) lines.Append(Line(time.AddSeconds(n), n, more)).Append('\n');
            return lines.ToString();
        }

        internal static string Line(DateTime time, int n, string more = "") =>
            "{\"@t\":\"" + time.ToString("yyyy-MM-ddTHH:mm:ss") + "Z\",\"@mt\":\"Event {N}\",\"N\":" + n + more + "}";
    }
}
