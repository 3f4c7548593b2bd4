"""The README's examples do what it says."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Readme(unittest.TestCase):
    def test_examples(self):
        with open(os.path.join(HERE, "..", "README.md"), encoding="utf-8") as f:
            examples = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", f.read(), re.DOTALL)
        self.assertEqual(len(examples), 2)
        for code, output in examples:
            with tempfile.TemporaryDirectory() as directory:
                done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=directory, capture_output=True, text=True, timeout=60)
            self.assertEqual((done.stderr, done.stdout), ("", output))
