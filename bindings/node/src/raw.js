// The C functions as they are in include/stele.h, which documents them. Nothing here is checked: the rest of this package does that.
//
// A pointer is a Buffer, a typed array or null; a handle and a size are Numbers or BigInts; what comes back through a pointer is read from the array that was given.

import { join } from 'node:path';
import koffi from 'koffi';

const file = { win32: 'stele.dll', darwin: 'libstele.dylib' }[process.platform] ?? 'libstele.so';
const library = load(process.env.STELE_LIB ? join(process.env.STELE_LIB, file) : file);

function load(path) {
  try {
    return koffi.load(path);
  } catch (cause) {
    throw new Error(`${path} cannot be loaded (STELE_LIB is to name the directory with ${file}, or ${file} to be where libraries are installed)`, { cause });
  }
}

const bytes = 'const void *';
const out = 'void *';
const handle = 'uint64_t';
const size = 'size_t';
const u32 = 'uint32_t';
const u64 = 'uint64_t';

// Structs that go in. Their pointers may be Buffers too.
const bound = koffi.struct({ kind: u32, reserved: u32, instant: 'int64_t', key: koffi.array('uint8_t', 16, 'Typed') });
const range = koffi.struct({ from: bound, to: bound });
const options = koffi.struct({
  size, flags: u32, event_bytes: u32, batch_bytes: u64, memory_bytes: u64, journal_bytes: u64, cache_bytes: u64, document_bytes: u64,
  min_free_bytes: 'int64_t', open_files: u32, reserved: u32,
});
const write_options = koffi.struct({ size, flags: u32, reserved: u32, id: bytes, id_len: size });
const read_options = koffi.struct({ size, range: koffi.pointer(range), filter: bytes, filter_len: size, limit: u64, ordering: u32, flags: u32 });
const query_options = koffi.struct({
  size, range: koffi.pointer(range), filter: bytes, filter_len: size, memory_bytes: u64, timeout_ms: u32, flags: u32,
});
const tail_options = koffi.struct({ size, after: u64, filter: bytes, filter_len: size, flags: u32, reserved: u32 });
const serve_options = koffi.struct({ size, urls: bytes, urls_len: size, instance: bytes, instance_len: size, flags: u32, reserved: u32 });

/** Sizes of the structs, for their first member. */
export const sizes = {
  options: koffi.sizeof(options),
  write_options: koffi.sizeof(write_options),
  read_options: koffi.sizeof(read_options),
  query_options: koffi.sizeof(query_options),
  tail_options: koffi.sizeof(tail_options),
  serve_options: koffi.sizeof(serve_options),
};

const result = (name, ...parameters) => library.func(name, 'int32_t', parameters);
const pointer = koffi.pointer;

export const stele_result_name = library.func('stele_result_name', 'str', ['int32_t']);
export const stele_version = result('stele_version', out);
export const stele_last_error = result('stele_last_error', out, out, out, size, out);
export const stele_host = result('stele_host', u32);
export const stele_cancel = result('stele_cancel', handle);

export const stele_key_parse = result('stele_key_parse', bytes, size, out);
export const stele_key_format = result('stele_key_format', bytes, out, size, out);
export const stele_key_parts = result('stele_key_parts', bytes, out, out);

export const stele_open = result('stele_open', bytes, size, pointer(options), out);
export const stele_close = result('stele_close', handle);
export const stele_flush = result('stele_flush', handle);
export const stele_statistics = result('stele_statistics', handle, out, size, out);
export const stele_verify = result('stele_verify', handle, out);
export const stele_backup = result('stele_backup', handle, bytes, size, u32, out);

export const stele_write_begin = result('stele_write_begin', handle, pointer(write_options), out);
export const stele_write_append = result('stele_write_append', handle, bytes, size);
export const stele_write_end = result('stele_write_end', handle, out, size, out);
export const stele_write_abandon = result('stele_write_abandon', handle);

export const stele_read_begin = result('stele_read_begin', handle, pointer(read_options), out);
export const stele_read_next = result('stele_read_next', handle, out, out, size, out);
export const stele_read_next_batch = result('stele_read_next_batch', handle, out, size, out, out);
export const stele_read_end = result('stele_read_end', handle);
export const stele_get = result('stele_get', handle, bytes, out, size, out);

export const stele_delete_keys = result('stele_delete_keys', handle, bytes, size, out);
export const stele_delete = result('stele_delete', handle, pointer(range), bytes, size, out);

export const stele_document_set = result('stele_document_set', handle, bytes, size, bytes, size);
export const stele_document_get = result('stele_document_get', handle, bytes, size, out, size, out);
export const stele_document_delete = result('stele_document_delete', handle, bytes, size);
export const stele_document_list = result('stele_document_list', handle, bytes, size, out);

export const stele_query_begin = result('stele_query_begin', handle, bytes, size, pointer(query_options), out);
export const stele_rows_describe = result('stele_rows_describe', handle, out, size, out);
export const stele_rows_next = result('stele_rows_next', handle, out, size, out);
export const stele_rows_next_batch = result('stele_rows_next_batch', handle, out, size, out, out);
export const stele_rows_end = result('stele_rows_end', handle);

export const stele_tail_begin = result('stele_tail_begin', handle, pointer(tail_options), out);
export const stele_tail_next = result('stele_tail_next', handle, u32, out, out, size, out);
export const stele_tail_next_batch = result('stele_tail_next_batch', handle, u32, out, size, out, out);
export const stele_tail_position = result('stele_tail_position', handle, out);
export const stele_tail_end = result('stele_tail_end', handle);

export const stele_serve_begin = result('stele_serve_begin', handle, pointer(serve_options), out);
export const stele_serve_urls = result('stele_serve_urls', handle, out, size, out);
export const stele_serve_end = result('stele_serve_end', handle);

export const STELE_HOST_SIGNALS = 2;

// Node's handlers of signals, set at any time, and Go's stacks do not go together otherwise: see stele.h.
stele_host(STELE_HOST_SIGNALS);

export const STELE_OK = 0;
export const STELE_DONE = 1;
export const STELE_TIMED_OUT = 2;
export const STELE_BUFFER_TOO_SMALL = 3;
export const STELE_ARGUMENT_NULL = 10;
export const STELE_INVALID_HANDLE = 11;

export const STELE_KEY_TEXT = 38;
export const STELE_TEXT = 0xffffffffffffffffn;
export const STELE_FROM_NOW = 0xffffffffffffffffn;
export const STELE_FOREVER = 0xffffffff;

export const STELE_INCLUSIVE_KEY = 1;
export const STELE_EXCLUSIVE_KEY = 2;
export const STELE_INCLUSIVE_INSTANT = 3;
export const STELE_EXCLUSIVE_INSTANT = 4;

export const STELE_READ_ONLY = 1;
export const STELE_MUST_EXIST = 2;
export const STELE_WRITE_PARTIAL = 1;
export const STELE_READ_AHEAD = 1;
