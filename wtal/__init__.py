"""wtal: a reproducible benchmark suite for weakly-supervised temporal action localisation."""

__version__ = "0.1.0"
