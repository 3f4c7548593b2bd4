using System;
using Stele.Interop;

namespace Stele
{
    /// <summary>The HTTP API and page of an open store, served from inside this process.</summary>
    public sealed class Server : IDisposable
    {
        internal Server(ServerHandle handle)
        {
            Handle = handle;
        }

        /// <summary>The floor below.</summary>
        public ServerHandle Handle { get; }

        /// <summary>What is served, with the ports that were taken.</summary>
        public string[] Urls => Utf8.Text(Handle.Urls()).Split(';');

        /// <summary>Stops serving: requests inside have five seconds to finish. A second time it does nothing.</summary>
        public void End() => Handle.End();

        public void Dispose() => Handle.Dispose();
    }
}
