import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import stele
from support import StoreTest, event


class Tails(StoreTest):
    def test_order_of_arrival(self):
        self.store.append(event(5))
        with self.store.tail() as tail:
            self.assertEqual(tail.next(5)["N"], 5)
            self.store.append(event(3), event(4))
            self.assertEqual(tail.next(5)["N"], 3)
            position = tail.position
            self.assertEqual(tail.next(5)["N"], 4)
            self.assertIsNone(tail.next(0))
            self.assertIsNone(tail.next(0.15))
        with self.store.tail(after=position) as tail:
            self.assertEqual([e["N"] for e in tail.events(timeout=0.2)], [4])
            self.assertEqual(tail.position, position + 1)
        with self.store.tail(after=None, filter="N = 9") as tail:
            self.store.append(event(8), event(9))
            self.assertEqual(tail.next(5)["N"], 9)

    def test_waiting(self):
        with self.store.tail() as tail:
            later = threading.Timer(0.15, lambda: self.store.append(event(1)))
            later.start()
            self.assertEqual(tail.next()["N"], 1)
            later.join()
            later = threading.Timer(0.15, tail.cancel)
            later.start()
            self.assertEqual(list(tail), [])
            later.join()
            with self.assertRaises(stele.CanceledError):
                tail.next()
        tail = self.store.tail(after=None)
        later = threading.Timer(0.15, self.store.close)
        later.start()
        with self.assertRaises(stele.ClosedError):
            tail.next()
        later.join()
        tail.close()

    def test_large_events(self):
        self.store.close()
        self.store = stele.open(self.path, event_bytes=1 << 20)
        self.store.append(event(1, Text="x" * 500_000))
        with self.store.tail() as tail:
            self.assertEqual(len(tail.next(5)["Text"]), 500_000)
            with self.assertRaises(TypeError):
                tail.batches()

    def test_an_interrupt_loses_no_event(self):
        class Interrupted(BaseException):
            pass

        for after in (0, None):
            with self.store.tail(after=after, filter="N > 2") as tail:
                batch = tail._batch

                def interrupted(call):
                    batch(call)
                    raise Interrupted

                self.store.append(event(2), event(3), event(4))
                with mock.patch.object(tail, "_batch", interrupted), self.assertRaises(Interrupted):
                    tail.next(5)
                self.assertEqual([e["N"] for e in tail.events(0.2)], [3, 4])
                self.store.delete()

    @contextlib.contextmanager
    def interrupted(self, code):
        """Runs code that Ctrl-C is for in another Python, for a minute at most. Who is started in the background ignores SIGINT, and so would its children."""
        code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + code
        with subprocess.Popen([sys.executable, "-c", code, self.path + "2"], stdout=subprocess.PIPE, text=True) as child:
            late = threading.Timer(60, child.kill)
            late.start()
            try:
                yield child
            finally:
                late.cancel()

    def test_interrupts_out_of_a_loop_of_calls(self):
        code = """
import sys, stele
with stele.open(sys.argv[1]) as store:
    store.append(*({"@t": "2026-01-01T00:00:00Z", "N": i} for i in range(1000)))
    for i in range(20):
        try:
            print("calls", flush=True)
            while True:
                with store.read() as events:
                    for event in events:
                        pass
                store.statistics()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    print(store.verify()["Damage"])
"""
        with self.interrupted(code) as child:
            for _ in range(20):
                self.assertEqual(child.stdout.readline(), "calls\n")
                time.sleep(0.01)
                child.send_signal(signal.SIGINT)
                self.assertEqual(child.stdout.readline(), "interrupted\n")
            self.assertEqual(child.stdout.read(), "[]\n")
        self.assertEqual(child.returncode, 0)

    def test_a_storm_of_signals(self):
        code = """
import os, signal, sys, threading, time, stele
seen = 0
def handler(*_):
    global seen
    seen += 1
signal.signal(signal.SIGUSR1, handler)  # after the library was loaded
until = time.monotonic() + float(sys.argv[2])
def storm():
    while time.monotonic() < until:
        os.kill(os.getpid(), signal.SIGUSR1)
with stele.open(sys.argv[1]) as store:
    store.append(*({"@t": "2026-01-01T00:00:00Z", "N": i} for i in range(5000)))
    threading.Thread(target=storm).start()
    while time.monotonic() < until:
        with store.read(read_ahead=True) as events, store.query("select sum(N) from stream group by N % 7") as rows:
            assert len(list(events)) == 5000 and len(list(rows)) == 7
    print(seen > 0, store.verify()["Damage"])
"""
        self.assertEqual(self.python(code, self.path + "2", "20" if os.environ.get("STELE_LONG") else "1"), "True []\n")

    def test_an_interrupt_ends_the_wait(self):
        code = """
import sys, stele
with stele.open(sys.argv[1]) as store, store.tail() as tail:
    print("waits", flush=True)
    try:
        tail.next()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    store.append({"A": 1})
    print(tail.next(5)["A"])
"""
        with self.interrupted(code) as child:
            self.assertEqual(child.stdout.readline(), "waits\n")
            time.sleep(0.2)
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.stdout.read(), "interrupted\n1\n")
        self.assertEqual(child.returncode, 0)


class Forks(StoreTest):
    def test_a_child_is_refused_and_harmless(self):
        code = """
import logging, multiprocessing, os, sys, stele

def ask(_):
    try:
        store.statistics()
    except stele.ForkedError as e:
        return e.name

store = stele.open(sys.argv[1])
reader, writer = store.read(), store.write()
handler = stele.LogHandler(store)
logging.getLogger().addHandler(handler)
logging.error("before")
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(ask, range(4)))
    child = os.fork()
    if child == 0:
        logging.error("in the child")
        handler.flush()
        assert handler.dropped == 1, handler.dropped
        del reader
        try:
            writer.append({"A": 1})
        except stele.ForkedError:
            pass
        sys.exit(7)  # all that runs at exit runs
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    writer.append({"@t": "2026-01-01T00:00:00Z", "@mt": "after"})
    print(len(writer.finish()), len(list(reader)))
    reader.close()
    logging.shutdown()
    print(store.statistics()["Events"])
    store.close()
"""
        done = subprocess.run([sys.executable, "-c", code, self.path + "2"], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.stderr, done.stdout), ("", "['STELE_FORKED', 'STELE_FORKED', 'STELE_FORKED', 'STELE_FORKED']\n7\n1 0\n2\n"))


class Finding(StoreTest):
    def test_a_library_that_is_not_there(self):
        done = subprocess.run(
            [sys.executable, "-c", "import stele"], capture_output=True, text=True, env={**os.environ, "STELE_LIB": self.path, "LD_LIBRARY_PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)}
        )
        if done.returncode:  # unless there is one inside the package, or in the system
            self.assertIn("ImportError: Stele's library cannot be loaded: ", done.stderr)

    def test_what_is_left_open_at_the_end(self):
        self.assertEqual(
            self.python("import sys, stele; s = stele.open(sys.argv[1]); s.append({'A': 1}); r = s.read(); t = s.tail(); w = s.write(); print(1)", self.path + "2"), "1\n"
        )
