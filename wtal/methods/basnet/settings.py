"""Every setting of BaS-Net: its filter, its classifier and its losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from wtal.base.ranges import Count, Doc, Ge, Gt, Le, Lt, settings
from wtal.suite.contracts import BaseSettings

if TYPE_CHECKING:
    import torch

    from wtal.methods.basnet.network import BasNet


@settings
class BasNetSettings(BaseSettings):
    """BaS-Net: a filter of snippets, and a convolutional classifier of the snippets as they are and suppressed."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"classification": "cross_entropy"},
        "code": {"classification": "binary"},
    }
    # For 1,500 steps. The published decay of 5e-4 went with the mean of 16 gradients, which are summed here.
    published: ClassVar[Mapping[str, object]] = {
        "learning_rate": [{"until": 1, "value": 1e-4}],
        "adam_betas": [0.9, 0.999],
        "weight_decay": 16 * 5e-4,
        "videos_per_step": 16,
        "sampling": "perturb",
        "sampled_snippets": 750,
    }

    has_attention: ClassVar[bool] = True
    kind: Literal["basnet"] = "basnet"
    filter_size: Annotated[Count, Doc("width of the filter's hidden layer")] = 512
    hidden_size: Annotated[Count, Doc("width of the classifier's hidden layers")] = 2048
    leaky_slope: Annotated[float, Ge(0), Lt(1), Doc("of the rectifier below 0")] = 0.01
    dropout: Annotated[float, Ge(0), Lt(1), Doc("share of the last hidden layer dropped in training")] = 0.7
    top_k_share: Annotated[float, Gt(0), Le(1), Doc("of a video's snippets, those pooled for a class")] = 0.125
    attention_weight: Annotated[float, Ge(0), Doc("of the sum of attention, which keeps the filter sparse")] = 1e-4
    classification: Annotated[
        Literal["cross_entropy", "binary"],
        Doc("of a video's class probabilities; binary, a mean over the classes, repeats the released code"),
    ] = "cross_entropy"

    def network(self, feature_size: int, n_classes: int, generator: torch.Generator | None) -> BasNet:
        """A new method with these settings."""
        from wtal.methods.basnet.network import BasNet

        return BasNet(feature_size, n_classes, self, generator)
