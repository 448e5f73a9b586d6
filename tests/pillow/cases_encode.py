"""What Kiln writes, as Pillow reads it, and beside what Pillow writes."""
import io

import numpy
from PIL import Image

from cases_decode import SIZES, saved
from kiln_pictures import Case, image_of, noise, planes


def opened(data):
    return planes(Image.open(io.BytesIO(data.tobytes())))


def cases(rng):
    for height, width in SIZES:
        for channels in (1, 2, 3, 4):
            picture = noise(rng, channels, height, width)
            yield Case(f"PNG {picture.shape}",
                       lambda kiln: opened(kiln.on_picture("encode", picture, channels % 2 == 0, format="png")),
                       lambda: picture)
        for channels in (1, 3):
            picture, quality = noise(rng, channels, height, width), int(rng.integers(1, 101))
            yield Case(f"JPEG {picture.shape} {quality}",
                       lambda kiln: kiln.on_picture("encode", picture, format="jpeg", quality=quality),
                       lambda: numpy.frombuffer(saved(image_of(picture), "JPEG", quality=quality), numpy.uint8))
