#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod error;
mod handles;
mod iterators;
mod key;
mod options;
pub mod raw;
mod store;

pub use error::{Code, Error, Result};
pub use handles::{Canceller, Reader, Rows, Step, Tail, Writer};
pub use iterators::{Event, EventRef, Events, Following, Lines};
pub use key::{Key, Position, Range};
pub use options::{OpenOptions, QueryOptions, ReadOptions, ServeOptions, TailOptions, WriteOptions};
pub use store::{Server, Store};

/// The version of the product, such as `0.3.0`.
pub fn version() -> Result<String> {
    let mut info = raw::stele_version_info { size: std::mem::size_of::<raw::stele_version_info>(), abi: 0, reserved: 0, text: [0; 64] };
    // SAFETY: the struct has the size that it says.
    error::check(unsafe { raw::stele_version(&mut info) })?;
    Ok(info.text.iter().take_while(|c| **c != 0).map(|c| *c as u8 as char).collect())
}
