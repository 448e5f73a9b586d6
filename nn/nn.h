#pragma once

// Modules, layers, losses and initialisation. Whole networks are in <kiln/models/...>.

#include <kiln/nn/activation.h>
#include <kiln/nn/batch_norm.h>
#include <kiln/nn/conv2d.h>
#include <kiln/nn/dropout.h>
#include <kiln/nn/flatten.h>
#include <kiln/nn/init.h>
#include <kiln/nn/layer_norm.h>
#include <kiln/nn/linear.h>
#include <kiln/nn/loss.h>
#include <kiln/nn/mode_guard.h>
#include <kiln/nn/pool2d.h>
#include <kiln/nn/sequential.h>
#include <kiln/nn/summary.h>
