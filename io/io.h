#pragma once

#include <kiln/io/load.h>
#include <kiln/io/open.h>
