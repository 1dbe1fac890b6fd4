"""From scores to proposals, segments and pseudo labels; the same code for labels and for detection."""
