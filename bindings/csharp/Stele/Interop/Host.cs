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
            // mono stops threads in another way, and Windows has no signals.
            bool coreClr = Type.GetType("Mono.Runtime") == null && !RuntimeInformation.IsOSPlatform(OSPlatform.Windows);
            return Native.stele_host(coreClr ? Flag.HostDotnet : Flag.HostPlain);
        }
    }
}
