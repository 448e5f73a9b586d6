"""Prints the rows of sampler_test.cpp that are PyTorch's DistributedSampler without shuffling."""
from torch.utils.data import DistributedSampler

for size, replicas in ((1, 4), (5, 2), (5, 3), (5, 7), (8, 4), (10, 4)):
    for drop in (False, True):
        parts = [list(DistributedSampler(range(size), replicas, rank, shuffle=False, drop_last=drop))
                 for rank in range(replicas)]
        rows = ", ".join("{" + ", ".join(map(str, part)) + "}" for part in parts)
        print(f"      {{{size}, {str(drop).lower()}, {{{rows}}}}},")
