#pragma once

#include <kiln/image/colour/blur.h>
#include <kiln/image/colour/colour.h>
#include <kiln/image/compose/paste.h>
#include <kiln/image/decode.h>
#include <kiln/image/encode.h>
#include <kiln/image/move/crop.h>
#include <kiln/image/move/flip.h>
#include <kiln/image/move/pad.h>
#include <kiln/image/move/warp.h>
#include <kiln/image/prepare.h>
#include <kiln/image/resize.h>
