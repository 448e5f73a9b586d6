#!/usr/bin/python3
"""Writes models/published.cpp: the weights that torchvision publishes for its classifiers, a row each.

make_published.py NEWER > models/published.cpp, with Debian's python3-torchvision (0.14.1). NEWER is the folder
`torchvision/models` of 0.15 or later, which also says how many operations a network does (`_ops`); it is only read.
"""
import ast
import os
import sys

from torchvision import models

HEAD = """#include <kiln/models/published.h>

// Written by tests/models/make_published.py from torchvision's own descriptions.

namespace kiln::nn::models {

namespace {

using image::Interpolation;
constexpr Interpolation kBilinear = Interpolation::bilinear, kBicubic = Interpolation::bicubic;

constexpr PublishedRow kRows[] = {
    // model, weights, file, default, resize, crop, interpolation, parameters, acc@1, acc@5, GMACs
"""
TAIL = """};

}  // namespace

std::span<const PublishedRow> published_rows() { return kRows; }

}  // namespace kiln::nn::models
"""


def operations(folder):
    """{(class of weights, weights): _ops} by the newer source, without running it."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".py"):
            continue
        with open(os.path.join(folder, name)) as source:
            classes = [node for node in ast.parse(source.read()).body if isinstance(node, ast.ClassDef)]
        for one in classes:
            for line in (node for node in one.body if isinstance(node, ast.Assign)):
                meta = {word.arg: word.value for word in getattr(line.value, "keywords", [])}.get("meta")
                for key, value in zip(meta.keys, meta.values) if isinstance(meta, ast.Dict) else []:
                    if getattr(key, "value", None) == "_ops":
                        found[one.name, line.targets[0].id] = value.value
    return found


def main():
    ops = operations(sys.argv[1])
    sys.stdout.write(HEAD)
    for name in sorted(models.list_models(module=models)):
        weights = models.get_model_weights(name)
        for one in weights:
            preset, file = one.transforms(), one.url.split("/")[-1]
            metrics = one.meta["_metrics"]["ImageNet-1K"]
            acc = [0 if metrics[k] != metrics[k] else metrics[k] for k in ("acc@1", "acc@5")]
            fields = [f'"{name}"', f'"{one.name}"', f'"{file}"', str(one is weights.DEFAULT).lower(),
                      preset.resize_size[0], preset.crop_size[0], "k" + preset.interpolation.value.capitalize(),
                      one.meta["num_params"], acc[0], acc[1], ops.get((type(one).__name__, one.name), 0)]
            sys.stdout.write("    {" + ", ".join(map(str, fields)) + "},\n")
    sys.stdout.write(TAIL)


if __name__ == "__main__":
    main()
