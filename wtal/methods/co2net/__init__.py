"""CO2-Net: two streams that filter each other (Hong et al., ACM MM 2021); DELU: the same with evidence (ECCV 2022)."""
