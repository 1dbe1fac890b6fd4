"""BaS-Net: one classifier seen with and without a filter that suppresses background (Lee et al., AAAI 2020)."""
