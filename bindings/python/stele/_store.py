"""The idiom: stores, writes, readers, queries, tails, documents and servers as Python's users expect them."""

import ctypes
import datetime
import json
import os
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from . import _raw
from ._errors import CanceledError, Error, NotFoundError
from ._handles import Key, ReaderHandle, RowsHandle, ServerHandle, StoreHandle, TailHandle, WriterHandle, encode, range_of
from ._raw import BUFFER_TOO_SMALL, DONE, OK

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICROSECOND = datetime.timedelta(microseconds=1)

_BUFFER_BYTES = 256 << 10  # of a batch
_SLICE_MS = 100  # how long a tail waits inside the library before Python may look for a signal


class Bound(NamedTuple):
    """One end of a range: an event's Key, a datetime (without a zone: UTC) or nanoseconds since 1970."""

    value: Union[Key, datetime.datetime, int]
    inclusive: bool = True

    def _as_handles_have_it(self):
        value, kind = self.value, _raw.INCLUSIVE_INSTANT if self.inclusive else _raw.EXCLUSIVE_INSTANT
        if isinstance(value, Key):
            return kind - _raw.INCLUSIVE_INSTANT + _raw.INCLUSIVE_KEY, value
        if isinstance(value, datetime.datetime):
            value = nanoseconds(value)
        return kind, value


def nanoseconds(instant: datetime.datetime) -> int:
    """Nanoseconds since 1970 of a datetime, whose zone is UTC if it has none."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=datetime.timezone.utc)
    return (instant - _EPOCH) // _MICROSECOND * 1000


def _range(from_, to):
    """from_ counts, and to does not, unless they are given as Bounds."""
    if from_ is not None and not isinstance(from_, Bound):
        from_ = Bound(from_)
    if to is not None and not isinstance(to, Bound):
        to = Bound(to, inclusive=False)
    return range_of(from_ and from_._as_handles_have_it(), to and to._as_handles_have_it())


def _json_default(value):
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _json(value) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_json_default)
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_json_default).encode()


def to_clef(event: Union[str, bytes, Mapping]) -> bytes:
    """An event as a line of CLEF. Text is taken as it is; a mapping without "@t" happens now."""
    if isinstance(event, (str, bytes)):
        return encode(event)
    if "@t" not in event:
        event = {"@t": datetime.datetime.now(datetime.timezone.utc), **event}
    return _json(event)


class Event:
    """An event as it was written: its key, and its text, one JSON object in CLEF."""

    __slots__ = ("_key", "clef")

    def __init__(self, key: bytes, clef: bytes):
        self._key = key
        self.clef = clef

    @property
    def key(self) -> Key:
        return Key(self._key)

    @property
    def text(self) -> str:
        return self.clef.decode()

    @property
    def data(self) -> dict:
        """The event as a dict, made anew by each use."""
        return json.loads(self.clef)

    def __getitem__(self, name: str):
        return self.data[name]

    def __repr__(self):
        return f"<Event {self.key} {self.text}>"


class _Scope:
    """Something that is ended by `with`. An exception inside is not hidden by one of the end."""

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _traceback):
        try:
            self.close()
        except Error:
            if kind is None:
                raise

    def close(self) -> None:
        """Ends it; harmless when repeated. A failure tells what was lost on the way."""
        self.handle.end()

    @property
    def closed(self) -> bool:
        return self.handle.ended


class _Batches(_Scope):
    """What gives many records a call. One thread at a time."""

    def __init__(self, handle):
        self.handle = handle
        self._buffer = ctypes.create_string_buffer(_BUFFER_BYTES)

    def _batch(self, call):
        """The result of a call with a buffer that is large enough, and its records."""
        result, needed, records = call(self._buffer)
        if result == BUFFER_TOO_SMALL:
            self._buffer = ctypes.create_string_buffer(needed)
            result, _, records = call(self._buffer)
        return result, records

    def batches(self) -> Iterator[List[Tuple[bytes, bytes]]]:
        """The rest as lists of (key, text) in bytes, as many as come at once: the fastest way."""
        while True:
            result, records = self._batch(self.handle.next_batch)
            if result == DONE:
                return
            yield records

    def cancel(self) -> None:
        """Has the call that is inside, on whichever thread, end soon with CanceledError, and all later ones."""
        self.handle.cancel()


class Reader(_Batches):
    """The events that the store held when it was begun, in the order of their keys: iterate over it, in a `with`.

    What could not be read of a damaged store is told by a CorruptError after the last event.
    """

    handle: ReaderHandle

    def __iter__(self) -> Iterator[Event]:
        for records in self.batches():
            for key, clef in records:
                yield Event(key, clef)


class Rows(_Batches):
    """The rows of a query, each a tuple of values: iterate over it, in a `with`."""

    handle: RowsHandle

    def __iter__(self) -> Iterator[tuple]:
        for rows in self._decoded():
            yield from map(tuple, rows)

    def dicts(self) -> Iterator[dict]:
        """The rows as dicts, by the names of the columns."""
        columns = self.columns
        for rows in self._decoded():
            for row in rows:
                yield dict(zip(columns, row))

    def _decoded(self):
        for records in self.batches():
            yield json.loads(b"[" + b",".join(text for _, text in records) + b"]")

    @property
    def columns(self) -> List[str]:
        return json.loads(self.handle.describe()).get("Columns", [])

    @property
    def statistics(self) -> Optional[dict]:
        """What the query took; None before its last row."""
        return json.loads(self.handle.describe()).get("Statistics")


class Tail(_Batches):
    """Events in the order in which they arrive, without end: iterate over it, in a `with`. Ctrl-C ends the wait."""

    handle: TailHandle

    def __init__(self, begin, after: int):
        """begin gives the handle of a tail after an arrival number."""
        super().__init__(begin(after))
        self._begin = begin
        self._after = self.handle.position() if after == _raw.FROM_NOW else after  # of what came into _ready
        self._ready = []  # what came and was not given yet, the last one first

    def next(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event, or None if none comes within timeout seconds. None waits for ever, 0 not at all."""
        if not self._ready:
            self._fill(timeout)
        return Event(*self._ready.pop()) if self._ready else None

    def _fill(self, timeout):
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _SLICE_MS if until is None else max(0, min(_SLICE_MS, int((until - time.monotonic()) * 1000)))
            try:
                result, records = self._batch(lambda buffer: self.handle.next_batch(left, buffer))
                if result == OK:
                    self._ready = records[::-1]
                    self._after = Key(self._ready[0][0]).arrival
                    return
            except Error:
                raise
            except BaseException:
                self._interrupted()
                raise
            if until is not None and time.monotonic() >= until:
                return

    def _interrupted(self):
        """An interrupt may have come upon events that were just taken: they are to be given by the next call."""
        if self._ready:
            self._after = Key(self._ready[0][0]).arrival
            return
        try:
            self.handle.end()
            self.handle = self._begin(self._after)
        except Error:  # the next call tells
            pass

    def events(self, timeout: Optional[float] = None) -> Iterator[Event]:
        """Events until none came for timeout seconds, or until cancel."""
        while True:
            try:
                event = self.next(timeout)
            except CanceledError:
                return
            if event is None:
                return
            yield event

    def __iter__(self) -> Iterator[Event]:
        return self.events()

    def batches(self):
        raise TypeError("a tail has no end; use next or iterate")

    @property
    def position(self) -> int:
        """The arrival number to go on after, as tail(after=…): that of the last event given, or of one passed over since by the filter."""
        return Key(self._ready[-1][0]).arrival - 1 if self._ready else self.handle.position()


