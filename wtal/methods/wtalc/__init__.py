"""W-TALC: pooled snippet logits, and videos of one class that are alike where it is (Paul et al., ECCV 2018)."""
