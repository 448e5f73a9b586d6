#pragma once

#include <kiln/autograd/autocast.h>
#include <kiln/autograd/engine.h>
#include <kiln/autograd/grad_mode.h>
#include <kiln/autograd/gradcheck.h>
#include <kiln/autograd/ops.h>
#include <kiln/autograd/record.h>
#include <kiln/data/data.h>
#include <kiln/image/image.h>
#include <kiln/io/io.h>
#include <kiln/metrics/metrics.h>
#include <kiln/models/models.h>
#include <kiln/nn/nn.h>
#include <kiln/optim/optim.h>
#include <kiln/profile/profile.h>
#include <kiln/tensor/base/error.h>
#include <kiln/tensor/base/version.h>
#include <kiln/tensor/settings.h>
#include <kiln/tensor/value/surgery.h>
#include <kiln/train/train.h>

// Last: it defines a macro.
#include <kiln/autograd/std.h>