class Writer(_Scope):
    """Events that are stored together, all or none: by the end of its `with`, or not at all if that ends by an exception."""

    def __init__(self, handle: WriterHandle):
        self.handle = handle
        self.keys: List[Key] = []  # of the events, once they are stored

    def append(self, *events: Union[str, bytes, Mapping]) -> None:
        """Adds events: mappings, or lines of CLEF as text. A refused one makes the end fail, unless the write is partial."""
        self.handle.append(b"\n".join(map(to_clef, events)))

    def finish(self) -> List[Key]:
        """Stores the events: they are on disk when it returns."""
        if not self.closed:
            self.keys = self.handle.finish()
        return self.keys

    def cancel(self) -> None:
        self.handle.cancel()

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.finish()
        else:
            super().__exit__(kind, value, traceback)


class Server(_Scope):
    """The HTTP API and the page of a store, served from inside this process."""

    def __init__(self, handle: ServerHandle):
        self.handle = handle

    @property
    def urls(self) -> List[str]:
        return self.handle.urls().decode().split(";")


class Documents(MutableMapping):
    """The documents of a store: values of JSON by their keys."""

    def __init__(self, handle: StoreHandle):
        self._handle = handle

    def text(self, key: str) -> str:
        """A document as it was set, byte for byte."""
        try:
            return self._handle.document_get(encode(key)).decode()
        except NotFoundError:
            raise KeyError(key) from None

    def set_text(self, key: str, value: str) -> None:
        self._handle.document_set(encode(key), encode(value))

    def __getitem__(self, key: str) -> Any:
        return json.loads(self.text(key))

    def __setitem__(self, key: str, value: Any) -> None:
        self._handle.document_set(encode(key), _json(value))

    def __delitem__(self, key: str) -> None:
        try:
            self._handle.document_delete(encode(key))
        except NotFoundError:
            raise KeyError(key) from None

    def list(self, prefix: str = "") -> List[dict]:
        """What there is of documents whose keys begin with prefix: dicts with Key, Bytes, Changed and Version, by key."""
        with Rows(self._handle.document_list(encode(prefix))) as rows:
            return [row for rows_ in rows._decoded() for row in rows_]

    def __iter__(self) -> Iterator[str]:
        return (row["Key"] for row in self.list())

    def __len__(self) -> int:
        return json.loads(self._handle.statistics())["Documents"]


