//! The shared handles: the store and the server.

use crate::error::{check, Result};
use crate::handles::{fetch, milliseconds, optional, Reader, Rows, Tail, Writer};
use crate::key::{Key, Range};
use crate::options::{OpenOptions, QueryOptions, ReadOptions, ServeOptions, TailOptions, WriteOptions};
use crate::{raw, Events, Following, Lines};
use std::mem::size_of;
use std::path::Path;

/// An open store. Any thread may use it at any time.
///
/// Dropped, it is closed; what was acknowledged is on disk before and after.
#[derive(Debug)]
pub struct Store {
    handle: u64,
}

/// The HTTP API and page of a store. Any thread may use it at any time.
#[derive(Debug)]
pub struct Server {
    handle: u64,
}

macro_rules! shared {
    ($name:ident, $end:ident) => {
        impl $name {
            /// Takes over a handle. Any number is allowed: the library knows which are handles.
            pub fn from_handle(handle: u64) -> $name {
                $name { handle }
            }

            /// The number for functions of [`raw`].
            pub fn handle(&self) -> u64 {
                self.handle
            }

            /// Gives the handle to the caller, who ends it.
            pub fn into_handle(self) -> u64 {
                let handle = self.handle;
                std::mem::forget(self);
                handle
            }

            /// Ends it: false if it was ended before, which does no harm. Other threads that are inside get [`Code::Closed`](crate::Code::Closed).
            pub fn close(&self) -> Result<bool> {
                // SAFETY: handles are numbers; any is allowed.
                match unsafe { raw::$end(self.handle) } {
                    raw::STELE_INVALID_HANDLE => Ok(false),
                    result => check(result).map(|_| true),
                }
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: handles are numbers; any is allowed.
                unsafe { raw::$end(self.handle) };
            }
        }
    };
}

shared!(Store, stele_close);
shared!(Server, stele_serve_end);

fn flag(on: bool, bit: u32) -> u32 {
    if on {
        bit
    } else {
        0
    }
}

impl Store {
    /// Opens the store in a directory, which is made if absent.
    pub fn open(path: impl AsRef<Path>) -> Result<Store> {
        Store::open_with(path, &OpenOptions::default())
    }

