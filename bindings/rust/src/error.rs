//! What a call failed with.

use crate::raw;
use std::fmt;

/// A result with a failure in it: see [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What a call failed with: `Display` gives the whole text, the causes on lines of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which failure it is.
    pub code: Code,
    /// What happened, to what, and what to do.
    pub message: String,
    /// The causes, the nearest first.
    pub causes: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, "\ncaused by: {cause}"))
    }
}

impl std::error::Error for Error {}

impl Error {
    pub(crate) fn new(code: raw::stele_result, text: &str) -> Error {
        let mut parts = text.split("\ncaused by: ").map(str::to_owned);
        Error { code: Code::from(code), message: parts.next().unwrap_or_default(), causes: parts.collect() }
    }

    /// The last failure on this thread, with the number that grows with every failure in the process.
    pub fn last() -> Option<(Error, u64)> {
        let (mut code, mut id, mut actual) = (0, 0, 0);
        let mut text = vec![0u8; 512];
        loop {
            // SAFETY: the buffer has the length that is given.
            match unsafe { raw::stele_last_error(&mut code, &mut id, text.as_mut_ptr().cast(), text.len(), &mut actual) } {
                raw::STELE_OK => return Some((Error::new(code, &String::from_utf8_lossy(&text[..actual])), id)),
                raw::STELE_BUFFER_TOO_SMALL => text.resize(actual, 0),
                _ => return None,
            }
        }
    }
}

/// Makes an error of what is one. The first four results are none and are returned.
pub(crate) fn check(result: raw::stele_result) -> Result<raw::stele_result> {
    if result < raw::STELE_ARGUMENT_NULL {
        return Ok(result);
    }
    Err(Error::last().map_or_else(|| Error::new(result, ""), |(error, _)| Error { code: Code::from(result), ..error }))
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $raw:ident,)*) => {
        /// The results that are failures.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// One that this version of the crate does not know.
            Other(i32),
        }

        impl From<raw::stele_result> for Code {
            fn from(result: raw::stele_result) -> Code {
                match result {
                    $(raw::$raw => Code::$name,)*
                    other => Code::Other(other),
                }
            }
        }

        impl Code {
            /// The number that C has for it.
            pub fn result(self) -> raw::stele_result {
                match self {
                    $(Code::$name => raw::$raw,)*
                    Code::Other(other) => other,
                }
            }

            /// The name that C has for it, such as `STELE_NOT_FOUND`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$name => stringify!($raw),)*
                    Code::Other(_) => "STELE_UNKNOWN",
                }
            }
        }
    };
}

codes! {
    /// A pointer that has to be given is NULL.
    ArgumentNull = STELE_ARGUMENT_NULL,
    /// Closed before, of another kind, or none at all.
    InvalidHandle = STELE_INVALID_HANDLE,
    /// Another thread is inside an exclusive handle.
    Busy = STELE_BUSY,
    /// The handle is bound to the thread that made it.
    WrongThread = STELE_WRONG_THREAD,
    /// This process was forked from the one that loaded the library.
    Forked = STELE_FORKED,
    /// The caller's input is wrong; giving it again will not help.
    Invalid = STELE_INVALID,
    /// What was named does not exist.
    NotFound = STELE_NOT_FOUND,
    /// The store was closed meanwhile.
    Closed = STELE_CLOSED,
    /// Starting or stopping; try again.
    Unavailable = STELE_UNAVAILABLE,
    /// Another process has the store.
    Locked = STELE_LOCKED,
    /// The disk is full; the store goes on when there is room.
    Full = STELE_FULL,
    /// Over a limit.
    TooLarge = STELE_TOO_LARGE,
    /// A budget of memory or of time ran out.
    Exhausted = STELE_EXHAUSTED,
    /// A [`Canceller`](crate::Canceller) ended it.
    Canceled = STELE_CANCELED,
    /// Not allowed, as writing to a store opened read-only.
    Denied = STELE_DENIED,
    /// A newer format, or something that this version does not know.
    Unsupported = STELE_UNSUPPORTED,
    /// Data on disk is damaged.
    Corrupt = STELE_CORRUPT,
    /// The file system failed.
    Io = STELE_IO,
    /// A defect in Stele; the handle is of no use any more, the store is.
    Internal = STELE_INTERNAL,
}
