"""The raw floor is the header's."""

import ctypes
import os
import re
import unittest

from stele import _errors, _raw
from support import ROOT

HEADER = os.path.join(ROOT, "include", "stele.h")
STRUCTS = {
    "stele_version_info": _raw.VersionInfo,
    "stele_bound": _raw.Bound,
    "stele_range": _raw.Range,
    "stele_options": _raw.OpenOptions,
    "stele_write_options": _raw.WriteOptions,
    "stele_read_options": _raw.ReadOptions,
    "stele_query_options": _raw.QueryOptions,
    "stele_tail_options": _raw.TailOptions,
    "stele_serve_options": _raw.ServeOptions,
}


def kind(parameter):
    if "*" in parameter:
        return "P"
    name = re.match(r"(?:const )?(\w+)", parameter)[1]
    return {"size_t": "n", "uint32_t": "u"}.get(name, "h")


@unittest.skipUnless(os.path.exists(HEADER), "skipped: include/stele.h is not here")
class Header(unittest.TestCase):
    def setUp(self):
        with open(HEADER, encoding="utf-8") as f:
            self.text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.DOTALL)

    def test_functions(self):
        declared = {name: "".join(map(kind, parameters.split(", "))) for name, parameters in re.findall(r"^STELE_API stele_result stele_(\w+)\((.*)\);", self.text, re.MULTILINE)}
        self.assertEqual(_raw.FUNCTIONS, declared)

    def test_results(self):
        declared = {int(n): name for name, n in re.findall(r"^    (STELE_\w+) += (\d+),?", self.text[: self.text.index("stele_store;")], re.MULTILINE)}
        self.assertEqual({code: _raw.result_name(code) for code in declared}, declared)
        self.assertEqual(set(_errors._CLASSES), {n for n in declared if n >= 10})

    def test_structs(self):
        for name, struct in STRUCTS.items():
            with self.subTest(name):
                body = re.search(r"typedef struct " + name + r" \{(.*?)\}", self.text, re.DOTALL)[1]
                fields = re.findall(r"(\w+)(?:\[\d+\])?(?=[,;])", body)
                self.assertEqual([f.rstrip("_") for f, *_ in struct._fields_], fields)
        self.assertEqual([ctypes.sizeof(s) for s in STRUCTS.values()], [80, 32, 64, 72, 32, 48, 48, 40, 48])

    def test_the_abi(self):
        self.assertIn(f"#define STELE_ABI_VERSION {_raw.ABI_VERSION}\n", self.text)
