using System;
using System.Diagnostics;
using System.Text;

namespace Stele.Tests
{
    /// <summary>
    /// What the runtime does with signals, stacks and finalisers goes on beside the library. Each test is a process of its own (Children), so that one that hangs or dies is seen.
    /// </summary>
    public static class SurvivalTests
    {
        static bool Core => Type.GetType("Mono.Runtime") == null;

        public static void NullReferencesAreCaughtWhileReadersWork(string directory)
        {
            Child child = new Child("nullreferences", Program.Long ? 60 : 1, directory, null);
            Expect.That(child.Ended && child.Code == 0, child.ToString());
            Console.WriteLine("     null references: " + child.Output.Trim());
        }

        /// <summary>That the test above can fail: without stele_host the same program hangs .NET Core, or dies of it. Only told, for it need not happen each time.</summary>
        public static void WithoutTheHostsMeasureTheyAreNot(string directory)
        {
            if (!Core || !Program.Long) return;
            Child child = new Child("nullreferences", 30, directory, "plain");
            Console.WriteLine("     null references with STELE_HOST=plain: " + (child.Ended && child.Code == 0 ? "went well this time" : "as it has to, it " + child));
        }

        public static void SignalsOfTheCollectorComeInStorms(string directory)
        {
            if (!Core || !Program.Long) return; // mono stops its threads in another way
            Child child = new Child("storm", 40, directory, null);
            Expect.That(child.Ended && child.Code == 0, child.ToString());
            Console.WriteLine("     storm: " + child.Output.Trim());
        }

        public static void FinalisersEndHandlesUnderPressure(string directory)
        {
            Child child = new Child("finalisers", Program.Long ? 120 : 1, directory, null);
            Expect.That(child.Ended && child.Code == 0, child.ToString());
            Console.WriteLine("     finalisers: " + child.Output.Trim());
        }

        /// <summary>A stack overflow ends as it does without the library, told by the runtime, and not in a hang.</summary>
        public static void StackOverflowsAreToldByTheRuntime(string directory)
        {
            Child with = new Child("overflow", 0, directory, null), without = new Child("overflow-alone", 0, directory, null);
            Expect.That(with.Ended, "it hangs: " + with);
            Expect.Equal(without.Code, with.Code);
            if (Core) Expect.Contains("Stack overflow", with.Output);
        }
    }

    /// <summary>A run of this program as Children.Run has it, ended or killed.</summary>
    sealed class Child
    {
        readonly StringBuilder output = new StringBuilder();

        internal Child(string name, int seconds, string directory, string host)
        {
            ProcessStartInfo start = new ProcessStartInfo
            {
                FileName = Process.GetCurrentProcess().MainModule.FileName,
                Arguments = "\"" + typeof(Child).Assembly.Location + "\" child " + name + " " + seconds + " \"" + directory + "\"",
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            };
            if (host != null) start.EnvironmentVariables["STELE_HOST"] = host;
            using (Process process = Process.Start(start))
            {
                DataReceivedEventHandler keep = (_, e) => { lock (output) if (e.Data != null && output.Length < 4000) output.AppendLine(e.Data); };
                process.OutputDataReceived += keep;
                process.ErrorDataReceived += keep;
                process.BeginOutputReadLine();
                process.BeginErrorReadLine();
                Ended = process.WaitForExit(1000 * (seconds + (host == null ? 120 : 10)));
                if (Ended) process.WaitForExit(); // for the rest of its output
                else process.Kill();
                Code = Ended ? process.ExitCode : -1;
            }
        }

        internal bool Ended { get; }
        internal int Code { get; }
        internal string Output { get { lock (output) return output.ToString(); } }
        public override string ToString() => (Ended ? "ended with " + Code : "was killed, for it did not end") + ": " + Output;
    }
}
