//! The C functions as they are in `include/stele.h`, which documents them. Nothing here is checked: the rest of this crate does that.

#![allow(missing_docs, non_camel_case_types)]

use std::os::raw::{c_char, c_void};

pub type stele_result = i32;

pub const STELE_OK: stele_result = 0;
pub const STELE_DONE: stele_result = 1;
pub const STELE_TIMED_OUT: stele_result = 2;
pub const STELE_BUFFER_TOO_SMALL: stele_result = 3;
pub const STELE_ARGUMENT_NULL: stele_result = 10;
pub const STELE_INVALID_HANDLE: stele_result = 11;
pub const STELE_BUSY: stele_result = 12;
pub const STELE_WRONG_THREAD: stele_result = 13;
pub const STELE_FORKED: stele_result = 14;
pub const STELE_INVALID: stele_result = 20;
pub const STELE_NOT_FOUND: stele_result = 21;
pub const STELE_CLOSED: stele_result = 22;
pub const STELE_UNAVAILABLE: stele_result = 23;
pub const STELE_LOCKED: stele_result = 24;
pub const STELE_FULL: stele_result = 25;
pub const STELE_TOO_LARGE: stele_result = 26;
pub const STELE_EXHAUSTED: stele_result = 27;
pub const STELE_CANCELED: stele_result = 28;
pub const STELE_DENIED: stele_result = 29;
pub const STELE_UNSUPPORTED: stele_result = 30;
pub const STELE_CORRUPT: stele_result = 31;
pub const STELE_IO: stele_result = 32;
pub const STELE_INTERNAL: stele_result = 33;

pub type stele_store = u64;
pub type stele_server = u64;
pub type stele_writer = u64;
pub type stele_reader = u64;
pub type stele_tail = u64;
pub type stele_rows = u64;

pub const STELE_ABI_VERSION: u32 = 1;
pub const STELE_TEXT: usize = usize::MAX;
pub const STELE_KEY_TEXT: usize = 38;
pub const STELE_FROM_NOW: u64 = u64::MAX;

pub const STELE_HOST_PLAIN: u32 = 0;
pub const STELE_HOST_DOTNET: u32 = 1;
pub const STELE_HOST_SIGNALS: u32 = 2;

pub const STELE_UNBOUNDED: u32 = 0;
pub const STELE_INCLUSIVE_KEY: u32 = 1;
pub const STELE_EXCLUSIVE_KEY: u32 = 2;
pub const STELE_INCLUSIVE_INSTANT: u32 = 3;
pub const STELE_EXCLUSIVE_INSTANT: u32 = 4;

pub const STELE_READ_ONLY: u32 = 1;
pub const STELE_MUST_EXIST: u32 = 2;
pub const STELE_WRITE_PARTIAL: u32 = 1;
pub const STELE_BIND_THREAD: u32 = 2;
pub const STELE_READ_AHEAD: u32 = 1;
pub const STELE_ASCENDING: u32 = 0;
pub const STELE_DESCENDING: u32 = 1;

