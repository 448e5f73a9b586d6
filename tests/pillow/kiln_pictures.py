"""Kiln's picture functions from Python, by the server beside this file."""
import json
import subprocess

import numpy


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
