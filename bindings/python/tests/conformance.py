"""The runner of the conformance scripts over the handles' floor: capi/conformance/README.md has their form.

python3 conformance.py SCRIPT DIRECTORY
"""

import ctypes
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from stele import Error, Key, _raw  # noqa: E402
from stele._handles import ReaderHandle, RowsHandle, ServerHandle, StoreHandle, TailHandle, WriterHandle, range_of  # noqa: E402

WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^ "])+')
MASKS = [
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "127.0.0.1:$PORT"),
    (re.compile(r"process [0-9]+"), "process $PID"),
    (re.compile(r"[0-9]+ is not the handle"), "$HANDLE is not the handle"),
    (re.compile(r"(expected |found )(?:[0-9a-f]{16}|[0-9a-f]{8})(?![0-9a-f])"), r"\1$SUM"),
]
BOUNDS = {("inclusive", True): _raw.INCLUSIVE_KEY, ("exclusive", True): _raw.EXCLUSIVE_KEY, ("inclusive", False): _raw.INCLUSIVE_INSTANT, ("exclusive", False): _raw.EXCLUSIVE_INSTANT}
TEXTS = {"filter", "id", "urls", "instance"}


class Runner:
    def __init__(self, directory):
        self.directory = directory
        self.port = "0"
        self.handles = {}  # by name
        self.spawned = {}

    # Words.

    def text(self, word):
        if word == "null":
            return None
        end = word.rindex('"') + 1
        times = int(word[end + 1 :]) if word[end:] else 1
        text = json.loads(word[:end]).replace("$DIR", self.directory).replace("$PORT", self.port)
        return text.encode() * times

    def handle(self, kind, word):
        """A handle of a kind. What is of another kind, ended or no name is a bare number of that kind, which the binding passes on."""
        handle = self.handles.get(word)
        if type(handle) is kind and not handle.ended:
            return handle
        return kind(self.number(word), owned=False)

    def number(self, word):
        if word.startswith("#"):
            return int(word[1:])
        if word[0] in "-0123456789":
            return int(word)
        return self.handles[word].number

    def options(self, words):
        options = {}
        for word in words:
            name, value = word.split("=", 1)
            if name in ("from", "to"):
                kind, value = value.split(":", 1)
                is_key = value.startswith("event-")
                options[name] = (BOUNDS[kind, is_key], Key.parse(value) if is_key else int(value))
            else:
                options[name] = self.text(value) if name in TEXTS else int(value)
        if "from" in options or "to" in options:
            options["range"] = range_of(options.pop("from", None), options.pop("to", None))
        return options

    # Answers.

    def mask(self, text):
        text = text.replace(self.directory, "$DIR")
        for pattern, name in MASKS:
            text = pattern.sub(name, text)
        return text

    def show(self, mark, text):
        for line in self.mask(text if isinstance(text, str) else text.decode()).split("\n"):
            print(mark, line)

    def ok(self, *values):
        print("= STELE_OK", *values)

    def picks(self, text, names):
        if not names:
            self.show("|", text)
            return
        members = json.loads(text, parse_float=str)
        for name in names:
            value = members.get(name, ...)
            shown = "absent" if value is ... else f"[{len(value)}]" if isinstance(value, list) else "{}" if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
            self.show("|", f"{name} {shown}")

    def records(self, call, size, *before, keys=True):
        result, actual, records = call(*before, ctypes.create_string_buffer(size))
        if result != _raw.OK:
            print("=", _raw.result_name(result), *([actual] if result == _raw.BUFFER_TOO_SMALL else []))
            return
        self.ok(len(records))
        for key, text in records:
            self.show("|", f"{Key(key)} {text.decode()}" if keys else text)

    # Raw calls.

    def prepare(self, words):
        name, *words = words
        arguments, places, new = [], [], []
        for word in words:
            if word == "null":
                arguments.append(None)
            elif word.startswith('"'):
                arguments.append(self.text(word))
            elif word.startswith("event-"):
                arguments.append(bytes(Key.parse(word)))
            elif word.startswith("hex:"):
                data = bytes.fromhex(word[4:])
                arguments.append((ctypes.c_uint64 * (len(data) // 8 + 1)).from_buffer_copy(data.ljust(len(data) // 8 * 8 + 8, b"\0")))
            elif word.startswith("buffer:"):
                arguments.append((ctypes.c_uint64 * (int(word[7:]) // 8 + 1))())
            elif word in ("u64", "u32"):
                places.append((ctypes.c_uint64 if word == "u64" else ctypes.c_uint32)(7))
                arguments.append(ctypes.byref(places[-1]))
            elif word.startswith("new:"):
                new.append((word[4:], ctypes.c_uint64()))
                arguments.append(ctypes.byref(new[-1][1]))
            else:
                arguments.append(self.number(word))
        function = _raw._last_error if name == "last_error" else getattr(_raw, name)

        def call():
            try:
                return function(*arguments), None
            except Error as e:
                return e.code, e

        def show(answer, errors):
            result, error = answer
            print("=", _raw.result_name(result), *(place.value for place in places))
            if result == _raw.OK:
                for name, number in new:
                    self.handles[name] = StoreHandle(number.value, owned=False)
            if error is not None and errors:
                self.show("!", str(error))
            elif errors and result > _raw.BUFFER_TOO_SMALL:  # last_error itself
                self.show("!", _raw.last_error()[1])

        return call, show

    def raw(self, words):
        call, show = self.prepare(words)
        show(call(), True)

    def spawn(self, words):
        call, show = self.prepare(words)
        answer = []
        thread = threading.Thread(target=lambda: answer.append(call()))
        thread.start()
        return lambda: (thread.join(), show(answer[0], False))

    # Commands.

    def run(self, line):
        command, *words = WORD.findall(line)
        try:
            getattr(self, "do_" + command, self.other)(command, words)
        except Error as e:
            print("=", e.name)
            self.show("!", str(e))

    def do_raw(self, _, words):
        self.raw(words)

    def do_thread(self, _, words):
        self.spawn(words[1:])()

    def do_spawn(self, _, words):
        self.spawned[words[0]] = self.spawn(words[2:])
        time.sleep(0.02)

    def do_join(self, _, words):
        self.spawned.pop(words[0])()

    def do_until(self, _, words):
        call, show = self.prepare(words[2:])
        for _ in range(5000):
            answer = call()
            if _raw.result_name(answer[0]) == words[0]:
                break
            time.sleep(0.002)
        show(answer, True)

    def do_damage(self, _, words):
        with open(self.text(words[0]), "r+b") as f:
            f.seek(-int(words[1]), os.SEEK_END)
            byte = f.read(1)[0] ^ int(words[2])
            f.seek(-int(words[1]), os.SEEK_END)
            f.write(bytes([byte]))
        self.ok()

    def do_file(self, _, words):
        with open(self.text(words[0]), "wb") as f:
            f.write(self.text(words[1]))
        self.ok()

    def do_version(self, *_):
        info = _raw.VersionInfo(size=ctypes.sizeof(_raw.VersionInfo))
        _raw.version(ctypes.byref(info))
        self.ok(info.abi)

    def do_result_name(self, _, words):
        self.ok(json.dumps(_raw.result_name(int(words[0]))))

    def do_last_error(self, *_):
        code, text = _raw.last_error()
        if code == 0:
            print("= STELE_DONE")
        else:
            self.ok(_raw.result_name(code))
            self.show("|", text)

    def do_host(self, _, words):
        _raw.host(int(words[0]))
        self.ok()

    def do_key_parse(self, _, words):
        text = self.text(words[0])
        if text is None:
            self.raw(["key_parse", "null", "0", "buffer:16"])
        else:
            self.ok(Key.parse(text.decode()))

    def do_key_format(self, _, words):
        self.ok(json.dumps(str(Key.parse(words[0]))))

    def do_key_parts(self, _, words):
        key = Key.parse(words[0])
        self.ok(key.instant, key.arrival)

    def do_open(self, _, words):
        self.handles[words[0]] = StoreHandle.open(self.text(words[1]), **self.options(words[2:]))
        self.ok()

    def begin(self, words, call, *arguments):
        self.handles[words[0]] = call(self.handle(StoreHandle, words[1]), *arguments)
        self.ok()

    def do_verify(self, _, words):
        self.begin(words, StoreHandle.verify)

    def do_backup(self, _, words):
        self.begin(words, StoreHandle.backup, self.text(words[2]), self.options(words[3:]).get("keep", 0))

    def do_document_list(self, _, words):
        self.begin(words, StoreHandle.document_list, self.text(words[2]))

    def do_write_begin(self, command, words):
        self.begin(words, lambda store: getattr(store, command)(**self.options(words[2:])))

    do_read_begin = do_tail_begin = do_serve_begin = do_write_begin

    def do_query_begin(self, _, words):
        self.begin(words, lambda store: store.query_begin(self.text(words[2]), **self.options(words[3:])))

    def do_write_append(self, _, words):
        self.handle(WriterHandle, words[0]).append(self.text(words[1]))
        self.ok()

    def do_write_end(self, _, words):
        keys = self.handle(WriterHandle, words[0]).finish()
        self.ok(len(keys))
        for key in keys:
            self.show("|", str(key))

    def do_read_next(self, _, words):
        self.event(self.handle(ReaderHandle, words[0]).next(), "STELE_DONE")

    def do_tail_next(self, _, words):
        self.event(self.handle(TailHandle, words[0]).next(int(words[1])), "STELE_TIMED_OUT")

    def event(self, event, otherwise):
        if event is None:
            print("=", otherwise)
        else:
            self.ok(event[0])
            self.show("|", event[1])

    def do_read_next_batch(self, _, words):
        self.records(self.handle(ReaderHandle, words[0]).next_batch, int(words[1]))

    def do_rows_next_batch(self, _, words):
        self.records(self.handle(RowsHandle, words[0]).next_batch, int(words[1]), keys=False)

    def do_tail_next_batch(self, _, words):
        self.records(self.handle(TailHandle, words[0]).next_batch, int(words[2]), int(words[1]))

    def do_get(self, _, words):
        text = self.handle(StoreHandle, words[0]).get(Key.parse(words[1]))
        self.ok()
        self.show("|", text)

    def do_delete_keys(self, _, words):
        keys = []
        for word in words[1:]:
            key, _, times = word.partition("*")
            keys += [Key.parse(key)] * int(times or 1)
        self.ok(self.handle(StoreHandle, words[0]).delete_keys(keys))

    def do_delete(self, _, words):
        self.ok(self.handle(StoreHandle, words[0]).delete(**self.options(words[1:])))

    def do_document_set(self, _, words):
        self.handle(StoreHandle, words[0]).document_set(self.text(words[1]), self.text(words[2]))
        self.ok()

    def do_document_get(self, _, words):
        text = self.handle(StoreHandle, words[0]).document_get(self.text(words[1]))
        self.ok()
        self.show("|", text)

    def do_document_delete(self, _, words):
        self.handle(StoreHandle, words[0]).document_delete(self.text(words[1]))
        self.ok()

    def do_statistics(self, _, words):
        text = self.handle(StoreHandle, words[0]).statistics()
        self.ok()
        self.picks(text, words[1:])

    def do_rows_describe(self, _, words):
        text = self.handle(RowsHandle, words[0]).describe()
        self.ok()
        self.picks(text, words[1:])

    def do_rows_next(self, _, words):
        text = self.handle(RowsHandle, words[0]).next()
        if text is None:
            print("= STELE_DONE")
        else:
            self.ok()
            self.picks(text, words[1:])

    def do_tail_position(self, _, words):
        self.ok(self.handle(TailHandle, words[0]).position())

    def do_serve_urls(self, _, words):
        text = self.handle(ServerHandle, words[0]).urls()
        found = re.search(rb"127\.0\.0\.1:([0-9]+)", text)
        self.port = found[1].decode() if found else self.port
        self.ok()
        self.show("|", text)

    # What ends something, or asks for nothing else.

    PLAIN = {
        "close": (StoreHandle, "end"),
        "flush": (StoreHandle, "flush"),
        "write_abandon": (WriterHandle, "end"),
        "read_end": (ReaderHandle, "end"),
        "rows_end": (RowsHandle, "end"),
        "tail_end": (TailHandle, "end"),
        "serve_end": (ServerHandle, "end"),
    }

    def do_cancel(self, _, words):
        self.handle(type(self.handles.get(words[0], StoreHandle(0, owned=False))), words[0]).cancel()
        self.ok()

    def other(self, command, words):
        kind, method = self.PLAIN[command]
        getattr(self.handle(kind, words[0]), method)()
        self.ok()


def main(script, directory):
    runner = Runner(directory)
    with open(script, encoding="utf-8", newline="\n") as f:
        for line in f.read().split("\n")[:-1]:
            if line[:1] in ("=", "|", "!"):
                continue
            print(line)
            if line and not line.startswith("#"):
                runner.run(line)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    main(*sys.argv[1:])
