//! Options of calls. What is left at its default is the library's default; `include/stele.h` says which.

use crate::key::Range;
use std::time::Duration;

/// How to open a store.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Without the right to write; several processes may do so while none writes.
    pub read_only: bool,
    /// Fail with [`Code::NotFound`](crate::Code::NotFound) if there is no store, rather than make one.
    pub must_exist: bool,
    /// Most bytes of one event's text.
    pub event_bytes: u32,
    /// Most bytes of one write's text.
    pub batch_bytes: u64,
    /// About how much memory the store is to get along with.
    pub memory_bytes: u64,
    /// Size at which the journal is sealed into a segment.
    pub journal_bytes: u64,
    /// Memory for blocks that stay decoded.
    pub cache_bytes: u64,
    /// Most bytes of one document.
    pub document_bytes: u64,
    /// Writes are refused while the disk has less free.
    pub min_free_bytes: i64,
    /// Files of segments kept open at a time.
    pub open_files: u32,
}

/// How to write.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions<'a> {
    /// A refused append does not make the commit fail.
    pub partial: bool,
    /// Of the batch: if one of the same id was stored in the last ten minutes, nothing is stored, and the keys are that one's.
    pub id: Option<&'a str>,
    /// Calls of other threads fail.
    pub bind_thread: bool,
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions<'a> {
    /// Which keys.
    pub range: Range,
    /// Which events: an expression of the query language.
    pub filter: Option<&'a str>,
    /// Most events; 0 is all.
    pub limit: u64,
    /// Newest first.
    pub descending: bool,
    /// Another thread reads on while the caller uses what came.
    pub read_ahead: bool,
    /// Calls of other threads fail.
    pub bind_thread: bool,
}

/// How to query.
#[derive(Clone, Debug, Default)]
pub struct QueryOptions<'a> {
    /// Which keys, beside the query's where clause.
    pub range: Range,
    /// Which events, likewise.
    pub filter: Option<&'a str>,
    /// Most memory that the result may take while it is made.
    pub memory_bytes: u64,
    /// Over it the query fails with [`Code::Exhausted`](crate::Code::Exhausted).
    pub timeout: Option<Duration>,
    /// Calls of other threads fail.
    pub bind_thread: bool,
}

/// What to follow.
#[derive(Clone, Debug, Default)]
pub struct TailOptions<'a> {
    /// Arrival number: what arrived later. 0 is everything, [`FROM_NOW`](TailOptions::FROM_NOW) nothing that is there already.
    pub after: u64,
    /// Which events: an expression of the query language.
    pub filter: Option<&'a str>,
    /// Calls of other threads fail.
    pub bind_thread: bool,
}

impl TailOptions<'_> {
    /// Nothing that is there already.
    pub const FROM_NOW: u64 = crate::raw::STELE_FROM_NOW;
}

/// What to listen on.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions<'a> {
    /// `;` between them; port 0 takes a free one. Without it `http://localhost:5341`.
    pub urls: Option<&'a str>,
    /// The name that the page shows.
    pub instance: Option<&'a str>,
}
