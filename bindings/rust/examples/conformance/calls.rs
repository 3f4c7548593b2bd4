//! Calls of the raw floor by name, as numbers.

use crate::script::{fail, to_keys, to_number, Script, Words};
use std::ffi::CStr;
use stele::raw;

type Function = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64) -> raw::stele_result;

macro_rules! functions {
    ($($name:ident)*) => {
        fn function(name: &str) -> Function {
            let address = match format!("stele_{name}").as_str() {
                $(stringify!($name) => raw::$name as *const (),)*
                _ => fail(&format!("no such function: {name}")),
            };
            // SAFETY: where scripts are run, numbers and pointers alike are a register each, and registers that a function does not have do not matter to it.
            unsafe { std::mem::transmute(address) }
        }
    };
}

functions! {
    stele_version stele_last_error stele_host stele_cancel stele_key_parse stele_key_format stele_key_parts
    stele_open stele_close stele_flush stele_statistics stele_verify stele_backup
    stele_write_begin stele_write_append stele_write_end stele_write_abandon
    stele_read_begin stele_read_next stele_read_next_batch stele_read_end stele_get stele_delete_keys stele_delete
    stele_document_set stele_document_get stele_document_delete stele_document_list
    stele_query_begin stele_rows_describe stele_rows_next stele_rows_next_batch stele_rows_end
    stele_tail_begin stele_tail_next stele_tail_next_batch stele_tail_position stele_tail_end
    stele_serve_begin stele_serve_urls stele_serve_end
}

pub fn name(result: raw::stele_result) -> &'static str {
    // SAFETY: the name is valid for ever.
    unsafe { CStr::from_ptr(raw::stele_result_name(result)) }.to_str().unwrap()
}

/// What a parameter points to and what becomes of it after the call.
enum Out {
    Nothing,
    U64,
    U32,
    New(String),
}

/// A call with its memory.
pub struct RawCall {
    function: Function,
    parameters: [u64; 6],
    memory: Vec<(Vec<u64>, Out)>,
    pub result: raw::stele_result,
}

impl RawCall {
    pub fn of(words: &mut Words, script: &Script) -> RawCall {
        let mut call = RawCall { function: function(&words.word()), parameters: [0; 6], memory: Vec::new(), result: raw::STELE_OK };
        for (i, word) in words.rest().iter().enumerate() {
            call.parameters[i] = call.parameter(word, script);
        }
        call
    }

    fn parameter(&mut self, word: &str, script: &Script) -> u64 {
        match word {
            "null" => 0,
            "u64" => self.pointer(&7u64.to_ne_bytes(), Out::U64),
            "u32" => self.pointer(&7u32.to_ne_bytes(), Out::U32),
            _ if word.starts_with('"') => self.pointer((script.text(word).unwrap() + "\0").as_bytes(), Out::Nothing),
            _ if word.starts_with("event-") => {
                let bytes: Vec<u8> = to_keys(word).iter().flat_map(|key| key.0).collect();
                self.pointer(&bytes, Out::Nothing)
            }
            _ => match word.split_once(':') {
                Some(("hex", hex)) => {
                    let bytes: Vec<u8> = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
                    self.pointer(&bytes, Out::Nothing)
                }
                Some(("buffer", n)) => self.pointer(&vec![0; to_number(n) as usize], Out::Nothing),
                Some(("new", name)) => self.pointer(&[0; 8], Out::New(name.to_owned())),
                _ if word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => to_number(word),
                _ => script.handle(word),
            },
        }
    }

    fn pointer(&mut self, bytes: &[u8], out: Out) -> u64 {
        let mut words = vec![0u64; bytes.len() / 8 + 1];
        for (i, byte) in bytes.iter().enumerate() {
            words[i / 8] |= u64::from(*byte) << (8 * (i % 8));
        }
        let pointer = words.as_mut_ptr() as u64;
        self.memory.push((words, out));
        pointer
    }

    pub fn call(&mut self) {
        let p = self.parameters;
        // SAFETY: not ours to tell: the script is to give what the function can bear.
        self.result = unsafe { (self.function)(p[0], p[1], p[2], p[3], p[4], p[5]) };
    }

    /// Binds new names and gives the = line.
    pub fn line(&self, script: &mut Script) -> String {
        let mut line = format!("= {}", name(self.result));
        for (words, out) in &self.memory {
            // SAFETY: the library wrote to it behind the compiler's back.
            let value = unsafe { words.as_ptr().read_volatile() };
            match out {
                Out::U64 => line += &format!(" {value}"),
                Out::U32 => line += &format!(" {}", value as u32),
                Out::New(name) if self.result == raw::STELE_OK => {
                    script.handles.insert(name.clone(), value);
                }
                _ => {}
            }
        }
        line
    }
}
