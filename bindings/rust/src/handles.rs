//! The handles but for the store: each owns one number, ends it when dropped, and has the calls as they are in C, checked.

use crate::error::{check, Error, Result};
use crate::key::Key;
use crate::raw;
use std::cell::Cell;
use std::marker::PhantomData;
use std::time::Duration;

/// What a call into the caller's buffer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// It is in the buffer.
    Got(T),
    /// There is no more.
    Done,
    /// Nothing came in the time given; ask again.
    TimedOut,
    /// The buffer needs as many bytes (or keys); nothing else happened.
    TooSmall(usize),
}

impl<T> Step<T> {
    /// Makes a step of a result that [`check`] let pass.
    fn of(result: raw::stele_result, needed: usize, got: T) -> Step<T> {
        match result {
            raw::STELE_DONE => Step::Done,
            raw::STELE_TIMED_OUT => Step::TimedOut,
            raw::STELE_BUFFER_TOO_SMALL => Step::TooSmall(needed),
            _ => Step::Got(got),
        }
    }
}

/// Calls `get(buffer, length, &mut actual)` with larger buffers until the text fits.
pub(crate) fn fetch(mut get: impl FnMut(*mut u8, usize, &mut usize) -> raw::stele_result) -> Result<String> {
    let mut actual = 0;
    let mut text = vec![0u8; 512];
    while check(get(text.as_mut_ptr(), text.len(), &mut actual))? == raw::STELE_BUFFER_TOO_SMALL {
        text.resize(actual, 0);
    }
    text.truncate(actual);
    String::from_utf8(text).map_err(|e| Error::new(raw::STELE_INTERNAL, &format!("a text from the library is not UTF-8: {e}")))
}

pub(crate) fn optional(text: Option<&str>) -> (*const std::os::raw::c_char, usize) {
    text.map_or((std::ptr::null(), 0), |t| (t.as_ptr().cast(), t.len()))
}

/// Milliseconds as C has them, rounded up; `None` is for ever.
pub(crate) fn milliseconds(timeout: Option<Duration>) -> u32 {
    timeout.map_or(u32::MAX, |t| u32::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).min(u32::MAX - 1))
}

/// Tells an exclusive handle from any thread to give up.
///
/// ```
/// fn shared<T: Send + Sync + Copy>() {}
/// shared::<stele::Canceller>();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Canceller(u64);

impl Canceller {
    /// Makes the call that is inside, and every later one but the end, fail with [`Code::Canceled`](crate::Code::Canceled).
    pub fn cancel(&self) -> Result<()> {
        // SAFETY: handles are numbers; any is allowed.
        check(unsafe { raw::stele_cancel(self.0) }).map(drop)
    }
}

