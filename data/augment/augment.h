#pragma once

#include <kiln/data/augment/choose.h>
#include <kiln/data/augment/colour.h>
#include <kiln/data/augment/move.h>
#include <kiln/data/augment/parts.h>
#include <kiln/data/augment/policy.h>
#include <kiln/data/augment/scene.h>
