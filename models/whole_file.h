#pragma once

#include <kiln/io/load.h>
#include <kiln/models/model.h>

// A whole network in one file: what rebuilds it, its weights, and what people have to know of it.
//
//     models::Model net = models::create("resnet18", {.num_classes = 2, .weights = "resnet18-f37072fd.pth"});
//     net.card.class_names = {"defective", "sound"};
//     models::save(net, "cells.kiln");
//     models::Model same = models::load("cells.kiln");

namespace kiln::nn::models {

// Writes a .kiln file (or a .pth, which torch.load reads as a dict) by io::save, whole or not at all. The
// card names an architecture that create knows; throws when it would make other weights than the network has,
// as after a change by hand.
void save(const Model& net, const std::string& path, const io::SaveOptions& options = {});
// The same for any network, with a card of its own.
void save(const Module& net, const std::string& path, const Card& card, const io::SaveOptions& options = {});

// Makes the network again, in eval mode, with no code of its user's but what models::add told of. Nothing in
// the file runs, whatever it is. Throws, naming the file, when it is no whole model, when its architecture is
// not known here, and when its weights do not fit. options.dtype counts, and the network goes to
// options.device.
Model load(const std::string& path, const io::LoadOptions& options = {});

// The card alone; weights are not read.
Card load_card(const std::string& path);

// The card in lines, for people.
std::string to_string(const Card& card);

}  // namespace kiln::nn::models
