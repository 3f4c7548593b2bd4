using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Stele.Interop;

namespace Stele.Conformance
{
    /// <summary>A call of the raw floor, word by word.</summary>
    sealed unsafe class Raw
    {
        static readonly Dictionary<string, Raw> Spawned = new Dictionary<string, Raw>();

        readonly MethodInfo function;
        readonly ulong[] arguments;
        readonly string[] made;
        readonly int[] width;
        readonly List<IntPtr> memory = new List<IntPtr>();
        Thread thread;
        StoreResult result;

        Raw(Words words)
        {
            string name = words.Next();
            if (name == "raw") name = words.Next();
            function = typeof(Native).GetMethod("stele_" + name) ?? throw new BadScript("no such function: " + name);
            int count = function.GetParameters().Length;
            arguments = new ulong[count];
            made = new string[count];
            width = new int[count];
            for (int i = 0; words.More; i++)
            {
                if (i == count) throw new BadScript("too many words");
                arguments[i] = Argument(words.Next(), i);
            }
        }

        ulong Argument(string word, int i)
        {
            if (word == "null") return 0;
            if (word[0] == '"') return Address(Encoding.UTF8.GetBytes(Words.TextOf(word)));
            if (word.StartsWith("event-"))
            {
                EventKey key = Words.KeyOf(word);
                return Address(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref key, 1)).ToArray());
            }
            if (word.StartsWith("hex:"))
            {
                byte[] bytes = new byte[(word.Length - 4) / 2];
                for (int j = 0; j < bytes.Length; j++) bytes[j] = Convert.ToByte(word.Substring(4 + 2 * j, 2), 16);
                return Address(bytes);
            }
            if (word.StartsWith("buffer:")) return Address(new byte[Words.NumberOf(word.Substring(7))]);
            if (word == "u64" || word == "u32")
            {
                width[i] = word == "u64" ? 8 : 4;
                return Address(new byte[] { 7, 0, 0, 0, 0, 0, 0, 0 });
            }
            if (word.StartsWith("new:"))
            {
                made[i] = word.Substring(4);
                return Address(new byte[8]);
            }
            return "-0123456789".IndexOf(word[0]) >= 0 ? Words.NumberOf(word) : Words.HandleOf(word).Number;
        }

        /// <summary>Where these bytes lie, with zeros after them, until the call is over.</summary>
        ulong Address(byte[] bytes)
        {
            IntPtr p = Marshal.AllocHGlobal(bytes.Length + 16);
            memory.Add(p);
            new Span<byte>((void*)p, bytes.Length + 16).Clear();
            Marshal.Copy(bytes, 0, p, bytes.Length);
            return (ulong)(long)p;
        }

        void Perform()
        {
            ParameterInfo[] parameters = function.GetParameters();
            object[] values = new object[arguments.Length];
            for (int i = 0; i < values.Length; i++)
            {
                Type type = parameters[i].ParameterType;
                if (type.IsPointer) values[i] = (IntPtr)(long)arguments[i];
                else if (type == typeof(UIntPtr)) values[i] = (UIntPtr)arguments[i];
                else if (type == typeof(uint)) values[i] = (uint)arguments[i];
                else values[i] = arguments[i];
            }
            result = (StoreResult)function.Invoke(null, values);
        }

        void Show(bool errors)
        {
            string line = "= " + StoreException.Name(result);
            for (int i = 0; i < arguments.Length; i++)
            {
                if (width[i] == 8) line += " " + *(ulong*)arguments[i];
                if (width[i] == 4) line += " " + *(uint*)arguments[i];
                if (made[i] != null && result == StoreResult.Ok) Words.Bind(made[i], *(ulong*)arguments[i], null);
            }
            Answers.Line(line);
            if (errors && result >= StoreResult.ArgumentNull) Answers.Show('!', LastError(out StoreResult code));
            if (function.Name.EndsWith("_end") || function.Name.EndsWith("_close") || function.Name.EndsWith("_abandon")) Words.Ended(arguments[0]);
            foreach (IntPtr p in memory) Marshal.FreeHGlobal(p);
            memory.Clear();
        }

        /// <summary>The last failure's text; null if there was none.</summary>
        internal static string LastError(out StoreResult code)
        {
            UIntPtr size;
            StoreResult last = StoreResult.Ok;
            byte[] text = new byte[1 << 16];
            StoreResult result;
            fixed (byte* p = text) result = Native.stele_last_error(&last, null, p, (UIntPtr)(uint)text.Length, &size);
            code = last;
            return result == StoreResult.Done ? null : Encoding.UTF8.GetString(text, 0, (int)size);
        }

        /// <summary>Whether the command is one of those that make raw calls; then it was carried out.</summary>
        internal static bool Run(string command, Words words)
        {
            Raw call;
            string name;
            switch (command)
            {
                case "raw":
                    call = new Raw(words);
                    call.Perform();
                    call.Show(true);
                    return true;
                case "thread":
                    call = new Raw(words);
                    call.thread = new Thread(call.Perform);
                    call.thread.Start();
                    call.thread.Join();
                    call.Show(false);
                    return true;
                case "spawn":
                    name = words.Next();
                    call = new Raw(words);
                    call.thread = new Thread(call.Perform);
                    call.thread.Start();
                    Spawned.Add(name, call);
                    Thread.Sleep(20);
                    return true;
                case "join":
                    name = words.Next();
                    call = Spawned[name];
                    Spawned.Remove(name);
                    call.thread.Join();
                    call.Show(false);
                    return true;
                case "until":
                    name = words.Next();
                    call = new Raw(words);
                    for (int i = 0; i < 5000; i++)
                    {
                        call.Perform();
                        if (StoreException.Name(call.result) == name) break;
                        Thread.Sleep(2);
                    }
                    call.Show(true);
                    return true;
                default:
                    return false;
            }
        }
    }
}
