#pragma once

// Modules, layers, losses and initialisation. Whole networks are in <kiln/models/...>.

#include <kiln/nn/init.h>
#include <kiln/nn/layers/activation.h>
#include <kiln/nn/layers/arrange.h>
#include <kiln/nn/layers/attention.h>
#include <kiln/nn/layers/batch_norm.h>
#include <kiln/nn/layers/blocks.h>
#include <kiln/nn/layers/conv2d.h>
#include <kiln/nn/layers/dropout.h>
#include <kiln/nn/layers/layer_norm.h>
#include <kiln/nn/layers/linear.h>
#include <kiln/nn/layers/loss.h>
#include <kiln/nn/layers/pool2d.h>
#include <kiln/nn/layers/squeeze_excitation.h>
#include <kiln/nn/layers/upsample.h>
#include <kiln/nn/mode_guard.h>
#include <kiln/nn/sequential.h>
#include <kiln/nn/summary.h>
