using System;
using System.Runtime.InteropServices;

namespace Stele.Interop
{
    /// <summary>What the library has to know of the runtime it is in.</summary>
    static class Host
    {
        // Once is enough, and before the first store is opened: the library does its part at each stele_open again.
        static readonly StoreResult Told = Tell();

        /// <summary>Tells it, if it was not told before.</summary>
        internal static void Prepare() => StoreException.Check(Told);

        static StoreResult Tell()
        {
            // mono stops threads in another way, but sets handlers as late as CoreCLR does. Windows has no signals.
            if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows)) return Native.stele_host(Flag.HostPlain);
            return Native.stele_host(Type.GetType("Mono.Runtime") == null ? Flag.HostDotnet : Flag.HostSignals);
        }
    }
}
