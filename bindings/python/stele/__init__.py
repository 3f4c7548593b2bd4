"""Stele, an event store inside your process.

    import stele

    with stele.open("events") as store:
        store.append({"@mt": "Hello, {Name}", "Name": "world"})
        with store.read(filter="Name = 'world'") as reader:
            for event in reader:
                print(event.key, event["@mt"])
"""

from ._errors import (
    ArgumentNullError,
    BusyError,
    CanceledError,
    ClosedError,
    CorruptError,
    DeniedError,
    Error,
    ExhaustedError,
    ForkedError,
    FullError,
    InternalError,
    InvalidError,
    InvalidHandleError,
    IOFailedError,
    LockedError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
    WrongThreadError,
)
from ._handles import Key
from ._logging import LogHandler
from ._store import Bound, Documents, Event, Reader, Rows, Server, Store, Tail, Writer, nanoseconds, open, to_clef, version

__all__ = [name for name in dir() if not name.startswith("_")]
