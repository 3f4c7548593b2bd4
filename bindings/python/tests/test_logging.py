import io
import logging
import threading

from unittest import mock

import stele
from support import StoreTest, event


class Handlers(StoreTest):
    def setUp(self):
        super().setUp()
        self.logger = logging.getLogger("test." + self.id())
        self.logger.propagate = False
        self.logger.setLevel(1)

    def attach(self, *arguments, **keywords):
        handler = stele.LogHandler(*arguments, **keywords)
        self.addCleanup(handler.close)
        self.addCleanup(self.logger.removeHandler, handler)
        self.logger.addHandler(handler)
        return handler

    def logged(self):
        with self.store.read() as events:
            return [{n: v for n, v in e.data.items() if n not in ("@t", "Logger", "Thread", "@l")} for e in events]

    def test_templates(self):
        handler = self.attach(self.store)
        self.logger.info("plain {braces}")
        self.logger.info("%s has %d of 100%%", "x", 3)
        self.logger.info("%(who)s", {"who": "me"})
        self.logger.info("%.1f and %r", 2.25, "r")
        self.logger.info(["no", "text"])
        self.logger.info("extra", extra={"List": (1, {"a": object}), "Nan": float("nan"), "@odd": True})
        handler.flush()
        logged = self.logged()
        self.assertEqual(
            logged[:5],
            [
                {"@mt": "plain {{braces}}"},
                {"@mt": "{0} has {1} of 100%", "0": "x", "1": 3},
                {"@mt": "{who}", "who": "me"},
                {"@mt": "{0} and {1}", "@m": "2.2 and 'r'", "0": 2.25, "1": "r"},
                {"@m": "['no', 'text']"},
            ],
        )
        self.assertEqual(logged[5], {"@mt": "extra", "List": [1, {"a": "<class 'object'>"}], "Nan": "nan", "@@odd": True})
        with self.store.query("select @Message from stream") as rows:
            self.assertEqual([row[0] for row in rows][:4], ["plain {braces}", "x has 3 of 100%", "me", "2.2 and 'r'"])

    def test_exceptions_and_levels(self):
        handler = self.attach(self.store, level=logging.WARNING)
        self.logger.info("below")
        try:
            1 / 0
        except ZeroDivisionError:
            self.logger.exception("failed")
        handler.flush()
        with self.store.read(filter="@Level = 'ERROR' and @Exception like '%ZeroDivisionError%'") as events:
            self.assertEqual([e["@mt"] for e in events], ["failed"])
        self.assertEqual(self.store.statistics()["Events"], 1)

    def test_a_formatter(self):
        self.attach(self.store).setFormatter(logging.Formatter("<%(message)s>"))
        self.logger.info("a %s", 1)
        self.logger.handlers[0].flush()
        self.assertEqual(self.logged(), [{"@mt": "a {0}", "@m": "<a 1>", "0": 1}])

    def test_many_threads(self):
        handler = self.attach(self.store)
        threads = [threading.Thread(target=lambda: [self.logger.info("%d", i) for i in range(1500)]) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        handler.flush()
        self.assertEqual((self.store.statistics()["Events"], handler.dropped, handler.lost, handler.error), (4500, 0, 0, None))

    def test_a_store_of_its_own(self):
        handler = self.attach(self.path + "2")
        self.logger.info("one")
        handler.close()
        self.logger.info("too late")
        handler.close()
        self.assertEqual(handler.dropped, 1)
        with stele.open(self.path + "2") as store:
            self.assertEqual(store.statistics()["Events"], 1)

    def test_nothing_is_raised(self):
        handler = self.attach(self.store)
        with mock.patch("sys.stderr", io.StringIO()) as stderr:
            self.logger.info("%d", "no number")
        self.assertIn("Logging error", stderr.getvalue())
        self.logger.info("x" * 300_000)
        self.logger.info("good")
        handler.flush()
        self.assertEqual(handler.lost, 1)
        self.assertIsInstance(handler.error, stele.TooLargeError)
        self.assertEqual(self.logged(), [{"@mt": "good"}])
        self.store.close()
        self.logger.info("the store is closed")
        handler.flush()
        self.assertEqual(handler.lost, 2)

    def test_a_full_queue_and_a_full_disk(self):
        self.store.close()
        self.store = stele.open(self.path, min_free_bytes=2**62)
        handler = self.attach(self.store, capacity=10, interval=0.01)
        for i in range(15):
            self.logger.info("%d", i)
        handler.flush(0.1)
        self.assertEqual((handler.dropped, handler.lost), (5, 0))
        self.assertIsInstance(handler.error, stele.FullError)
        write = self.store.write
        with stele.open(self.path + "2") as other:  # there is room again
            with mock.patch.object(self.store, "write", other.write):
                handler.flush()
            self.assertEqual((other.statistics()["Events"], handler.lost), (10, 0))
        self.assertEqual(self.store.write, write)

    def test_at_exit(self):
        self.python("import logging, sys, stele; logging.getLogger().addHandler(stele.LogHandler(sys.argv[1])); logging.error('last words')", self.path + "2")
        with stele.open(self.path + "2") as store, store.read() as events:
            self.assertEqual([e["@mt"] for e in events], ["last words"])
