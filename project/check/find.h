#pragma once

#include <kiln/project/check/check.h>
#include <kiln/project/check/picture_facts.h>

// Internal: the parts of check_data. Each adds its findings.

namespace kiln::project {

void find_in_files(const data::Annotations& set, const std::vector<PictureFacts>& facts,
                   const CheckOptions& options, Check& check);
void find_copies(const data::Annotations& set, const std::vector<PictureFacts>& facts, bool similar,
                 Check& check);
void find_in_labels(const data::Annotations& set, const std::vector<PictureFacts>& facts,
                    const CheckOptions& options, Check& check);

}  // namespace kiln::project
