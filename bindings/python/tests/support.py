"""What the tests have in common."""

import os
import subprocess
import sys
import tempfile
import unittest

import stele

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))


def event(n, **members):
    return {"@t": f"2026-01-01T00:00:{n:02d}Z", "@mt": "Event {N}", "N": n, **members}


class StoreTest(unittest.TestCase):
    """A test with a store in a directory of its own, which is closed behind it and was not damaged."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "events")
        self.store = stele.open(self.path)
        self.addCleanup(self._close)

    def _close(self):
        if not self.store.closed:
            self.assertEqual(self.store.verify()["Damage"], [])
        self.store.close()

    def numbers(self, **arguments):
        with self.store.read(**arguments) as events:
            return [e["N"] for e in events]

    def python(self, code, *arguments, **keywords):
        """Runs code in another Python and gives what it printed."""
        done = subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments], capture_output=True, text=True, timeout=60, **keywords)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout
