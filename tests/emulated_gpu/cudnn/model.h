#pragma once

// Which GPU cuDNN is told of: a description in its own JSON (cudnn/models/NAME.json). h100, unless
// KILN_GPU_MODEL or set_model says otherwise.

#include <cudnn.h>

#include <string>

namespace kiln::emulated {

// Plans that are made from now on are for this model.
void set_model(const std::string& name);
// cuDNN's descriptor of the model, null where there is no such description.
cudnnBackendDescriptor_t model_descriptor();

// cuDNN's own function, in place of which cudnn.cpp has one.
cudnnStatus_t real_set_attribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                 cudnnBackendAttributeType_t type, int64_t count, const void* values);

}  // namespace kiln::emulated
