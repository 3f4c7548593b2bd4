"""The raw floor: every function of stele.h, as it is there.

A function takes numbers, and pointers as ctypes has them (None, an array, byref). It returns OK, DONE, TIMED_OUT or BUFFER_TOO_SMALL and raises
an Error for everything else: no result goes by unseen.
"""

import ctypes
import os
import struct
import sys

from ._errors import Error, error_of

ABI_VERSION = 1

OK, DONE, TIMED_OUT, BUFFER_TOO_SMALL = 0, 1, 2, 3

TEXT = 2**64 - 1 if sys.maxsize > 2**32 else 2**32 - 1  # as a length: the text ends at its first NUL
FROM_NOW = 2**64 - 1
FOR_EVER = 2**32 - 1  # as a tail's timeout_ms

# stele_open
READ_ONLY, MUST_EXIST = 1, 2
# stele_write_begin, stele_read_begin and all others that begin something
WRITE_PARTIAL, BIND_THREAD, READ_AHEAD = 1, 2, 1
ASCENDING, DESCENDING = 0, 1
UNBOUNDED, INCLUSIVE_KEY, EXCLUSIVE_KEY, INCLUSIVE_INSTANT, EXCLUSIVE_INSTANT = range(5)


class VersionInfo(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("abi", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("text", ctypes.c_char * 64)]


class Bound(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("instant", ctypes.c_int64), ("key", ctypes.c_uint8 * 16)]


class Range(ctypes.Structure):
    _fields_ = [("from_", Bound), ("to", Bound)]


class Options(ctypes.Structure):
    """Any struct that begins with its size, which is set here. Texts are bytes, given with their lengths by the keyword's name alone."""

    def __init__(self, **fields):
        super().__init__()
        self.size = ctypes.sizeof(self)
        for name, value in fields.items():
            if isinstance(value, bytes):
                setattr(self, name + "_len", len(value))
            setattr(self, name, value)


class OpenOptions(Options):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("flags", ctypes.c_uint32),
        ("event_bytes", ctypes.c_uint32),
        ("batch_bytes", ctypes.c_uint64),
        ("memory_bytes", ctypes.c_uint64),
        ("journal_bytes", ctypes.c_uint64),
        ("cache_bytes", ctypes.c_uint64),
        ("document_bytes", ctypes.c_uint64),
        ("min_free_bytes", ctypes.c_int64),
        ("open_files", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class WriteOptions(Options):
    _fields_ = [("size", ctypes.c_size_t), ("flags", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("id", ctypes.c_char_p), ("id_len", ctypes.c_size_t)]


class ReadOptions(Options):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("range", ctypes.POINTER(Range)),
        ("filter", ctypes.c_char_p),
        ("filter_len", ctypes.c_size_t),
        ("limit", ctypes.c_uint64),
        ("ordering", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    ]


class QueryOptions(Options):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("range", ctypes.POINTER(Range)),
        ("filter", ctypes.c_char_p),
        ("filter_len", ctypes.c_size_t),
        ("memory_bytes", ctypes.c_uint64),
        ("timeout_ms", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    ]


class TailOptions(Options):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("after", ctypes.c_uint64),
        ("filter", ctypes.c_char_p),
        ("filter_len", ctypes.c_size_t),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class ServeOptions(Options):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("urls", ctypes.c_char_p),
        ("urls_len", ctypes.c_size_t),
        ("instance", ctypes.c_char_p),
        ("instance_len", ctypes.c_size_t),
        ("flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


# What stele_read_next_batch puts before each text: key, length of the text, distance to the next record.
RECORD = struct.Struct("=16sII")

# Parameters: P a pointer, h a handle or another number of 64 bits, n a size, u a number of 32 bits.
FUNCTIONS = {
    "version": "P",
    "last_error": "PPPnP",
    "host": "u",
    "cancel": "h",
    "key_parse": "PnP",
    "key_format": "PPnP",
    "key_parts": "PPP",
    "open": "PnPP",
    "close": "h",
    "flush": "h",
    "statistics": "hPnP",
    "verify": "hP",
    "backup": "hPnuP",
    "write_begin": "hPP",
    "write_append": "hPn",
    "write_end": "hPnP",
    "write_abandon": "h",
    "read_begin": "hPP",
    "read_next": "hPPnP",
    "read_next_batch": "hPnPP",
    "read_end": "h",
    "get": "hPPnP",
    "delete_keys": "hPnP",
    "delete": "hPPnP",
    "document_set": "hPnPn",
    "document_get": "hPnPnP",
    "document_delete": "hPn",
    "document_list": "hPnP",
    "query_begin": "hPnPP",
    "rows_describe": "hPnP",
    "rows_next": "hPnP",
    "rows_next_batch": "hPnPP",
    "rows_end": "h",
    "tail_begin": "hPP",
    "tail_next": "huPPnP",
    "tail_next_batch": "huPnPP",
    "tail_position": "hP",
    "tail_end": "h",
    "serve_begin": "hPP",
    "serve_urls": "hPnP",
    "serve_end": "h",
}

# These never enter the engine, and take less time than giving the interpreter's lock away.
_QUICK = {"last_error", "key_parse", "key_format", "key_parts", "cancel"}

_TYPES = {"P": ctypes.c_void_p, "h": ctypes.c_uint64, "n": ctypes.c_size_t, "u": ctypes.c_uint32}


def _paths():
    """Where the library may be: the directory STELE_LIB, inside the package, where the system has its libraries."""
    names = {"win32": ["stele.dll"], "darwin": ["libstele.dylib"]}.get(sys.platform, ["libstele.so.1", "libstele.so"])
    for directory in (os.environ.get("STELE_LIB"), os.path.join(os.path.dirname(os.path.abspath(__file__)), "native")):
        for name in names:
            if directory and os.path.exists(os.path.join(directory, name)):
                yield os.path.join(os.path.abspath(directory), name)
    yield names[0]


def _load():
    path = next(_paths())
    try:
        return path, ctypes.CDLL(path)
    except OSError as e:
        raise ImportError(f"Stele's library cannot be loaded: {e}; it belongs in {os.path.dirname(__file__)}/native or in the directory that STELE_LIB names") from e


LIBRARY, _slow = _load()
_quick = ctypes.PyDLL(LIBRARY)

_result_name = _quick.stele_result_name
_result_name.argtypes = [ctypes.c_int32]
_result_name.restype = ctypes.c_char_p


def result_name(result: int) -> str:
    return _result_name(result).decode()


def last_error():
    """The code and the text of the calling thread's last failure, (0, "") if there was none."""
    code, actual, room = ctypes.c_int32(), ctypes.c_size_t(), 4096
    while True:
        buffer = ctypes.create_string_buffer(room)
        result = _last_error(ctypes.byref(code), None, buffer, room, ctypes.byref(actual))
        if result == DONE:
            return 0, ""
        if result != BUFFER_TOO_SMALL:
            return code.value, buffer.raw[: actual.value].decode("utf-8", "replace")
        room = actual.value


def _check(result, function, _):
    if result <= BUFFER_TOO_SMALL:
        return result
    code, text = last_error()
    if code != result:  # a finaliser has failed in between, on this thread
        text = f"{function.__name__}: {result_name(result)}"
    raise error_of(result, result_name(result), text)


def _bind(name, parameters):
    function = getattr(_quick if name in _QUICK else _slow, "stele_" + name)
    function.argtypes = [_TYPES[p] for p in parameters]
    function.restype = ctypes.c_int32
    return function


_last_error = _bind("last_error", FUNCTIONS["last_error"])

for _name, _parameters in FUNCTIONS.items():
    if _name != "last_error":
        _function = _bind(_name, _parameters)
        _function.errcheck = _check
        globals()[_name] = _function
