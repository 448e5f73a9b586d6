"""Writes tests/image/fixtures: small pictures by Pillow (9.4 was used) and by tests/pillow/cases_decode.py, and expected.txt
with the CRC-32 of the pixels that Pillow sees in them.

usage: python3 tests/image/make_fixtures.py
"""
import pathlib
import sys
import zlib

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pillow"))
from cases_decode import MODES, decoded, jpegs, others, pngs

SIZE = "13x17"
KINDS = ("JPEG {} 0 False", "JPEG {} 1 False", "JPEG {} 2 True", "JPEG {} grey", "JPEG {} CMYK", "PNG {}x1", "PNG {}x2",
         "PNG {}x3", "PNG {}x4", "PNG {} palette of 1 bits", "PNG {} clear palette of 4 bits", "PNG {} grey of 2 bits",
         "PNG {} colour 6 of 16 bits", "PNG {} colour 2 interlaced", "PNG {} palette interlaced", "PNG {} clear colour",
         "BMP {}", "BMP {} palette", "BMP {} bits", "TGA {}", "TGA {} packed", "TGA {} alpha", "PPM {}", "PBM {}",
         "PGM {} to 200", "GIF {} 0", "GIF {} 1 clear")


def main():
    folder = HERE / "fixtures"
    folder.mkdir(exist_ok=True)
    rng = numpy.random.default_rng(0)
    wanted = {kind.format(SIZE) for kind in KINDS}
    lines = []
    for kind in (jpegs, pngs, others):
        for name, data in kind(rng):
            if name not in wanted:
                continue
            ending = name.split()[0].lower()
            file = name.lower().replace(" ", "_").replace("_" + SIZE, "").replace(SIZE, "") + "." + ending
            (folder / file).write_bytes(data)
            lines += [f"{file} {mode} {zlib.crc32(decoded(data, mode).tobytes()):08x}" for mode in MODES]
    (folder / "expected.txt").write_text("\n".join(lines) + "\n")


main()
