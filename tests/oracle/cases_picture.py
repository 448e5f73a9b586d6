"""Cases of operations on pictures. What is expected is Pillow's or torchvision's, computed here."""
import numpy
import torch
from PIL import Image
from torchvision.transforms import functional as F
from torchvision.transforms import functional_tensor as FT
from torchvision.transforms.functional import InterpolationMode as Mode

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
SIZES = [(1, 1), (1, 7), (6, 1), (2, 2), (5, 3), (13, 17), (64, 49)]
FEW = [(1, 1), (1, 7), (5, 3), (33, 49)]
MODE_OF = {"nearest": Mode.NEAREST, "bilinear": Mode.BILINEAR, "bicubic": Mode.BICUBIC}


class Case:
    def __init__(self, op, inputs, expected, args=None, row=None, bound=0.0, share=0.0, beside="PIL"):
        self.op, self.inputs, self.expected, self.args, self.row = op, inputs, expected, args or {}, row
        self.bound, self.share, self.beside = bound, share if bound else 0.0, beside

    def name(self):
        return f"{self.row or self.op}({', '.join(str(list(x.shape)) for x in self.inputs)}; {self.args})"


def photo(channels, height, width, seed=0):
    """Smooth areas, edges and noise; all byte values occur in the larger ones."""
    g = numpy.random.default_rng([seed, channels, height, width])
    y, x = numpy.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        wave = 127 + 90 * numpy.sin(x / (3.0 + c) + g.random() * 6) * numpy.cos(y / (5.0 - c) + g.random() * 6)
        wave[(x + 2 * y) % 23 < 4] = 255 * (c % 2)
        planes.append(numpy.clip(wave + g.normal(0, 12, wave.shape), 0, 255))
    if channels in (2, 4):
        planes[-1] = numpy.where((x * y) % 7 < 2, 0, numpy.where(x % 5 < 2, 255, planes[-1]))
    return torch.from_numpy(numpy.stack(planes).astype(numpy.uint8))


def pil(x):
    array = x.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array, MODES[array.shape[2]])


def back(picture):
    array = numpy.asarray(picture)
    return torch.from_numpy((array[None] if array.ndim == 2 else array.transpose(2, 0, 1)).copy())


def pictures(channels=(1, 3), sizes=SIZES):
    for c in channels:
        for size in sizes:
            yield photo(c, *size)


def by_pil(op, f, args=None, channels=(1, 3), sizes=SIZES, row=None, **more):
    for x in pictures(channels, sizes):
        yield Case(op, [x], back(f(pil(x))), args, row, **more)
    strided = photo(channels[-1], 40, 51)[:, 3:35:2, 1:44:3]
    yield Case(op, [strided], back(f(pil(strided))), args, row, **more)


def flips():
    yield from by_pil("hflip", F.hflip)
    yield from by_pil("vflip", F.vflip)
    for quarters in (-1, 0, 1, 2, 3, 4):
        yield from by_pil("rot90", lambda p: p.rotate(90 * quarters, expand=True), {"quarters": quarters})
    for window in ([0, 0, 1, 1], [-2, 1, 5, 4], [1, -3, 30, 40], [3, 2, 2, 2]):
        yield from by_pil("crop", lambda p: F.crop(p, *window), {"window": window})
    for size in ([1, 1], [2, 5], [50, 30], [64, 49], [200, 11]):
        yield from by_pil("center_crop", lambda p: F.center_crop(p, size), {"size": size})


def pads():
    for mode in ("constant", "edge", "reflect", "symmetric"):
        for padding in ([0, 0, 0, 0], [1, 2, 3, 4], [9, 0, 5, 11]):
            yield from by_pil("image_pad", lambda p: F.pad(p, padding, 7, mode),
                              {"padding": padding, "mode": mode, "fill": [7]}, row=f"pad {mode}")
        sizes = [(5, 3), (13, 17)]
        yield from by_pil("image_pad", lambda p: F.pad(p, [-1, 2, 3, -2], 0, mode),
                          {"padding": [-1, 2, 3, -2], "mode": mode}, sizes=sizes, row=f"pad {mode}")
    yield from by_pil("image_pad", lambda p: F.pad(p, 3, (1, 2, 3)),
                      {"padding": [3] * 4, "mode": "constant", "fill": [1, 2, 3]}, channels=(3,), row="pad constant")


