"""What goes wrong: one exception for each result of stele.h that is a failure."""


class Error(Exception):
    """A failure, with the whole chain of its causes in its text.

    code is the number of the result, name its name ("STELE_NOT_FOUND"), message the first line of the text, causes what the lines "caused by: …" say.
    """

    code = 0
    name = "STELE_UNKNOWN"

    def __init__(self, text=""):
        super().__init__(text)
        lines = text.split("\n")
        self.message = lines[0]
        self.causes = [line[len("caused by: ") :] for line in lines[1:] if line.startswith("caused by: ")]

    def __str__(self):
        return self.args[0] if self.args else ""


class ArgumentNullError(Error, ValueError):
    """A pointer that has to be given is NULL."""


class InvalidHandleError(Error, ValueError):
    """What was to be used was closed or ended before."""


class BusyError(Error):
    """Another thread is inside."""


class WrongThreadError(Error):
    """It is bound to the thread that made it."""


class ForkedError(Error):
    """This process was forked from the one that loaded the library: it has to exec, or to be spawned."""


class InvalidError(Error, ValueError):
    """The input is wrong; giving it again will not help."""


class NotFoundError(Error, LookupError):
    """What was named does not exist."""


class ClosedError(Error):
    """The store was closed meanwhile."""


class UnavailableError(Error):
    """Starting or stopping; try again."""


class LockedError(Error):
    """Another process has the store."""


class FullError(Error):
    """The disk is full; the store goes on when there is room."""


class TooLargeError(Error, ValueError):
    """Over a limit."""


class ExhaustedError(Error):
    """A budget of memory or of time ran out."""


class CanceledError(Error):
    """It was cancelled."""


class DeniedError(Error):
    """Not allowed, as writing to a store that was opened read-only."""


class UnsupportedError(Error):
    """A newer format, or something that this version does not know."""


class CorruptError(Error):
    """Data on disk is damaged; the chain of causes names file, offset and why."""


class IOFailedError(Error):
    """The file system failed."""


class InternalError(Error):
    """A defect in Stele. The object is of no use any more, the store is."""


_CLASSES = {
    10: ArgumentNullError,
    11: InvalidHandleError,
    12: BusyError,
    13: WrongThreadError,
    14: ForkedError,
    20: InvalidError,
    21: NotFoundError,
    22: ClosedError,
    23: UnavailableError,
    24: LockedError,
    25: FullError,
    26: TooLargeError,
    27: ExhaustedError,
    28: CanceledError,
    29: DeniedError,
    30: UnsupportedError,
    31: CorruptError,
    32: IOFailedError,
    33: InternalError,
}
for _code, _class in _CLASSES.items():
    _class.code = _code


def error_of(code: int, name: str, text: str) -> Error:
    error = _CLASSES.get(code, Error)(text)
    error.code, error.name = code, name
    return error
