using System;
using System.Collections;
using System.Collections.Generic;
using System.Text;
using Stele.Interop;

namespace Stele
{
    /// <summary>
    /// Rows of JSON: a list with a value for each column where they are a query's, else an object. They are made while they are asked for, and gone through once. One thread at a time.
    /// </summary>
    public sealed class Rows : IEnumerable<string>, IDisposable
    {
        readonly Records records = new Records();
        readonly Records.Fill fill;

        internal Rows(RowsHandle handle)
        {
            Handle = handle;
            fill = handle.NextBatch;
        }

        /// <summary>The floor below. What it reads itself is missing here.</summary>
        public RowsHandle Handle { get; }

        /// <summary>Goes to the next row. False: there are no more.</summary>
        public bool Read() => records.Step() || records.Refill(fill) == StoreResult.Ok;

        /// <summary>The row that <see cref="Read"/> went to, until the next call of it.</summary>
        public ReadOnlySpan<byte> Current => records.Text;

        public IEnumerator<string> GetEnumerator()
        {
            while (Read()) yield return Encoding.UTF8.GetString(Current);
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>A JSON object with Columns, and, once the last row was given, Statistics.</summary>
        public string Describe() => Utf8.Text(Handle.Describe());

        /// <summary>From any thread: the rows end soon with Canceled.</summary>
        public void Cancel() => Handle.Cancel();

        /// <summary>Ends the rows and throws if something was lost on the way. A second time it does nothing.</summary>
        public void End()
        {
            records.Clear();
            Handle.End();
        }

        public void Dispose()
        {
            records.Clear();
            Handle.Dispose();
        }
    }
}