def rotations():
    for how in MODE_OF:
        for angle in (0, 90, 180, 270, -90, 30, 45, -17.3, 123.456, 359.99, 1e-3):
            for expand in (False, True):
                args = {"angle": angle, "interpolation": how, "expand": expand, "fill": [5]}
                yield from by_pil("rotate", lambda p: F.rotate(p, angle, MODE_OF[how], expand, fill=5), args,
                                  sizes=FEW, row=f"rotate {how}")
        args = {"angle": 33.0, "interpolation": how, "expand": True, "center": [2, 1]}
        yield from by_pil("rotate", lambda p: F.rotate(p, 33, MODE_OF[how], True, [2, 1]), args, row=f"rotate {how}")
        args = {"angle": 33.0, "interpolation": how, "fill": [9]}
        yield from by_pil("rotate", lambda p: p.rotate(33, {"nearest": 0, "bilinear": 2, "bicubic": 3}[how],
                                                       fillcolor=(9,) * len(p.getbands())),
                          args, channels=(2, 4), row=f"rotate {how}, alpha")


def warps():
    for how in MODE_OF:
        for angle, translate, scale, shear in ((0, [0, 0], 1, [0, 0]), (20, [3, -2], 1.3, [0, 0]),
                                               (-50, [0, 1], 0.4, [12, -7]), (0, [2, 3], 0.5, [0, 0]),
                                               (0, [0, 0], 2.7, [0, 0]), (179, [-9, 9], 1, [30.5, 0])):
            args = {"angle": angle, "translate": translate, "scale": scale, "shear": shear, "interpolation": how}
            yield from by_pil("affine", lambda p: F.affine(p, angle, translate, scale, shear, MODE_OF[how]), args,
                              row=f"affine {how}")
        yield from by_pil("affine", lambda p: F.affine(p, 10, [0, 0], 1, [0, 0], MODE_OF[how], 40, [0, 0]),
                          {"angle": 10, "translate": [0, 0], "scale": 1, "shear": [0, 0], "interpolation": how,
                           "fill": [40], "center": [0, 0]}, row=f"affine {how}")
        for h, w in SIZES[4:]:
            start = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
            end = [[w // 5, h // 4], [w - 1 - w // 6, 1], [w - 1, h - 1 - h // 5], [w // 7, h - 1]]
            solved = F._get_perspective_coeffs(start, end)
            args = {"interpolation": how, "fill": [3]}
            expected = lambda p: F.perspective(p, start, end, MODE_OF[how], 3)
            yield from by_pil("perspective", expected, {**args, "coefficients": solved}, sizes=[(h, w)],
                              row=f"perspective {how}, by coefficients")
            # the least squares of float32 put a nearest pixel elsewhere now and then
            yield from by_pil("perspective", expected, {**args, "start": start, "end": end}, sizes=[(h, w)],
                              row=f"perspective {how}, by points", bound=255, share=0.08)


def floats():
    """Mode F."""
    for h, w in SIZES[2:7]:
        x = torch.from_numpy(numpy.random.default_rng(h).normal(0, 1, (1, h, w)).astype(numpy.float32))
        picture = Image.fromarray(x[0].numpy(), "F")
        for how, number in (("nearest", 0), ("bilinear", 2), ("bicubic", 3)):
            expected = torch.from_numpy(numpy.asarray(picture.rotate(25, number)).copy())[None]
            yield Case("rotate", [x], expected, {"angle": 25, "interpolation": how}, row="rotate float32")


def colours():
    for factor in (0.0, 0.3, 0.5, 1.0, 1.37, 2.0, 7.5):
        for op in ("brightness", "contrast", "saturation", "sharpness"):
            f = getattr(F, f"adjust_{op}")
            channels = (1, 3) if op == "saturation" else (1, 2, 3, 4)
            yield from by_pil(f"adjust_{op}", lambda p: f(p, factor), {"factor": factor}, channels=channels, sizes=FEW)
    for turn in (-0.5, -0.31, -0.1, 0.0, 0.02, 0.25, 0.5):
        yield from by_pil("adjust_hue", lambda p: F.adjust_hue(p, turn), {"factor": turn})
    for gamma, gain in ((0.4, 1), (2.2, 1), (1, 1.5)):
        yield from by_pil("adjust_gamma", lambda p: F.adjust_gamma(p, gamma, gain), {"factor": gamma, "gain": gain})
    for channels in (1, 3):
        yield from by_pil("to_grayscale", lambda p: F.to_grayscale(p, channels), {"channels": channels},
                          channels=(1, 3, 4))
    every = torch.arange(2 ** 24, dtype=torch.int32)[torch.randperm(2 ** 24)[:90000]]
    every = torch.stack([(every >> s & 255).to(torch.uint8).reshape(300, 300) for s in (0, 8, 16)])
    yield Case("to_grayscale", [every], back(F.to_grayscale(pil(every))), {"channels": 1})
    yield Case("adjust_hue", [every], back(F.adjust_hue(pil(every), 0.13)), {"factor": 0.13})


def histograms():
    yield from by_pil("invert", F.invert)
    yield from by_pil("autocontrast", F.autocontrast)
    yield from by_pil("equalize", F.equalize)
    narrow = photo(3, 30, 31) // 9 + 100
    for op in ("autocontrast", "equalize"):
        for x in (narrow, narrow * 0 + 3, torch.where(narrow > 105, 255, 0).to(torch.uint8)):
            yield Case(op, [x], back(getattr(F, op)(pil(x))))
    for bits in (0, 1, 4, 8):
        yield from by_pil("posterize", lambda p: F.posterize(p, bits), {"bits": bits})
    for threshold in (0, 100, 127.5, 128, 255, 256):
        yield from by_pil("solarize", lambda p: F.solarize(p, threshold), {"threshold": threshold})


def tensors():
    """What torchvision has for tensors only, or computes in float32."""
    for size, sigma in (([3, 3], [0.8, 0.8]), ([5, 3], [1.5, 0.4]), ([23, 9], [0.1, 2.0]), ([1, 1], [1, 1])):
        args = {"kernel": size[::-1], "sigma_x": sigma[0], "sigma_y": sigma[1]}
        for x in pictures((1, 3), SIZES[5:]):
            yield Case("gaussian_blur", [x], F.gaussian_blur(x, size, sigma), args, bound=1, share=2e-4,
                       beside="tensor")
            yield Case("gaussian_blur", [x / 255], F.gaussian_blur(x / 255, size, sigma), args, bound=1e-6, share=1,
                       row="gaussian_blur float32", beside="tensor")
    for x in pictures((1, 3), SIZES[4:]):
        for window, values in (([1, 0, 3, 2], [7]), ([0, 1, 2, 60], [9] * x.shape[0])):
            v = torch.tensor(values, dtype=torch.uint8)[:, None, None]
            yield Case("erase", [x], F.erase(x, *window, v), {"window": window, "fill": values}, beside="tensor")
        f = x / 255
        rows = [("adjust_brightness", {"factor": 1.4}, lambda: FT.adjust_brightness(f, 1.4)),
                ("adjust_contrast", {"factor": 0.6}, lambda: FT.adjust_contrast(f, 0.6)),
                ("invert", {}, lambda: FT.invert(f)),
                ("solarize", {"threshold": 0.4}, lambda: FT.solarize(f, 0.4))]
        if x.shape[0] == 3:
            rows += [("adjust_saturation", {"factor": 1.7}, lambda: FT.adjust_saturation(f, 1.7)),
                     ("to_grayscale", {"channels": 1}, lambda: FT.rgb_to_grayscale(f))]
        for op, args, expected in rows:
            yield Case(op, [f], expected(), args, bound=1e-6, share=1, row=f"{op} float32", beside="tensor")


def compositions():
    ground = photo(3, 40, 50, 1)
    for top, left in ((0, 0), (5, 7), (-4, -3), (30, 44), (100, 0), (-50, 3)):
        for channels, size in ((3, (13, 17)), (4, (13, 17)), (4, (60, 70)), (3, (1, 1))):
            x, p = photo(channels, *size, 2), pil(ground)
            mask = photo(1, *size, 3)
            args = {"top": top, "left": left}
            if channels == 4:
                p.paste(pil(x).convert("RGB"), (left, top), pil(x))
                yield Case("paste", [ground, x], back(p), args, row="paste RGBA on RGB")
            else:
                p.paste(pil(x), (left, top), pil(mask))
                yield Case("paste", [ground, x, mask], back(p), args, row="paste with a mask")
                p = pil(ground)
                p.paste(pil(x), (left, top))
                yield Case("paste", [ground, x], back(p), args)
    for h, w in SIZES:
        a, b = photo(4, h, w, 4), photo(4, h, w, 5)
        yield Case("alpha_composite", [a, b], back(Image.alpha_composite(pil(a), pil(b))))
    grid = torch.arange(256, dtype=torch.uint8)
    a = torch.stack([torch.full((256, 256), 200, dtype=torch.uint8), grid.expand(256, 256), grid.flip(0).expand(256, 256),
                     grid[:, None].expand(256, 256)])
    b = torch.stack([grid[:, None].expand(256, 256), torch.full((256, 256), 90, dtype=torch.uint8),
                     grid.expand(256, 256), grid.expand(256, 256)])
    yield Case("alpha_composite", [a, b], back(Image.alpha_composite(pil(a), pil(b))))


def cases():
    torch.manual_seed(0)
    for group in (flips, pads, rotations, warps, floats, colours, histograms, tensors, compositions):
        yield from group()
