"""From overlapping proposals to segments, a fusion a file: Gaussian weighted fusion, NMS, soft-NMS, support filter."""
