//! Keys of events, and ranges of them.

use crate::error::{check, Error, Result};
use crate::raw;
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Names an event and orders it: first the instant, then the arrival number. Its text form is `event-` and 32 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// Nanoseconds since 1970.
    pub fn instant(&self) -> i64 {
        (u128::from_be_bytes(self.0) >> 64) as i64 ^ i64::MIN
    }

    /// The instant as a point in time.
    pub fn time(&self) -> SystemTime {
        let nanoseconds = Duration::from_nanos(self.instant().unsigned_abs());
        if self.instant() < 0 {
            UNIX_EPOCH - nanoseconds
        } else {
            UNIX_EPOCH + nanoseconds
        }
    }

    /// The arrival number, on which [tails](crate::TailOptions) go on.
    pub fn arrival(&self) -> u64 {
        u128::from_be_bytes(self.0) as u64
    }

    pub(crate) fn to_raw(self) -> raw::stele_key {
        raw::stele_key { bytes: self.0 }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event-{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Key> {
        let mut key = raw::stele_key { bytes: [0; 16] };
        // SAFETY: the text has the length that is given.
        check(unsafe { raw::stele_key_parse(text.as_ptr().cast(), text.len(), &mut key) })?;
        Ok(Key(key.bytes))
    }
}

/// Where a range begins or ends: at an event or at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// At the event of this key.
    Key(Key),
    /// Nanoseconds since 1970.
    Instant(i64),
}

impl From<Key> for Position {
    fn from(key: Key) -> Position {
        Position::Key(key)
    }
}

impl From<SystemTime> for Position {
    /// What a key cannot hold (before 1677, after 2262) becomes the nearest that it can.
    fn from(time: SystemTime) -> Position {
        Position::Instant(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
        })
    }
}

/// Bounds on the keys of events, made of any of Rust's ranges. The default has every event.
///
/// ```
/// use stele::{Key, Range};
/// use std::time::{Duration, SystemTime};
/// let hour_ago = SystemTime::now() - Duration::from_secs(3600);
/// let last_hour = Range::of(hour_ago..);
/// let up_to_key = Range::of(..=Key::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The lower end.
    pub from: Bound<Position>,
    /// The upper end.
    pub to: Bound<Position>,
}

impl Default for Range {
    fn default() -> Range {
        Range { from: Bound::Unbounded, to: Bound::Unbounded }
    }
}

impl Range {
    /// The range with these ends.
    pub fn of<P: Into<Position> + Copy>(bounds: impl RangeBounds<P>) -> Range {
        let position = |bound: Bound<&P>| match bound {
            Bound::Included(&p) => Bound::Included(p.into()),
            Bound::Excluded(&p) => Bound::Excluded(p.into()),
            Bound::Unbounded => Bound::Unbounded,
        };
        Range { from: position(bounds.start_bound()), to: position(bounds.end_bound()) }
    }

    pub(crate) fn to_raw(self) -> raw::stele_range {
        raw::stele_range { from: bound(self.from), to: bound(self.to) }
    }
}

fn bound(b: Bound<Position>) -> raw::stele_bound {
    let (kind, position) = match b {
        Bound::Unbounded => (raw::STELE_UNBOUNDED, Position::Instant(0)),
        Bound::Included(p @ Position::Key(_)) => (raw::STELE_INCLUSIVE_KEY, p),
        Bound::Excluded(p @ Position::Key(_)) => (raw::STELE_EXCLUSIVE_KEY, p),
        Bound::Included(p @ Position::Instant(_)) => (raw::STELE_INCLUSIVE_INSTANT, p),
        Bound::Excluded(p @ Position::Instant(_)) => (raw::STELE_EXCLUSIVE_INSTANT, p),
    };
    let (instant, key) = match position {
        Position::Key(key) => (0, key),
        Position::Instant(instant) => (instant, Key::default()),
    };
    raw::stele_bound { kind, reserved: 0, instant, key: key.to_raw() }
}