    /// Opens the store in a directory.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Store> {
        let path = path.as_ref().as_os_str().as_encoded_bytes();
        let options = raw::stele_options {
            size: size_of::<raw::stele_options>(),
            flags: flag(options.read_only, raw::STELE_READ_ONLY) | flag(options.must_exist, raw::STELE_MUST_EXIST),
            event_bytes: options.event_bytes,
            batch_bytes: options.batch_bytes,
            memory_bytes: options.memory_bytes,
            journal_bytes: options.journal_bytes,
            cache_bytes: options.cache_bytes,
            document_bytes: options.document_bytes,
            min_free_bytes: options.min_free_bytes,
            open_files: options.open_files,
            reserved: 0,
        };
        let mut handle = 0;
        // SAFETY: the path has the length that is given.
        check(unsafe { raw::stele_open(path.as_ptr().cast(), path.len(), &options, &mut handle) })?;
        Ok(Store { handle })
    }

    /// Seals what is in the journal into segments. What was acknowledged is durable without it.
    pub fn flush(&self) -> Result<()> {
        // SAFETY: handles are numbers; any is allowed.
        check(unsafe { raw::stele_flush(self.handle) }).map(drop)
    }

    /// A JSON object with StoreId, Events and so on.
    pub fn statistics(&self) -> Result<String> {
        // SAFETY: fetch gives a buffer and its length.
        fetch(|buffer, len, actual| unsafe { raw::stele_statistics(self.handle, buffer.cast(), len, actual) })
    }

    /// Begins a write: nothing of it is seen before [`Writer::commit`].
    pub fn write(&self) -> Result<Writer> {
        self.write_with(&WriteOptions::default())
    }

    /// Begins a write.
    pub fn write_with(&self, options: &WriteOptions<'_>) -> Result<Writer> {
        let (id, id_len) = optional(options.id);
        let options = raw::stele_write_options {
            size: size_of::<raw::stele_write_options>(),
            flags: flag(options.partial, raw::STELE_WRITE_PARTIAL) | flag(options.bind_thread, raw::STELE_BIND_THREAD),
            reserved: 0,
            id,
            id_len,
        };
        let mut handle = 0;
        // SAFETY: the options live until the call returns.
        check(unsafe { raw::stele_write_begin(self.handle, &options, &mut handle) })?;
        Ok(Writer::from_handle(handle))
    }

    /// Stores lines of CLEF as one write.
    pub fn append(&self, clef: &str) -> Result<Vec<Key>> {
        let mut writer = self.write()?;
        writer.append(clef)?;
        writer.commit()
    }

    /// Reads all events, oldest first.
    pub fn read(&self) -> Result<Events> {
        self.read_with(&ReadOptions::default())
    }

    /// Reads events.
    pub fn read_with(&self, options: &ReadOptions<'_>) -> Result<Events> {
        self.begin_read(options).map(Events::from)
    }

    /// Begins to read, into the caller's buffers.
    pub fn begin_read(&self, options: &ReadOptions<'_>) -> Result<Reader> {
        let range = options.range.to_raw();
        let (filter, filter_len) = optional(options.filter);
        let options = raw::stele_read_options {
            size: size_of::<raw::stele_read_options>(),
            range: &range,
            filter,
            filter_len,
            limit: options.limit,
            ordering: if options.descending { raw::STELE_DESCENDING } else { raw::STELE_ASCENDING },
            flags: flag(options.read_ahead, raw::STELE_READ_AHEAD) | flag(options.bind_thread, raw::STELE_BIND_THREAD),
        };
        let mut handle = 0;
        // SAFETY: the options live until the call returns.
        check(unsafe { raw::stele_read_begin(self.handle, &options, &mut handle) })?;
        Ok(Reader::from_handle(handle))
    }

    /// One event, as CLEF.
    pub fn get(&self, key: &Key) -> Result<String> {
        // SAFETY: fetch gives a buffer and its length.
        fetch(|buffer, len, actual| unsafe { raw::stele_get(self.handle, &key.to_raw(), buffer.cast(), len, actual) })
    }

    /// Deletes the events of these keys, durably and all at once, and tells how many there were.
    pub fn delete_keys(&self, keys: &[Key]) -> Result<u64> {
        let mut deleted = 0;
        // SAFETY: a Key is transparent over the bytes of a stele_key, and there are as many as given.
        check(unsafe { raw::stele_delete_keys(self.handle, keys.as_ptr().cast(), keys.len(), &mut deleted) })?;
        Ok(deleted)
    }

    /// Deletes the events of a range that a filter selects, durably and all at once, and tells how many there were.
    pub fn delete(&self, range: &Range, filter: Option<&str>) -> Result<u64> {
        let (filter, filter_len) = optional(filter);
        let mut deleted = 0;
        // SAFETY: the filter has the length that is given.
        check(unsafe { raw::stele_delete(self.handle, &range.to_raw(), filter, filter_len, &mut deleted) })?;
        Ok(deleted)
    }

    /// Stores a JSON value under a key, in place of what was there, durably.
    pub fn set_document(&self, key: &str, json: &str) -> Result<()> {
        // SAFETY: the texts have the lengths that are given.
        check(unsafe { raw::stele_document_set(self.handle, key.as_ptr().cast(), key.len(), json.as_ptr().cast(), json.len()) }).map(drop)
    }

    /// A document, byte for byte as it was set.
    pub fn document(&self, key: &str) -> Result<String> {
        // SAFETY: fetch gives a buffer and its length.
        fetch(|buffer, len, actual| unsafe { raw::stele_document_get(self.handle, key.as_ptr().cast(), key.len(), buffer.cast(), len, actual) })
    }

    /// Deletes a document, durably.
    pub fn delete_document(&self, key: &str) -> Result<()> {
        // SAFETY: the key has the length that is given.
        check(unsafe { raw::stele_document_delete(self.handle, key.as_ptr().cast(), key.len()) }).map(drop)
    }

    /// The documents whose keys begin with a prefix: JSON objects with Key, Bytes, Changed and Version.
    pub fn documents(&self, prefix: &str) -> Result<Lines> {
        // SAFETY: the prefix has the length that is given.
        self.rows(|rows| unsafe { raw::stele_document_list(self.handle, prefix.as_ptr().cast(), prefix.len(), rows) }).map(Lines::from)
    }

    /// Asks in the query language. Each row is a JSON list with a value for each column.
    pub fn query(&self, query: &str) -> Result<Lines> {
        self.query_with(query, &QueryOptions::default())
    }

    /// Asks in the query language.
    pub fn query_with(&self, query: &str, options: &QueryOptions<'_>) -> Result<Lines> {
        self.begin_query(query, options).map(Lines::from)
    }

    /// Begins a query, into the caller's buffers.
    pub fn begin_query(&self, query: &str, options: &QueryOptions<'_>) -> Result<Rows> {
        let range = options.range.to_raw();
        let (filter, filter_len) = optional(options.filter);
        let options = raw::stele_query_options {
            size: size_of::<raw::stele_query_options>(),
            range: &range,
            filter,
            filter_len,
            memory_bytes: options.memory_bytes,
            timeout_ms: options.timeout.map_or(0, |t| milliseconds(Some(t)).max(1)),
            flags: flag(options.bind_thread, raw::STELE_BIND_THREAD),
        };
        // SAFETY: the texts have the lengths that are given, and the options live until the call returns.
        self.rows(|rows| unsafe { raw::stele_query_begin(self.handle, query.as_ptr().cast(), query.len(), &options, rows) })
    }

    /// Follows the store from its first event on.
    pub fn follow(&self) -> Result<Following> {
        self.follow_with(&TailOptions::default())
    }

    /// Follows the store.
    pub fn follow_with(&self, options: &TailOptions<'_>) -> Result<Following> {
        self.begin_tail(options).map(Following::from)
    }

    /// Begins to follow the store, into the caller's buffers.
    pub fn begin_tail(&self, options: &TailOptions<'_>) -> Result<Tail> {
        let (filter, filter_len) = optional(options.filter);
        let options = raw::stele_tail_options {
            size: size_of::<raw::stele_tail_options>(),
            after: options.after,
            filter,
            filter_len,
            flags: flag(options.bind_thread, raw::STELE_BIND_THREAD),
            reserved: 0,
        };
        let mut handle = 0;
        // SAFETY: the options live until the call returns.
        check(unsafe { raw::stele_tail_begin(self.handle, &options, &mut handle) })?;
        Ok(Tail::from_handle(handle))
    }

    /// Checks every byte that the store consists of: one JSON object, with the Damage found.
    pub fn verify(&self) -> Result<Lines> {
        // SAFETY: rows gives a pointer to a number.
        self.rows(|rows| unsafe { raw::stele_verify(self.handle, rows) }).map(Lines::from)
    }

    /// Makes a backup in a directory of backups, of which `keep` are kept (0: all): one JSON object that describes it.
    pub fn backup(&self, directory: impl AsRef<Path>, keep: u32) -> Result<Lines> {
        let directory = directory.as_ref().as_os_str().as_encoded_bytes();
        // SAFETY: the directory has the length that is given.
        self.rows(|rows| unsafe { raw::stele_backup(self.handle, directory.as_ptr().cast(), directory.len(), keep, rows) }).map(Lines::from)
    }

    /// Serves the HTTP API and the page of this store. When it returns the sockets listen.
    pub fn serve(&self, options: &ServeOptions<'_>) -> Result<Server> {
        let (urls, urls_len) = optional(options.urls);
        let (instance, instance_len) = optional(options.instance);
        let options = raw::stele_serve_options { size: size_of::<raw::stele_serve_options>(), urls, urls_len, instance, instance_len, flags: 0, reserved: 0 };
        let mut handle = 0;
        // SAFETY: the options live until the call returns.
        check(unsafe { raw::stele_serve_begin(self.handle, &options, &mut handle) })?;
        Ok(Server { handle })
    }

    fn rows(&self, begin: impl FnOnce(*mut u64) -> raw::stele_result) -> Result<Rows> {
        let mut handle = 0;
        check(begin(&mut handle))?;
        Ok(Rows::from_handle(handle))
    }
}

impl Server {
    /// What is listened on, `;` between, with the ports that were taken.
    pub fn urls(&self) -> Result<String> {
        // SAFETY: fetch gives a buffer and its length.
        fetch(|buffer, len, actual| unsafe { raw::stele_serve_urls(self.handle, buffer.cast(), len, actual) })
    }
}
