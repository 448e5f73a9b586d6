#pragma once

#include <kiln/data/annotations/annotations.h>

namespace kiln::data {

// A list of pictures in a file of its own, by which nothing in the folder of pictures needs to move. By its
// ending .csv (RFC 4180: commas, quotes), .tsv (tabs) or .jsonl (a JSON object a line), UTF-8.
//
// Columns of the first line, or keys: `path` (from the manifest's folder), and as many of these as are known:
// `label` (a class's name), `labels` (several: a JSON list), `split`, `group`, `slice`, `weight`, `width`,
// `height`, `boxes`, which in a table is the JSON that it is in .jsonl:
//   [{"box": [left, top, width, height], "label": "cat", "crowd": true, "difficult": true,
//     "polygons": [[x, y, ...]], "mask": {"size": [height, width], "counts": "text"}}]
// Others are passed over. A first line {"classes": ["cat", ...]} of .jsonl gives the classes in their order;
// its "packed" names the file of packed pictures in which the pictures lie, from the manifest's folder.
//
// Throws an Error that names the file and the line for damaged forms; what is wrong with one picture (no
// path, a path that comes twice, an unknown class, a bad number or box) is a problem of AnnotationOptions.
Annotations read_manifest(const std::string& path, const AnnotationOptions& options = {});

// Everything, with paths from the manifest's folder where pictures lie in it, absolute ones else. A table
// does not keep classes that no picture has, nor another order than the sorted one; .jsonl keeps all. Throws
// for a table of packed pictures. The file appears whole or not at all.
void write_manifest(const std::string& path, const Annotations& annotations);

}  // namespace kiln::data