macro_rules! exclusive {
    ($(#[$doc:meta])* $name:ident, $end:ident, $(#[$end_doc:meta])* $end_name:ident) => {
        $(#[$doc])*
        ///
        /// One thread at a time uses it, whichever it is: it is `Send` and not `Sync`.
        #[derive(Debug)]
        pub struct $name {
            handle: u64,
            exclusive: PhantomData<Cell<()>>,
        }

        impl $name {
            /// Takes over a handle. Any number is allowed: the library knows which are handles.
            pub fn from_handle(handle: u64) -> $name {
                $name { handle, exclusive: PhantomData }
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

            /// What ends it from other threads.
            pub fn canceller(&self) -> Canceller {
                Canceller(self.handle)
            }

            $(#[$end_doc])*
            pub fn $end_name(self) -> Result<()> {
                // SAFETY: handles are numbers; any is allowed.
                check(unsafe { raw::$end(self.into_handle()) }).map(drop)
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

exclusive! {
    /// A batch of events on its way in. Dropped, it stores nothing.
    ///
    /// ```compile_fail
    /// fn sync<T: Sync>() {}
    /// sync::<stele::Writer>();
    /// ```
    Writer, stele_write_abandon,
    /// Gives the write up: nothing of it is stored.
    abandon
}

exclusive! {
    /// Events in the order of their keys, one call each. See [`Events`](crate::Events) for the iterator.
    ///
    /// ```compile_fail
    /// fn sync<T: Sync>() {}
    /// sync::<stele::Reader>();
    /// ```
    Reader, stele_read_end,
    /// Ends the reader, and fails if something was passed over on the way; it is gone all the same.
    end
}

exclusive! {
    /// Rows of JSON. See [`Lines`](crate::Lines) for the iterator.
    ///
    /// ```compile_fail
    /// fn sync<T: Sync>() {}
    /// sync::<stele::Rows>();
    /// ```
    Rows, stele_rows_end,
    /// Ends the result, and fails if something was passed over on the way; it is gone all the same.
    end
}

exclusive! {
    /// Events as they arrive. See [`Following`](crate::Following) for the iterator.
    ///
    /// ```compile_fail
    /// fn sync<T: Sync>() {}
    /// sync::<stele::Tail>();
    /// ```
    Tail, stele_tail_end,
    /// Ends the tail, and fails if something was passed over on the way; it is gone all the same.
    end
}

impl Writer {
    /// Adds lines of CLEF: all of them or none.
    pub fn append(&mut self, clef: &str) -> Result<()> {
        // SAFETY: the text has the length that is given.
        check(unsafe { raw::stele_write_append(self.handle, clef.as_ptr().cast(), clef.len()) }).map(drop)
    }

    /// Stores what was added, durably and at once, and gives the keys in the order in which the events were added.
    pub fn commit(mut self) -> Result<Vec<Key>> {
        let mut keys = vec![Key::default(); 64];
        loop {
            match self.commit_into(&mut keys)? {
                Step::TooSmall(count) => keys.resize(count, Key::default()),
                Step::Got(count) => {
                    keys.truncate(count);
                    self.into_handle(); // it is gone
                    return Ok(keys);
                }
                Step::Done | Step::TimedOut => unreachable!("a write ends or does not"),
            }
        }
    }

    /// The same into the caller's keys, giving their number. Too few of them, and the write goes on.
    pub fn commit_into(&mut self, keys: &mut [Key]) -> Result<Step<usize>> {
        let mut count = 0;
        // SAFETY: a Key is transparent over the bytes of a stele_key, and there are as many as given.
        let result = unsafe { raw::stele_write_end(self.handle, keys.as_mut_ptr().cast(), keys.len(), &mut count) };
        Ok(Step::of(check(result)?, count, count))
    }
}

impl Reader {
    /// The next event: its key, and the length of its text in the buffer.
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Step<(Key, usize)>> {
        let (mut key, mut actual) = (Key::default(), 0);
        // SAFETY: the buffer has the length that is given; a Key is transparent over a stele_key's bytes.
        let result = unsafe { raw::stele_read_next(self.handle, std::ptr::addr_of_mut!(key).cast(), buffer.as_mut_ptr().cast(), buffer.len(), &mut actual) };
        Ok(Step::of(check(result)?, actual, (key, actual)))
    }

    /// As many records ([`raw::stele_record`]) as fit: their bytes and their number.
    pub fn next_batch_into(&mut self, buffer: &mut [u8]) -> Result<Step<(usize, usize)>> {
        let (mut actual, mut count) = (0, 0);
        // SAFETY: the buffer has the length that is given.
        let result = unsafe { raw::stele_read_next_batch(self.handle, buffer.as_mut_ptr().cast(), buffer.len(), &mut actual, &mut count) };
        Ok(Step::of(check(result)?, actual, (actual, count)))
    }
}

impl Rows {
    /// The next row: the length of its text in the buffer.
    pub fn next_into(&mut self, buffer: &mut [u8]) -> Result<Step<usize>> {
        let mut actual = 0;
        // SAFETY: the buffer has the length that is given.
        let result = unsafe { raw::stele_rows_next(self.handle, buffer.as_mut_ptr().cast(), buffer.len(), &mut actual) };
        Ok(Step::of(check(result)?, actual, actual))
    }

    /// As many records ([`raw::stele_record`]) as fit: their bytes and their number.
    pub fn next_batch_into(&mut self, buffer: &mut [u8]) -> Result<Step<(usize, usize)>> {
        let (mut actual, mut count) = (0, 0);
        // SAFETY: the buffer has the length that is given.
        let result = unsafe { raw::stele_rows_next_batch(self.handle, buffer.as_mut_ptr().cast(), buffer.len(), &mut actual, &mut count) };
        Ok(Step::of(check(result)?, actual, (actual, count)))
    }

    /// A JSON object with Columns and, after the last row, Statistics.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: fetch gives a buffer and its length.
        fetch(|buffer, len, actual| unsafe { raw::stele_rows_describe(self.handle, buffer.cast(), len, actual) })
    }
}

impl Tail {
    /// The next event, waited for: its key, and the length of its text in the buffer. `None` waits for ever.
    pub fn next_into(&mut self, timeout: Option<Duration>, buffer: &mut [u8]) -> Result<Step<(Key, usize)>> {
        let (mut key, mut actual) = (Key::default(), 0);
        // SAFETY: the buffer has the length that is given; a Key is transparent over a stele_key's bytes.
        let result = unsafe { raw::stele_tail_next(self.handle, milliseconds(timeout), std::ptr::addr_of_mut!(key).cast(), buffer.as_mut_ptr().cast(), buffer.len(), &mut actual) };
        Ok(Step::of(check(result)?, actual, (key, actual)))
    }

    /// As many records ([`raw::stele_record`]) as are there and fit: their bytes and their number.
    pub fn next_batch_into(&mut self, timeout: Option<Duration>, buffer: &mut [u8]) -> Result<Step<(usize, usize)>> {
        let (mut actual, mut count) = (0, 0);
        // SAFETY: the buffer has the length that is given.
        let result = unsafe { raw::stele_tail_next_batch(self.handle, milliseconds(timeout), buffer.as_mut_ptr().cast(), buffer.len(), &mut actual, &mut count) };
        Ok(Step::of(check(result)?, actual, (actual, count)))
    }

    /// The arrival number after which to go on.
    pub fn position(&self) -> Result<u64> {
        let mut arrival = 0;
        // SAFETY: the pointer is to a number of ours.
        check(unsafe { raw::stele_tail_position(self.handle, &mut arrival) })?;
        Ok(arrival)
    }
}
