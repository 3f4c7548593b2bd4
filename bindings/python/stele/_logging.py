"""Python's logging into a store."""

import datetime
import logging
import os
import re
import threading
import time
import uuid
import weakref
from collections import deque

from . import _store
from ._errors import Error, ExhaustedError, FullError, InvalidError, IOFailedError, TooLargeError, UnavailableError

_PASSING = (ExhaustedError, FullError, IOFailedError, UnavailableError)  # a batch is tried again after these

# What a LogRecord has of its own; everything else came in by `extra`.
_OWN = set(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}

# A conversion of the % operator: the name, what shapes its text, its letter.
_CONVERSION = re.compile(r"%(?:\((?P<name>[^()]*)\))?(?P<shape>[-#0 +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?[hlL]?)(?P<letter>.)", re.DOTALL)

_BATCH_EVENTS = 1000
_BATCH_BYTES = 1 << 20

_handlers = weakref.WeakSet()


def _template(message: str, arguments):
    """A %-format and its arguments as a template with {holes}, the values of these, and whether they alone give the message; None if it is no such format.

    Positional arguments are called 0, 1, 2 and so on.
    """
    message = message.replace("{", "{{").replace("}", "}}")
    if not arguments:
        return message, {}, True
    values, exact = {}, True

    def hole(match):
        nonlocal exact
        if match["letter"] == "%":
            return "%"
        name = match["name"]
        if "*" in match["shape"] or not (name is None or name.isidentifier()):
            raise ValueError
        if name is None:
            name = str(len(values))
            value = arguments[len(values)]
        else:
            value = arguments[name]
        exact = exact and not match["shape"] and (match["letter"] in "sdi" and type(value) is int or match["letter"] == "s" and type(value) is str)
        values[name] = value
        return "{" + name + "}"

    try:
        return _CONVERSION.sub(hole, message), values, exact
    except (ValueError, LookupError, TypeError):
        return None


def _plain(value, depth=8):
    """A value as JSON can have it: what is no JSON by its str."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if depth and isinstance(value, dict):
        return {str(name): _plain(v, depth - 1) for name, v in value.items()}
    if depth and isinstance(value, (list, tuple)):
        return [_plain(v, depth - 1) for v in value]
    return str(value)


class LogHandler(logging.Handler):
    """Stores log records as events, in batches, on a thread of its own.

    store is a Store, which stays open, or the path of one, which is opened for the handler and closed with it. Records wait in a queue of `capacity` events;
    what comes while it is full is dropped and counted in `dropped`. Nothing that goes wrong is raised into the program that logs: what the store refuses is counted
    in `lost`, and `error` has the last failure. A full disk, or one that fails, is tried again.

    An event has @t, @mt (or @m where the format shapes its values), @l, @x, Logger, Thread and what `extra` brings.
    """

    def __init__(self, store, level=logging.NOTSET, capacity: int = 10_000, interval: float = 1.0):
        super().__init__(level)
        self._owns = not isinstance(store, _store.Store)
        self._store = _store.open(store) if self._owns else store
        self._capacity = capacity
        self._interval = interval
        self._reset()
        self._thread = threading.Thread(target=self._work, name="stele-log", daemon=True)
        self._thread.start()
        _handlers.add(self)

    def _reset(self):
        self._changed = threading.Condition()
        # Under _changed:
        self._queue = deque()
        self._logged = 0  # how many events were put into the queue
        self._done = 0  # how many have left it
        self._wanted = 0  # how many are to leave it at once
        self._stopped = False
        self.dropped = 0
        self.lost = 0
        self.error = None

    def _after_fork(self):
        """A forked child has neither the thread nor the store: what it logs is dropped."""
        self._reset()
        self._stopped = True

    def emit(self, record):
        try:
            line = _store.to_clef(self.event(record))
            with self._changed:
                if self._stopped or len(self._queue) >= self._capacity:
                    self.dropped += 1
                    return
                self._queue.append(line)
                self._logged += 1
                if len(self._queue) == _BATCH_EVENTS:
                    self._changed.notify_all()
        except Exception:
            self.handleError(record)

    def event(self, record) -> dict:
        """The event of a record; to be overridden by who wants another."""
        instant = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        event = {"@t": instant.isoformat(timespec="microseconds").replace("+00:00", "Z")}
        parts = _template(record.msg, record.args) if isinstance(record.msg, str) else None
        template, values, exact = parts or (None, {}, False)
        if template is not None:
            event["@mt"] = template
        if self.formatter is not None:
            event["@m"] = self.format(record)
        elif not exact:
            event["@m"] = record.getMessage()
        event["@l"] = record.levelname
        if record.exc_info:
            event["@x"] = logging.Formatter().formatException(record.exc_info)
        elif record.exc_text:
            event["@x"] = record.exc_text
        properties = {**values, "Logger": record.name, "Thread": record.threadName}
        properties.update((name, value) for name, value in vars(record).items() if name not in _OWN)
        for name, value in properties.items():
            event["@" + name if name.startswith("@") else name] = _plain(value)
        return event

    def flush(self, timeout: float = 5.0) -> None:
        """Waits until what was logged so far is stored, at most timeout seconds."""
        until = time.monotonic() + timeout
        with self._changed:
            wanted = self._wanted = self._logged
            self._changed.notify_all()
            while self._done < wanted and not self._stopped and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())

    def close(self) -> None:
        """Stores what is in the queue, and ends the thread."""
        if not self._stopped:
            self.flush()
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            self._thread.join(5.0)
            try:
                if self._owns:
                    self._store.close()
            except Error as e:
                self.error = e
        super().close()

    def _work(self):
        while True:
            with self._changed:
                if self._done >= self._wanted and len(self._queue) < _BATCH_EVENTS and not self._stopped:
                    self._changed.wait(self._interval)
                batch = self._head()
                if self._stopped:
                    self.dropped += len(self._queue)
                    return
            if batch:
                self._deliver(batch)

    def _head(self):
        """The first events of the queue, which stay in it until they are stored."""
        batch, size = [], 0
        for line in self._queue:
            size += len(line)
            if batch and (size > _BATCH_BYTES or len(batch) == _BATCH_EVENTS):
                break
            batch.append(line)
        return batch

    def _deliver(self, batch):
        """Stores a batch, as often as it takes, and takes it out of the queue."""
        identity = uuid.uuid4().hex  # so that what was stored after all is not stored again
        lost = len(batch)
        while True:
            try:
                lost = self._write(batch, identity)
                break
            except _PASSING as e:
                self.error = e
                with self._changed:
                    if self._stopped or self._changed.wait_for(lambda: self._stopped, self._interval):
                        return
            except Exception as e:
                self.error = e
                break
        with self._changed:
            for _ in batch:
                self._queue.popleft()
            self._done += len(batch)
            self.lost += lost
            self._changed.notify_all()

    def _write(self, batch, identity) -> int:
        """Stores a batch, and gives how many of its events were refused."""
        refused = 0
        with self._store.write(id=identity, partial=True) as writer:
            for line in batch:
                try:
                    writer.append(line)
                except (InvalidError, TooLargeError) as e:
                    refused += 1
                    self.error = e
        return refused


def _forget_handlers():
    for handler in list(_handlers):
        handler._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_handlers)
