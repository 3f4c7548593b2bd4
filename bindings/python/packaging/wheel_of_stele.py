"""Builds the wheel (PEP 517): the package, and Stele's library inside it as stele/native. Standard library only.

The library comes from the directory STELE_LIB, or else from bin/capi of the repository. The wheel has no code of one Python version, so it is
py3-none and the platform's.
"""

import base64
import hashlib
import os
import re
import sysconfig
import zipfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
LIBRARIES = {"libstele.so": "libstele.so.1", "libstele.dylib": "libstele.dylib", "stele.dll": "stele.dll"}  # where it is made, in the wheel


def _project():
    """The few values of pyproject.toml that the wheel's metadata have; tomllib is only there from 3.11 on."""
    with open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as f:
        text = f.read()
    values = dict(re.findall(r'^([a-z-]+) = "(.*)"$', text, re.MULTILINE))
    values["license"] = re.search(r'^license = \{ text = "(.*)" \}$', text, re.MULTILINE)[1]
    values["keywords"] = ",".join(re.findall(r'"(.*?)"', re.search(r"^keywords = \[(.*)\]$", text, re.MULTILINE)[1]))
    values["classifiers"] = re.findall(r'^    "(.*)",$', text, re.MULTILINE)
    return values


def _metadata(project):
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        readme = f.read()
    lines = [
        "Metadata-Version: 2.1",
        "Name: " + project["name"],
        "Version: " + project["version"],
        "Summary: " + project["description"],
        "License: " + project["license"],
        "Keywords: " + project["keywords"],
        "Requires-Python: " + project["requires-python"],
        *("Classifier: " + c for c in project["classifiers"]),
        "Description-Content-Type: text/markdown",
        "",
        readme,
    ]
    return "\n".join(lines)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = _project()
    library = os.environ.get("STELE_LIB") or os.path.join(ROOT, "..", "..", "bin", "capi")
    found = [name for name in LIBRARIES if os.path.exists(os.path.join(library, name))]
    if not found:
        raise FileNotFoundError(f"Stele's library is not in {library}: run make capi, or set STELE_LIB")
    tag = "py3-none-" + re.sub("[-.]", "_", sysconfig.get_platform())
    wheel_name = f"{project['name']}-{project['version']}-{tag}.whl"
    info = f"{project['name']}-{project['version']}.dist-info/"
    record = []

    with zipfile.ZipFile(os.path.join(wheel_directory, wheel_name), "w", zipfile.ZIP_DEFLATED) as wheel:

        def add(name, data, mode=0o644):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            wheel.writestr(entry, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}\n")

        def read(*path):
            with open(os.path.join(*path), "rb") as f:
                return f.read()

        for name in sorted(os.listdir(os.path.join(ROOT, "stele"))):
            if name.endswith(".py") or name == "py.typed":
                add("stele/" + name, read(ROOT, "stele", name))
        add("stele/native/" + LIBRARIES[found[0]], read(library, found[0]), 0o755)
        add(info + "METADATA", _metadata(project).encode())
        add(info + "WHEEL", f"Wheel-Version: 1.0\nGenerator: {__name__}\nRoot-Is-Purelib: false\nTag: {tag}\n".encode())
        record.append(info + "RECORD,,\n")
        wheel.writestr(info + "RECORD", "".join(record))
    return wheel_name
