"""Resizing, cropping and all that a preset does."""
import io

import numpy
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import functional

from cases_decode import saved
from kiln_pictures import Case, image_of, noise, planes

FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
MODES = {name: getattr(transforms.InterpolationMode, name.upper()) for name in FILTERS}
PRESETS = ((256, 224, "bilinear"), (232, 224, "bilinear"), (224, 224, "bicubic"), (342, 299, "bilinear"), (48, 64, "bicubic"),
           (33, 32, "lanczos"), (64, 41, "nearest"))


def sizes(rng, count):
    """height, width of a picture and of what is made of it; each kind of change in each direction"""
    for i in range(count):
        height, width = (int(rng.integers(1, 90)) for _ in range(2))
        yield height, width, height if i % 7 == 0 else int(rng.integers(1, 99)), width if i % 6 == 0 else int(rng.integers(1, 99))


def box_of(rng, height, width):
    left, right = sorted(rng.uniform(0, width, 2))
    top, bottom = sorted(rng.uniform(0, height, 2))
    box = [float(numpy.float32(x)) for x in (left, top, right, bottom)]
    if rng.random() < 0.4:
        box = [float(int(x)) for x in box]
    return box if box[0] < box[2] and box[1] < box[3] else None


def resizes(rng):
    for i, (height, width, new_height, new_width) in enumerate(sizes(rng, 600)):
        name, channels = list(FILTERS)[i % 4], int(rng.integers(1, 5))
        picture = noise(rng, channels, height, width)
        box = box_of(rng, height, width) if i % 3 == 0 else None
        arguments = {"box": box} if box else {}
        yield Case(f"resize {picture.shape} to {new_height}x{new_width} {name} {box}",
                   lambda kiln: kiln.on_picture("resize", picture, i % 2 == 1, size=[new_height, new_width],
                                                interpolation=name, **arguments),
                   lambda: planes(image_of(picture).resize((new_width, new_height), FILTERS[name], box)))


def without_antialias(rng):
    """PyTorch's own resize of bytes is in float; only where a picture gets larger the two are the same."""
    for height, width, _, _ in sizes(rng, 20):
        picture = noise(rng, 3, height, width)
        size = [height * 2, width * 3]
        yield Case(f"resize {picture.shape} to {size} without antialias",
                   lambda kiln: kiln.on_picture("resize", picture, size=size, antialias=False),
                   lambda: planes(image_of(picture).resize(size[::-1], Image.BILINEAR)))


def crops(rng):
    for height, width, new_height, new_width in sizes(rng, 150):
        height, width = max(height, width // 3), max(width, height // 3)
        picture = noise(rng, 3, height, width)
        yield Case(f"center_crop {height}x{width} to {new_height}x{new_width}",
                   lambda kiln: kiln.on_picture("center_crop", picture, size=[new_height, new_width]),
                   lambda: planes(functional.center_crop(image_of(picture), [new_height, new_width])))
        size = int(rng.integers(4, 50))
        most = int(rng.integers(size + 1, 60)) if rng.random() < 0.5 else None
        yield Case(f"resize_shorter {height}x{width} to {size}, {most}",
                   lambda kiln: kiln.on_picture("shorter", picture, size=size, max_size=most or 0),
                   lambda: planes(functional.resize(image_of(picture), [size], MODES["bilinear"], max_size=most)))


def prepared(image, preset):
    resize, crop, name = preset
    steps = [transforms.Resize(resize, MODES[name]), transforms.CenterCrop(crop), transforms.ToTensor(),
             transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    return transforms.Compose(steps)(image).numpy()


def presets(rng):
    for i in range(120):
        preset = PRESETS[i % len(PRESETS)]
        height, width = (int(rng.integers(20, 420)) for _ in range(2))
        if i % 9 == 0:
            height = preset[0]
        image = image_of(noise(rng, 3, height, width))
        if i % 4 == 0:
            data = saved(image, "PNG", compress_level=1)
        else:
            data = saved(image if i % 5 else image.convert("L" if i % 2 else "CMYK"), "JPEG", subsampling=i % 3,
                         quality=70, progressive=i % 6 == 1)
        arguments = dict(zip(("resize", "crop", "interpolation"), preset))
        expected = lambda: prepared(Image.open(io.BytesIO(data)).convert("RGB"), preset)
        yield Case(f"prepare {height}x{width} {preset} {data[1:4]}", lambda kiln: kiln.call("prepare", data, **arguments),
                   expected)
        yield Case(f"prepare a picture {height}x{width} {preset}",
                   lambda kiln: kiln.on_picture("prepare_picture", kiln.call("decode", data), i % 2 == 0, **arguments),
                   expected)


def cases(rng):
    torch.set_num_threads(1)
    for kind in (resizes, without_antialias, crops, presets):
        yield from kind(rng)
