"""Writes tests/fuzz/regressions: the smallest files that do what a fuzzer once found.

usage: python3 tests/fuzz/make_regressions.py
"""
import json
import math
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "regressions"


def kiln(view, shape=(16,)):
    """A state file with the bytes "w" and a tensor of them. replay_test puts the checksum right."""
    value = {"tensor": "w", **view}
    document = {"version": 1, "crc32c": {"w": "00000000"}, "complex128": [], "value": value}
    header = {
        "__metadata__": {"kiln.crc32c": "00000000", "kiln": json.dumps(document), "format": "pt"},
        "w": {"dtype": "U8", "shape": shape, "data_offsets": [0, math.prod(shape)]},
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + bytes(math.prod(shape))


def view(dtype, shape, strides):
    return {"dtype": dtype, "shape": shape, "strides": strides, "offset": 0}


FILES = {
    # The Error did not name the file.
    "kiln/unknown_dtype": kiln(view("float33", [1], [1])),
    # 2^60 elements were looked at.
    "kiln/broadcast_bool": kiln(view("bool", [1 << 60], [0])),
    # The Error did not name the file: strides that nobody can count, of a tensor without elements.
    "kiln/endless_strides": kiln({"strides": [14, 1 << 60]}, [0, 16]),
    # The Error named the missing file and not the index.
    "shards/missing": b'{"weight_map": {"x": "none.pth"}}',
}

for name, content in FILES.items():
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
