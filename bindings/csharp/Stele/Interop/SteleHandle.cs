using System;
using System.Runtime.InteropServices;

namespace Stele.Interop
{
    /// <summary>
    /// The handles floor: owns one handle of the library, and ends it once. Its methods are the functions of the header that take the handle, with spans for
    /// buffers; a failure is a <see cref="StoreException"/>, and what is none (Done, TimedOut, BufferTooSmall) is returned.
    /// </summary>
    /// <remarks>
    /// Disposing is harmless when repeated, silent, and waits for calls that are inside on other threads. The finaliser does the same for handles that were forgotten.
    /// <see cref="End"/> does it with a report.
    /// </remarks>
    public abstract unsafe class SteleHandle : SafeHandle
    {
        static SteleHandle()
        {
            // A handle is a number of up to 53 bits, and SafeHandle has room for a pointer.
            if (IntPtr.Size != 8) throw new PlatformNotSupportedException("Stele needs a 64-bit process");
        }

        /// <param name="ownsHandle">Whether Dispose and the finaliser end the handle; false for a number that somebody else ends.</param>
        internal SteleHandle(ulong value, bool ownsHandle, SteleHandle store) : base(IntPtr.Zero, ownsHandle)
        {
            SetHandle((IntPtr)(long)value);
            Store = store;
        }

        /// <summary>Of what a store began, the store: so that a store that nobody else knows any more is not finalised, and closed, before what reads it. Null for a store, and for a number of somebody else's.</summary>
        internal SteleHandle Store { get; }

        public sealed override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>
        /// Borrows the number for calls of the raw floor. Until the lease is disposed the handle is not ended, whoever disposes of it.
        /// A loop takes one lease for all its calls (a SafeHandle's count costs as much as the call).
        /// </summary>
        /// <exception cref="ObjectDisposedException">The handle was ended.</exception>
        public Lease Hold() => new Lease(this);

        /// <summary>Asks the call that is inside, on whichever thread, to end soon with Canceled, and so every later one but the end. Nothing, if the handle was ended.</summary>
        public void Cancel()
        {
            if (IsClosed) return;
            try
            {
                using (Lease held = Hold())
                {
                    StoreResult result = Native.stele_cancel(held.Value);
                    if (result != StoreResult.InvalidHandle) StoreException.Check(result);
                }
            }
            catch (ObjectDisposedException) { }
        }

        /// <summary>Ends the handle and throws what its end tells, such as what a reader had to pass over. A second time, or after Dispose, it does nothing.</summary>
        public void End()
        {
            if (IsClosed) return;
            Lease held;
            try { held = Hold(); }
            catch (ObjectDisposedException) { return; }
            using (held)
            {
                StoreResult result = Finish(held.Value);
                if (result == StoreResult.Forked) throw StoreException.Last(result);
                SetHandleAsInvalid();
                if (result != StoreResult.InvalidHandle) StoreException.Check(result);
            }
        }

        /// <summary>The function that ends a handle of this kind.</summary>
        internal abstract StoreResult Finish(ulong value);

        protected sealed override bool ReleaseHandle()
        {
            StoreResult result = Finish((ulong)(long)handle);
            return result == StoreResult.Ok;
        }

        /// <summary>A function that fills a buffer of the caller's.</summary>
        internal delegate StoreResult Fill(ulong handle, byte* buffer, UIntPtr len, UIntPtr* actual);

        /// <summary>Asks again with a larger buffer until the text fits. Null for Done; a failure is thrown.</summary>
        internal byte[] Whole(Fill fill, int guess = 512)
        {
            UIntPtr actual;
            byte[] buffer = new byte[guess];
            using (Lease held = Hold())
            {
                for (;;)
                {
                    StoreResult result;
                    fixed (byte* p = buffer) result = StoreException.Check(fill(held.Value, p, (UIntPtr)(uint)buffer.Length, &actual));
                    if (result == StoreResult.Done) return null;
                    if (result == StoreResult.Ok) break;
                    buffer = new byte[(int)actual];
                }
            }
            Array.Resize(ref buffer, (int)actual);
            return buffer;
        }
    }

    /// <summary>A borrowed handle: see <see cref="SteleHandle.Hold"/>. To be disposed once.</summary>
    public readonly struct Lease : IDisposable
    {
        readonly SteleHandle owner;

        internal Lease(SteleHandle owner)
        {
            bool added = false;
            owner.DangerousAddRef(ref added);
            this.owner = owner;
            Value = (ulong)(long)owner.DangerousGetHandle();
        }

        /// <summary>The number that the raw floor takes.</summary>
        public ulong Value { get; }

        public void Dispose() => owner.DangerousRelease();
    }
}
