#pragma once

// Everything a program that trains a network needs.