class Store(_Scope):
    """A store in a directory, open: any thread may use it. Close it, or use it in a `with`."""

    def __init__(self, handle: StoreHandle):
        self.handle = handle

    @property
    def documents(self) -> Documents:
        return Documents(self.handle)

    def write(self, id: Optional[str] = None, partial: bool = False) -> Writer:
        """Begins a write. One of an id that was stored in the last ten minutes is not stored again. A partial write leaves out what was refused."""
        options = {"flags": _raw.WRITE_PARTIAL} if partial else {}
        if id is not None:
            options["id"] = encode(id)
        return Writer(self.handle.write_begin(**options))

    def append(self, *events: Union[str, bytes, Mapping], id: Optional[str] = None) -> List[Key]:
        """Stores events together, and gives their keys: they are on disk when it returns."""
        with self.write(id) as writer:
            writer.append(*events)
        return writer.keys

    def read(self, from_=None, to=None, filter: Optional[str] = None, limit: int = 0, descending: bool = False, read_ahead: bool = False) -> Reader:
        """Begins to read. from_ and to are Keys, datetimes, nanoseconds or Bounds; from_ counts and to does not. With read_ahead another thread reads on meanwhile."""
        options = {"limit": limit, "ordering": _raw.DESCENDING if descending else _raw.ASCENDING, "flags": _raw.READ_AHEAD if read_ahead else 0}
        if filter is not None:
            options["filter"] = encode(filter)
        return Reader(self.handle.read_begin(_range(from_, to), **options))

    def get(self, key: Union[Key, str]) -> Event:
        """One event by its key; NotFoundError if there is none."""
        key = Key.parse(key) if isinstance(key, str) else key
        return Event(key, self.handle.get(key))

    def delete(self, from_=None, to=None, filter: Optional[str] = None) -> int:
        """Deletes what a range and a filter select (without both: everything), and gives the number."""
        return self.handle.delete(_range(from_, to), encode(filter))

    def delete_keys(self, keys: Iterable[Key]) -> int:
        return self.handle.delete_keys(keys)

    def query(self, query: str, from_=None, to=None, filter: Optional[str] = None, memory_bytes: int = 0, timeout: float = 0) -> Rows:
        """Begins a query, which gives 1024 rows at most if it sets no limit. Over memory_bytes, or timeout in seconds, its rows end with ExhaustedError; 0 is 256 MiB, and for ever."""
        options = {"memory_bytes": memory_bytes, "timeout_ms": int(timeout * 1000) or bool(timeout)}
        if filter is not None:
            options["filter"] = encode(filter)
        return Rows(self.handle.query_begin(encode(query), _range(from_, to), **options))

    def tail(self, after: Optional[int] = 0, filter: Optional[str] = None) -> Tail:
        """Begins to follow the store after an arrival number: 0 has everything, None only what is new."""
        options = {} if filter is None else {"filter": encode(filter)}
        return Tail(lambda after: self.handle.tail_begin(after=after, **options), _raw.FROM_NOW if after is None else after)

    def flush(self) -> None:
        """Seals what is in the journal into segments. What was acknowledged is durable without it."""
        self.handle.flush()

    def statistics(self) -> dict:
        return json.loads(self.handle.statistics())

    def verify(self) -> dict:
        """Checks every byte, and tells what there is, with a list of Damage."""
        return self._row(self.handle.verify())

    def backup(self, directory, keep: int = 0) -> dict:
        """Makes a backup in a directory of backups, of which keep are kept (0: all)."""
        return self._row(self.handle.backup(os.fsencode(directory), keep))

    @staticmethod
    def _row(handle) -> dict:
        with Rows(handle) as rows:
            return json.loads(rows.handle.next())

    def serve(self, urls: Optional[Union[str, Iterable[str]]] = None, instance: Optional[str] = None) -> Server:
        """Serves the HTTP API and the page, at http://localhost:5341 if nothing else is given."""
        options = {}
        if urls is not None:
            options["urls"] = encode(urls if isinstance(urls, str) else ";".join(urls))
        if instance is not None:
            options["instance"] = encode(instance)
        return Server(self.handle.serve_begin(**options))


def open(path, read_only: bool = False, must_exist: bool = False, **options) -> Store:
    """Opens the store in a directory, which is made if absent.

    options are the sizes of stele.h, 0 being the default: event_bytes, batch_bytes, memory_bytes, journal_bytes, cache_bytes, document_bytes, min_free_bytes, open_files.
    """
    flags = (_raw.READ_ONLY if read_only else 0) | (_raw.MUST_EXIST if must_exist else 0)
    return Store(StoreHandle.open(os.fsencode(path), flags=flags, **options))


def version() -> str:
    """The version of the library."""
    info = _raw.VersionInfo(size=ctypes.sizeof(_raw.VersionInfo))
    _raw.version(ctypes.byref(info))
    return info.text.decode()
