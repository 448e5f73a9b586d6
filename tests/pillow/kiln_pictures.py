"""Kiln's picture functions from Python, by the server beside this file."""
import json
import subprocess

import numpy
from PIL import Image


class KilnError(Exception):
    pass


class Kiln:
    def __init__(self, server):
        self.process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, op, data, **arguments):
        request = dict(arguments, op=op, bytes=len(data))
        self.process.stdin.write(json.dumps(request).encode() + b"\n" + data)
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise KilnError(answer["error"])
        dtype, shape = numpy.dtype(answer["dtype"]), answer["shape"]
        size = int(numpy.prod(shape)) * dtype.itemsize
        return numpy.frombuffer(self.process.stdout.read(size), dtype).reshape(shape)

    def on_picture(self, op, picture, interleaved=False, **arguments):
        """picture: uint8 [C,H,W]"""
        data = picture.transpose(1, 2, 0) if interleaved else picture
        return self.call(op, numpy.ascontiguousarray(data).tobytes(), shape=list(picture.shape), interleaved=interleaved,
                         **arguments)


def planes(image):
    """A Pillow image as [C,H,W]."""
    array = numpy.asarray(image)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


class Case:
    """kiln: a function of a Kiln; expected: a function; both give an array."""

    def __init__(self, name, kiln, expected):
        self.name, self.kiln, self.expected = name, kiln, expected


def noise(rng, channels, height, width):
    """Smooth in part, so that filters ring and JPEG's blocks are of all kinds. uint8 [C,H,W]"""
    y, x = numpy.mgrid[:height, :width]
    waves = [127 + 120 * numpy.sin(x * rng.uniform(0, 0.8) + y * rng.uniform(0, 0.8)) for _ in range(channels)]
    picture = numpy.stack(waves)
    where = rng.random((height, width)) < 0.3
    picture[:, where] = rng.integers(0, 256, (channels, int(where.sum())))
    return numpy.clip(picture, 0, 255).astype(numpy.uint8)


def image_of(picture):
    """A Pillow image of [C,H,W]."""
    if len(picture) == 1:
        return Image.fromarray(picture[0])
    return Image.fromarray(numpy.ascontiguousarray(picture.transpose(1, 2, 0)), {2: "LA", 3: "RGB", 4: "RGBA"}[len(picture)])
