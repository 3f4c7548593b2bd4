using System;
using System.Text;

namespace Stele
{
    /// <summary>The documents of a store: JSON values under keys of 1 to 1,024 bytes of UTF-8. Any thread.</summary>
    public sealed class Documents
    {
        readonly Store store;

        internal Documents(Store store)
        {
            this.store = store;
        }

        /// <summary>Stores a value in place of what was there, durably.</summary>
        public void Set(string key, ReadOnlySpan<byte> json) => store.Handle.SetDocument(Utf8.Required(key, nameof(key)), Utf8.Given(json));

        /// <summary>As <see cref="Set(string, ReadOnlySpan{byte})"/>.</summary>
        public void Set(string key, string json) => Set(key, Utf8.Span(json, nameof(json)));

        /// <summary>The value, byte for byte as it was set; null if there is none.</summary>
        public byte[] GetUtf8(string key)
        {
            try { return store.Handle.GetDocument(Utf8.Required(key, nameof(key))); }
            catch (StoreException e) when (e.Result == StoreResult.NotFound) { return null; }
        }

        /// <summary>The value as a text; null if there is none.</summary>
        public string Get(string key)
        {
            byte[] bytes = GetUtf8(key);
            return bytes == null ? null : Encoding.UTF8.GetString(bytes);
        }

        /// <summary>Deletes a document, durably. False: there was none.</summary>
        public bool Delete(string key)
        {
            try { store.Handle.DeleteDocument(Utf8.Required(key, nameof(key))); }
            catch (StoreException e) when (e.Result == StoreResult.NotFound) { return false; }
            return true;
        }

        /// <summary>The documents whose keys begin with prefix (null: all), by key: objects with Key, Bytes, Changed and Version.</summary>
        public Rows List(string prefix = null) => new Rows(store.Handle.ListDocuments(prefix));
    }
}
