//! The iterators: they fetch up to 256 KiB of records a call and unpack them here.

use crate::error::{Error, Result};
use crate::handles::{Canceller, Reader, Rows, Step, Tail};
use crate::key::Key;
use crate::raw;
use std::mem::size_of;
use std::time::Duration;

/// An event with its text, one JSON object in CLEF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its key.
    pub key: Key,
    /// Its text.
    pub clef: String,
}

/// An event whose text is the iterator's, until the next one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// Its key.
    pub key: Key,
    /// Its text.
    pub clef: &'a str,
}

impl From<EventRef<'_>> for Event {
    fn from(event: EventRef<'_>) -> Event {
        Event { key: event.key, clef: event.clef.to_owned() }
    }
}

/// Records that came in one call, and where in them we are.
#[derive(Debug, Default)]
struct Batch {
    memory: Vec<u8>,
    next: usize,
    left: usize,
}

impl Batch {
    /// Fills itself if it is empty, with a larger buffer if one record needs it. False: nothing came.
    fn fill(&mut self, mut get: impl FnMut(&mut [u8]) -> Result<Step<(usize, usize)>>) -> Result<bool> {
        if self.left > 0 {
            return Ok(true);
        }
        if self.memory.is_empty() {
            self.memory = vec![0; 256 << 10];
        }
        loop {
            match get(&mut self.memory)? {
                Step::Got((_, count)) => {
                    (self.next, self.left) = (0, count);
                    return Ok(true);
                }
                Step::TooSmall(needed) => self.memory = vec![0; needed],
                Step::Done | Step::TimedOut => return Ok(false),
            }
        }
    }

    /// The next record of a batch that is not empty: a `stele_record`, then its text.
    fn take(&mut self) -> Result<EventRef<'_>> {
        let (header, text) = self.memory[self.next..].split_at(size_of::<raw::stele_record>());
        let number = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
        let mut key = Key::default();
        key.0.copy_from_slice(&header[..16]);
        self.next += number(20);
        self.left -= 1;
        match std::str::from_utf8(&text[..number(16)]) {
            Ok(clef) => Ok(EventRef { key, clef }),
            Err(e) => Err(Error::new(raw::STELE_INTERNAL, &format!("a text from the library is not UTF-8: {e}"))),
        }
    }
}

/// Gives what an iterator gives of what a step gave, and none after a failure.
fn item<T>(over: &mut bool, step: Result<Option<T>>) -> Option<Result<T>> {
    *over = !matches!(step, Ok(Some(_)));
    step.transpose()
}

/// The events that a read gives. If something was passed over on the way, the last item is the failure that says so.
#[derive(Debug)]
pub struct Events {
    reader: Reader,
    batch: Batch,
    over: bool,
}

impl From<Reader> for Events {
    fn from(reader: Reader) -> Events {
        Events { reader, batch: Batch::default(), over: false }
    }
}

impl Events {
    /// The next event without a copy of its text, or none after the last.
    pub fn next_event(&mut self) -> Result<Option<EventRef<'_>>> {
        if !self.batch.fill(|buffer| self.reader.next_batch_into(buffer))? {
            return Ok(None);
        }
        self.batch.take().map(Some)
    }

    /// What ends it from other threads.
    pub fn canceller(&self) -> Canceller {
        self.reader.canceller()
    }

    /// Ends the read, and fails if something was passed over on the way.
    pub fn end(self) -> Result<()> {
        self.reader.end()
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        if self.over {
            return None;
        }
        let step = self.next_event().map(|event| event.map(Event::from));
        item(&mut self.over, step)
    }
}

/// The rows that a query, a list, a check or a backup gives, each a text of JSON.
#[derive(Debug)]
pub struct Lines {
    rows: Rows,
    batch: Batch,
    over: bool,
}

impl From<Rows> for Lines {
    fn from(rows: Rows) -> Lines {
        Lines { rows, batch: Batch::default(), over: false }
    }
}

impl Lines {
    /// The next row without a copy of its text, or none after the last.
    pub fn next_row(&mut self) -> Result<Option<&str>> {
        if !self.batch.fill(|buffer| self.rows.next_batch_into(buffer))? {
            return Ok(None);
        }
        self.batch.take().map(|record| Some(record.clef))
    }

    /// A JSON object with Columns and, after the last row, Statistics.
    pub fn describe(&self) -> Result<String> {
        self.rows.describe()
    }

    /// What ends it from other threads.
    pub fn canceller(&self) -> Canceller {
        self.rows.canceller()
    }

    /// Ends the result, and fails if something was passed over on the way.
    pub fn end(self) -> Result<()> {
        self.rows.end()
    }
}

impl Iterator for Lines {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        if self.over {
            return None;
        }
        let step = self.next_row().map(|row| row.map(str::to_owned));
        item(&mut self.over, step)
    }
}

/// The events of a store as they arrive. Its iterator waits for more without end; a [`Canceller`], or the store's close, makes it fail and end.
#[derive(Debug)]
pub struct Following {
    tail: Tail,
    batch: Batch,
    given: Key,
    over: bool,
}

impl From<Tail> for Following {
    fn from(tail: Tail) -> Following {
        Following { tail, batch: Batch::default(), given: Key::default(), over: false }
    }
}

impl Following {
    /// The next event without a copy of its text, or none if none came in time. `None` waits for ever.
    pub fn next_event(&mut self, timeout: Option<Duration>) -> Result<Option<EventRef<'_>>> {
        while !self.batch.fill(|buffer| self.tail.next_batch_into(timeout, buffer))? {
            if timeout.is_some() {
                return Ok(None);
            }
        }
        let event = self.batch.take()?;
        self.given = event.key;
        Ok(Some(event))
    }

    /// The arrival number after which to go on: nothing that was not given is skipped.
    pub fn position(&self) -> Result<u64> {
        if self.batch.left > 0 {
            return Ok(self.given.arrival());
        }
        self.tail.position()
    }

    /// What ends it from other threads.
    pub fn canceller(&self) -> Canceller {
        self.tail.canceller()
    }

    /// Ends the tail, and fails if something was passed over on the way.
    pub fn end(self) -> Result<()> {
        self.tail.end()
    }
}

impl Iterator for Following {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        if self.over {
            return None;
        }
        let step = self.next_event(None).map(|event| event.map(Event::from));
        item(&mut self.over, step)
    }
}