#[repr(C)]
pub struct stele_version_info {
    pub size: usize,
    pub abi: u32,
    pub reserved: u32,
    pub text: [c_char; 64],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct stele_key {
    pub bytes: [u8; 16],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct stele_bound {
    pub kind: u32,
    pub reserved: u32,
    pub instant: i64,
    pub key: stele_key,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct stele_range {
    pub from: stele_bound,
    pub to: stele_bound,
}

#[repr(C)]
pub struct stele_options {
    pub size: usize,
    pub flags: u32,
    pub event_bytes: u32,
    pub batch_bytes: u64,
    pub memory_bytes: u64,
    pub journal_bytes: u64,
    pub cache_bytes: u64,
    pub document_bytes: u64,
    pub min_free_bytes: i64,
    pub open_files: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct stele_write_options {
    pub size: usize,
    pub flags: u32,
    pub reserved: u32,
    pub id: *const c_char,
    pub id_len: usize,
}

#[repr(C)]
pub struct stele_read_options {
    pub size: usize,
    pub range: *const stele_range,
    pub filter: *const c_char,
    pub filter_len: usize,
    pub limit: u64,
    pub ordering: u32,
    pub flags: u32,
}

#[repr(C)]
pub struct stele_record {
    pub key: stele_key,
    pub len: u32,
    pub stride: u32,
}

#[repr(C)]
pub struct stele_query_options {
    pub size: usize,
    pub range: *const stele_range,
    pub filter: *const c_char,
    pub filter_len: usize,
    pub memory_bytes: u64,
    pub timeout_ms: u32,
    pub flags: u32,
}

#[repr(C)]
pub struct stele_tail_options {
    pub size: usize,
    pub after: u64,
    pub filter: *const c_char,
    pub filter_len: usize,
    pub flags: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct stele_serve_options {
    pub size: usize,
    pub urls: *const c_char,
    pub urls_len: usize,
    pub instance: *const c_char,
    pub instance_len: usize,
    pub flags: u32,
    pub reserved: u32,
}

extern "C" {
    pub fn stele_version(info: *mut stele_version_info) -> stele_result;
    pub fn stele_result_name(result: stele_result) -> *const c_char;
    pub fn stele_last_error(code: *mut stele_result, id: *mut u64, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_host(host: u32) -> stele_result;
    pub fn stele_cancel(handle: u64) -> stele_result;

    pub fn stele_key_parse(text: *const c_char, len: usize, key: *mut stele_key) -> stele_result;
    pub fn stele_key_format(key: *const stele_key, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_key_parts(key: *const stele_key, instant: *mut i64, arrival: *mut u64) -> stele_result;

    pub fn stele_open(path: *const c_char, path_len: usize, options: *const stele_options, store: *mut stele_store) -> stele_result;
    pub fn stele_close(store: stele_store) -> stele_result;
    pub fn stele_flush(store: stele_store) -> stele_result;
    pub fn stele_statistics(store: stele_store, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_verify(store: stele_store, rows: *mut stele_rows) -> stele_result;
    pub fn stele_backup(store: stele_store, directory: *const c_char, directory_len: usize, keep: u32, rows: *mut stele_rows) -> stele_result;

    pub fn stele_write_begin(store: stele_store, options: *const stele_write_options, writer: *mut stele_writer) -> stele_result;
    pub fn stele_write_append(writer: stele_writer, clef: *const c_char, len: usize) -> stele_result;
    pub fn stele_write_end(writer: stele_writer, keys: *mut stele_key, capacity: usize, count: *mut usize) -> stele_result;
    pub fn stele_write_abandon(writer: stele_writer) -> stele_result;

    pub fn stele_read_begin(store: stele_store, options: *const stele_read_options, reader: *mut stele_reader) -> stele_result;
    pub fn stele_read_next(reader: stele_reader, key: *mut stele_key, buffer: *mut c_void, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_read_next_batch(reader: stele_reader, buffer: *mut c_void, len: usize, actual: *mut usize, count: *mut usize) -> stele_result;
    pub fn stele_read_end(reader: stele_reader) -> stele_result;
    pub fn stele_get(store: stele_store, key: *const stele_key, buffer: *mut c_void, len: usize, actual: *mut usize) -> stele_result;

    pub fn stele_delete_keys(store: stele_store, keys: *const stele_key, count: usize, deleted: *mut u64) -> stele_result;
    pub fn stele_delete(store: stele_store, range: *const stele_range, filter: *const c_char, filter_len: usize, deleted: *mut u64) -> stele_result;

    pub fn stele_document_set(store: stele_store, key: *const c_char, key_len: usize, json: *const c_char, json_len: usize) -> stele_result;
    pub fn stele_document_get(store: stele_store, key: *const c_char, key_len: usize, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_document_delete(store: stele_store, key: *const c_char, key_len: usize) -> stele_result;
    pub fn stele_document_list(store: stele_store, prefix: *const c_char, prefix_len: usize, rows: *mut stele_rows) -> stele_result;

    pub fn stele_query_begin(store: stele_store, query: *const c_char, query_len: usize, options: *const stele_query_options, rows: *mut stele_rows) -> stele_result;
    pub fn stele_rows_describe(rows: stele_rows, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_rows_next(rows: stele_rows, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_rows_next_batch(rows: stele_rows, buffer: *mut c_void, len: usize, actual: *mut usize, count: *mut usize) -> stele_result;
    pub fn stele_rows_end(rows: stele_rows) -> stele_result;

    pub fn stele_tail_begin(store: stele_store, options: *const stele_tail_options, tail: *mut stele_tail) -> stele_result;
    pub fn stele_tail_next(tail: stele_tail, timeout_ms: u32, key: *mut stele_key, buffer: *mut c_void, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_tail_next_batch(tail: stele_tail, timeout_ms: u32, buffer: *mut c_void, len: usize, actual: *mut usize, count: *mut usize) -> stele_result;
    pub fn stele_tail_position(tail: stele_tail, arrival: *mut u64) -> stele_result;
    pub fn stele_tail_end(tail: stele_tail) -> stele_result;

    pub fn stele_serve_begin(store: stele_store, options: *const stele_serve_options, server: *mut stele_server) -> stele_result;
    pub fn stele_serve_urls(server: stele_server, buffer: *mut c_char, len: usize, actual: *mut usize) -> stele_result;
    pub fn stele_serve_end(server: stele_server) -> stele_result;
}
