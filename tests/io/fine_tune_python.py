"""Goes on in Python where Kiln stopped: fine_tune_python.py FILE."""
import sys

import torch

checkpoint = torch.load(sys.argv[1])
head = torch.nn.Linear(3, 2)
state = checkpoint["state_dict"]
head.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("head.")})
optimizer = torch.optim.SGD(head.parameters(), lr=1)
optimizer.load_state_dict(checkpoint["optimizer"])
head(torch.ones(1, 3)).sum().backward()
optimizer.step()
group = optimizer.param_groups[0]
print(group["lr"], group["momentum"], len(optimizer.state), checkpoint["epoch"])
