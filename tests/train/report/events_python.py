"""Reads a run with TensorBoard's own reader and says what it found, for events_test.cpp."""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import logging

logging.disable(logging.CRITICAL)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0, "histograms": 0, "images": 0})
run.Reload()
scalars = run.Scalars("loss/train")
print("scalars", len(scalars), "last", scalars[-1].step, scalars[-1].value, "first", scalars[0].value)
print("text", run.Tensors("notes")[0].tensor_proto.string_val[0].decode())
histogram = run.Histograms("weights")[0]
value = histogram.histogram_value
print("histogram step", histogram.step, "min", value.min, "max", value.max, "num", value.num, "sum", value.sum,
      "squares", value.sum_squares, "counts", sum(value.bucket))
for tag in sorted(run.Tags()["images"]):
    for image in run.Images(tag):
        open(os.path.join(sys.argv[1], tag + ".png"), "wb").write(image.encoded_image_string)
        print("image", tag, "step", image.step, image.width, "x", image.height)
