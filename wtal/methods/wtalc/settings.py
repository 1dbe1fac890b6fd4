"""Every setting of W-TALC: its network and the weights of its two losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from wtal.base.ranges import Count, Doc, Ge, Lt, settings
from wtal.suite.contracts import BaseSettings

if TYPE_CHECKING:
    import torch

    from wtal.methods.wtalc.network import Wtalc


@settings
class WtalcSettings(BaseSettings):
    """W-TALC: a linear classifier of snippets, pooled, and a loss of pairs of videos that share a class."""

    # For 100,000 steps. The published decay of 5e-4 went with the mean of 10 gradients, which are summed here.
    published: ClassVar[Mapping[str, object]] = {
        "learning_rate": [{"until": 1, "value": 1e-4}],
        "adam_betas": [0.9, 0.999],
        "weight_decay": 10 * 5e-4,
        "videos_per_step": 10,
        "batch": "paired",
        "pairs": 3,
        "pair_replacement": True,
        "sampling": "crop_pad",
        "sampled_snippets": 750,
    }

    kind: Literal["wtalc"] = "wtalc"
    embedding_size: Annotated[Count, Doc("width of the embedding")] = 2048
    dropout: Annotated[float, Ge(0), Lt(1), Doc("share of the embedding dropped in training")] = 0.7
    top_k_divisor: Annotated[Count, Doc("one in so many of a video's snippets is pooled for a class, rounded up")] = 8
    classification_weight: Annotated[float, Ge(0), Doc("of the classification of videos")] = 0.5
    coactivity_weight: Annotated[float, Ge(0), Doc("of the co-activity of pairs")] = 0.5
    coactivity_margin: Annotated[
        float, Ge(0), Doc("by which a pair shall be nearer where a class is than to where it is not")
    ] = 0.5

    def network(self, feature_size: int, n_classes: int, generator: torch.Generator | None) -> Wtalc:
        """A new method with these settings."""
        from wtal.methods.wtalc.network import Wtalc

        return Wtalc(feature_size, n_classes, self, generator)
