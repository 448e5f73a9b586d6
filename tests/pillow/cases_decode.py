"""Files that Pillow writes, or that are put together here, as Pillow reads them."""
import io
import struct
import zlib

import numpy
from PIL import Image

from kiln_pictures import Case, image_of, noise, planes

MODES = {"rgb": "RGB", "rgba": "RGBA", "grey": "L"}
SIZES = ((1, 1), (1, 9), (7, 1), (8, 8), (13, 17), (16, 33), (47, 31), (65, 63))


def saved(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def decoded(data, mode):
    image = Image.open(io.BytesIO(data))
    return planes(image.convert(MODES[mode]))


def in_modes(name, data, modes=MODES):
    for mode in modes:
        yield Case(f"{name} as {mode}", lambda kiln, mode=mode: kiln.call("decode", data, mode=mode),
                   lambda mode=mode: decoded(data, mode))


def jpegs(rng):
    for height, width in SIZES:
        rgb, grey = image_of(noise(rng, 3, height, width)), image_of(noise(rng, 1, height, width))
        for subsampling in (0, 1, 2):
            for progressive in (False, True):
                data = saved(rgb, "JPEG", quality=int(rng.integers(20, 100)), subsampling=subsampling,
                             progressive=progressive)
                yield f"JPEG {height}x{width} {subsampling} {progressive}", data
        yield f"JPEG {height}x{width} grey", saved(grey, "JPEG")
        yield f"JPEG {height}x{width} CMYK", saved(rgb.convert("CMYK"), "JPEG")
        yield f"JPEG {height}x{width} optimised", saved(rgb, "JPEG", optimize=True, quality=95)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits, colour, rows, *chunks, interlaced=0):
    """rows: bytes of the picture, each row with its filter byte"""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


def raw_rows(rng, height, row_bytes):
    """Each with one of the five filters."""
    return b"".join(bytes([y % 5]) + rng.integers(0, 256, row_bytes, dtype=numpy.uint8).tobytes() for y in range(height))


def interlaced_rows(rng, height, width, bits):
    """Adam7: the rows of seven pictures"""
    for x, y, across, down in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        columns, rows = len(range(x, width, across)), len(range(y, height, down))
        if columns:
            yield raw_rows(rng, rows, (columns * bits + 7) // 8)


def pngs(rng):
    for height, width in SIZES:
        for channels in (1, 2, 3, 4):
            yield f"PNG {height}x{width}x{channels}", saved(image_of(noise(rng, channels, height, width)), "PNG")
        for bits in (1, 2, 4, 8):
            rows = raw_rows(rng, height, (width * bits + 7) // 8)
            palette = chunk(b"PLTE", rng.integers(0, 256, 3 << bits, dtype=numpy.uint8).tobytes())
            alpha = chunk(b"tRNS", rng.integers(0, 256, 1 << (bits - 1), dtype=numpy.uint8).tobytes())
            yield f"PNG {height}x{width} palette of {bits} bits", png(width, height, bits, 3, rows, palette)
            yield f"PNG {height}x{width} clear palette of {bits} bits", png(width, height, bits, 3, rows, palette, alpha)
            yield f"PNG {height}x{width} grey of {bits} bits", png(width, height, bits, 0, rows)
        for colour, channels in ((2, 3), (4, 2), (6, 4)):
            rows = raw_rows(rng, height, width * channels * 2)
            yield f"PNG {height}x{width} colour {colour} of 16 bits", png(width, height, 16, colour, rows)
            rows = b"".join(interlaced_rows(rng, height, width, channels * 8))
            yield f"PNG {height}x{width} colour {colour} interlaced", png(width, height, 8, colour, rows, interlaced=1)
        palette = chunk(b"PLTE", rng.integers(0, 256, 3 << 2, dtype=numpy.uint8).tobytes())
        rows = b"".join(interlaced_rows(rng, height, width, 2))
        yield f"PNG {height}x{width} palette interlaced", png(width, height, 2, 3, rows, palette, interlaced=1)
        key = struct.pack(">HHH", 7, 8, 9)
        yield f"PNG {height}x{width} clear colour", png(width, height, 8, 2, b"".join(
            b"\0" + bytes((7, 8, 9, 7, 8, 9 + y % 2) * width)[:3 * width] for y in range(height)), chunk(b"tRNS", key))


def others(rng):
    for height, width in SIZES:
        rgb, grey = image_of(noise(rng, 3, height, width)), image_of(noise(rng, 1, height, width))
        for kind in ("BMP", "TGA", "PPM"):
            yield f"{kind} {height}x{width}", saved(rgb, kind)
            yield f"{kind} {height}x{width} grey", saved(grey, kind)
        yield f"BMP {height}x{width} palette", saved(rgb.quantize(40), "BMP")
        yield f"BMP {height}x{width} bits", saved(grey.convert("1"), "BMP")
        yield f"PBM {height}x{width}", saved(grey.convert("1"), "PPM")
        yield f"TGA {height}x{width} packed", saved(rgb, "TGA", compression="tga_rle")
        yield f"TGA {height}x{width} alpha", saved(image_of(noise(rng, 4, height, width)), "TGA")
        for interlace in (0, 1):
            yield f"GIF {height}x{width} {interlace}", saved(rgb.quantize(256), "GIF", interlace=interlace)
            yield f"GIF {height}x{width} {interlace} clear", saved(rgb.quantize(50), "GIF", interlace=interlace,
                                                                  transparency=3)
        most = 200
        yield f"PGM {height}x{width} to {most}", b"P5 # up to 200\n%d %d %d\n" % (width, height, most) + rng.integers(
            0, most + 1, (height, width), dtype=numpy.uint8).tobytes()


def orientations(rng):
    picture = image_of(noise(rng, 3, 13, 22))
    for byte_order in ("<", ">"):
        for orientation in range(1, 9):
            mark = b"II*\0" if byte_order == "<" else b"MM\0*"
            exif = b"Exif\0\0" + mark + struct.pack(byte_order + "IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)
            data = saved(picture, "JPEG", exif=exif)

            def expected(data=data):
                from PIL import ImageOps
                return planes(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
            yield Case(f"orientation {orientation}{byte_order}",
                       lambda kiln, data=data: kiln.call("decode", data, orientation=True), expected)


def cases(rng):
    for kind in (jpegs, pngs, others):
        for name, data in kind(rng):
            yield from in_modes(name, data)
    yield from orientations(rng)
