"""The handles' floor: an object for each handle, a method for each function, bytes in and out.

A handle is ended explicitly, and ending it twice is harmless. One that is forgotten is ended by a finaliser, with a ResourceWarning: a safety net only.
"""

import ctypes
import struct
import warnings
import weakref

from . import _raw
from ._errors import BusyError, Error, ForkedError
from ._raw import BUFFER_TOO_SMALL, DONE, OK, RECORD, TIMED_OUT

_KEY = struct.Struct(">QQ")


class Key(bytes):
    """The key of an event: its 16 bytes, which order events by instant and arrival. str() gives the text form."""

    __slots__ = ()

    def __new__(cls, value):
        if len(value) != 16:
            raise ValueError(f"a key has 16 bytes, not {len(value)}")
        return super().__new__(cls, value)

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Reads the text form, "event-" and 32 hex digits."""
        buffer = (ctypes.c_uint8 * 16)()
        encoded = text.encode()
        _raw.key_parse(encoded, len(encoded), buffer)
        return cls(bytes(buffer))

    @property
    def instant(self) -> int:
        """Nanoseconds since 1970."""
        return _KEY.unpack(self)[0] - 2**63

    @property
    def arrival(self) -> int:
        """The arrival number, by which tails go on."""
        return _KEY.unpack(self)[1]

    def __str__(self):
        return "event-" + self.hex()

    def __repr__(self):
        return f"Key({str(self)!r})"

    def __reduce__(self):
        return Key, (bytes(self),)


def encode(text):
    """A text as the library wants it; None stays None, which is NULL."""
    return text if text is None or isinstance(text, bytes) else text.encode()


def _length(encoded):
    return 0 if encoded is None else len(encoded)


def range_of(from_, to):
    """A range of two bounds, each None or (kind, Key or nanoseconds); None without both."""
    if from_ is None and to is None:
        return None
    r = _raw.Range()
    for bound, given in ((r.from_, from_), (r.to, to)):
        if given is not None:
            bound.kind, value = given
            if bound.kind in (_raw.INCLUSIVE_KEY, _raw.EXCLUSIVE_KEY):
                bound.key[:] = value
            else:
                bound.instant = value
    return r


def _text(function, *arguments):
    """The result and the text of a function whose last parameters are a buffer, its length and what is actual."""
    room, actual = 1024, ctypes.c_size_t()
    while True:
        buffer = ctypes.create_string_buffer(room)
        result = function(*arguments, buffer, room, ctypes.byref(actual))
        if result != BUFFER_TOO_SMALL:
            return result, ctypes.string_at(buffer, actual.value) if result == OK else b""
        room = actual.value


def _batch(function, arguments, buffer):
    """The result, the bytes needed or used, and the records as a list of (key, text); keys are plain bytes."""
    actual, count = ctypes.c_size_t(), ctypes.c_size_t()
    result = function(*arguments, buffer, len(buffer), ctypes.byref(actual), ctypes.byref(count))
    if result != OK:
        return result, actual.value, []
    data, unpack, at, records = ctypes.string_at(buffer, actual.value), RECORD.unpack_from, 0, []
    for _ in range(count.value):
        key, length, stride = unpack(data, at)
        records.append((key, data[at + 24 : at + 24 + length]))
        at += stride
    return result, actual.value, records


def _forgotten(kind, end, number):
    try:
        end(number)
    except Error:  # nobody is there to be told; a forked child lands here as well
        return
    warnings.warn(f"a {kind} of Stele was not closed", ResourceWarning, stacklevel=2)


class Handle:
    """A handle by its number. With owned it is ended when nothing refers to it any more."""

    _END = None  # the function that ends it

    def __init__(self, number: int, owned: bool = True):
        self.number = number
        self._owned = weakref.finalize(self, _forgotten, type(self).__name__, getattr(_raw, self._END), number) if owned else None
        if owned:  # what is open when Python ends stays so: others, such as logging, may still use it then, and what was acknowledged is on disk
            self._owned.atexit = False

    @property
    def ended(self) -> bool:
        return self._owned is not None and not self._owned.alive

    def _forget(self) -> bool:
        """Whether it is this caller that ends the handle."""
        return self._owned is None or self._owned.detach() is not None

    def end(self) -> None:
        if self._forget():
            getattr(_raw, self._END)(self.number)

    def cancel(self) -> None:
        """Ends the call that is inside, on whichever thread, and all later ones with CanceledError."""
        _raw.cancel(self.number)

    def _begin(self, kind, function, *arguments):
        number = ctypes.c_uint64()
        function(self.number, *arguments, ctypes.byref(number))
        return kind(number.value)


class StoreHandle(Handle):
    _END = "close"

    @classmethod
    def open(cls, path: bytes, **options) -> "StoreHandle":
        number = ctypes.c_uint64()
        given = ctypes.byref(_raw.OpenOptions(**options)) if options else None
        _raw.open(path, _length(path), given, ctypes.byref(number))
        return cls(number.value)

    def flush(self) -> None:
        _raw.flush(self.number)

    def statistics(self) -> bytes:
        return _text(_raw.statistics, self.number)[1]

    def verify(self) -> "RowsHandle":
        return self._begin(RowsHandle, _raw.verify)

    def backup(self, directory, keep=0) -> "RowsHandle":
        return self._begin(RowsHandle, _raw.backup, directory, _length(directory), keep)

    def write_begin(self, **options) -> "WriterHandle":
        return self._with(WriterHandle, _raw.write_begin, _raw.WriteOptions, options)

    def read_begin(self, range=None, **options) -> "ReaderHandle":
        return self._with(ReaderHandle, _raw.read_begin, _raw.ReadOptions, options, range)

    def query_begin(self, query, range=None, **options) -> "RowsHandle":
        return self._with(RowsHandle, _raw.query_begin, _raw.QueryOptions, options, range, query, _length(query))

    def tail_begin(self, **options) -> "TailHandle":
        return self._with(TailHandle, _raw.tail_begin, _raw.TailOptions, options)

    def serve_begin(self, **options) -> "ServerHandle":
        return self._with(ServerHandle, _raw.serve_begin, _raw.ServeOptions, options)

    def _with(self, kind, function, struct_type, options, range=None, *before):
        if range is not None:
            options["range"] = ctypes.pointer(range)
        given = struct_type(**options) if options else None
        return self._begin(kind, function, *before, ctypes.byref(given) if options else None)

    def get(self, key: bytes) -> bytes:
        return _text(_raw.get, self.number, key)[1]

    def delete_keys(self, keys) -> int:
        keys = b"".join(keys)
        deleted = ctypes.c_uint64()
        _raw.delete_keys(self.number, keys, len(keys) // 16, ctypes.byref(deleted))
        return deleted.value

    def delete(self, range=None, filter=None) -> int:
        deleted = ctypes.c_uint64()
        _raw.delete(self.number, range and ctypes.byref(range), filter, _length(filter), ctypes.byref(deleted))
        return deleted.value

    def document_set(self, key, value) -> None:
        _raw.document_set(self.number, key, _length(key), value, _length(value))

    def document_get(self, key) -> bytes:
        return _text(_raw.document_get, self.number, key, _length(key))[1]

    def document_delete(self, key) -> None:
        _raw.document_delete(self.number, key, _length(key))

    def document_list(self, prefix=None) -> "RowsHandle":
        return self._begin(RowsHandle, _raw.document_list, prefix, _length(prefix))


class WriterHandle(Handle):
    _END = "write_abandon"

    def append(self, clef) -> None:
        _raw.write_append(self.number, clef, _length(clef))

    def finish(self) -> list:
        """Ends the write and gives the keys of its events."""
        if self.ended:
            return []
        capacity, count = 64, ctypes.c_size_t()
        try:
            while True:
                keys = ctypes.create_string_buffer(16 * capacity)
                if _raw.write_end(self.number, keys, capacity, ctypes.byref(count)) == OK:
                    break
                capacity = count.value
        except (BusyError, ForkedError):  # it goes on
            raise
        except Error:
            self._forget()
            raise
        self._forget()
        data = ctypes.string_at(keys, 16 * count.value)
        return [Key(data[i : i + 16]) for i in range(0, len(data), 16)]


class ReaderHandle(Handle):
    _END = "read_end"

    def next(self):
        """The next event as (Key, text), or None."""
        key = (ctypes.c_uint8 * 16)()
        result, text = _text(_raw.read_next, self.number, key)
        return None if result == DONE else (Key(bytes(key)), text)

    def next_batch(self, buffer):
        return _batch(_raw.read_next_batch, (self.number,), buffer)


class RowsHandle(Handle):
    _END = "rows_end"

    def describe(self) -> bytes:
        return _text(_raw.rows_describe, self.number)[1]

    def next(self):
        """The next row, or None."""
        result, text = _text(_raw.rows_next, self.number)
        return None if result == DONE else text

    def next_batch(self, buffer):
        return _batch(_raw.rows_next_batch, (self.number,), buffer)


class TailHandle(Handle):
    _END = "tail_end"

    def next(self, timeout_ms: int):
        """The next event as (Key, text), or None if none came."""
        key = (ctypes.c_uint8 * 16)()
        result, text = _text(_raw.tail_next, self.number, timeout_ms, key)
        return None if result == TIMED_OUT else (Key(bytes(key)), text)

    def next_batch(self, timeout_ms: int, buffer):
        return _batch(_raw.tail_next_batch, (self.number, timeout_ms), buffer)

    def position(self) -> int:
        arrival = ctypes.c_uint64()
        _raw.tail_position(self.number, ctypes.byref(arrival))
        return arrival.value


class ServerHandle(Handle):
    _END = "serve_end"

    def urls(self) -> bytes:
        return _text(_raw.serve_urls, self.number)[1]
