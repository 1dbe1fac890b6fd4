"""RSKP: prototypes by expectation maximisation, a random walk, a memory (Huang et al., CVPR 2022)."""
