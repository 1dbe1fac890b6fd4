"""Every setting of CoLA: its network, its classification and its contrast of snippets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Ge, Gt, Lt, settings
from wtal.suite.contracts import BaseSettings

if TYPE_CHECKING:
    import torch

    from wtal.methods.cola.network import Cola


@settings
class ColaSettings(BaseSettings):
    """CoLA: a convolutional classifier, and a contrast that draws snippets near a bound to the clear ones."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"classification": "cross_entropy", "ring_fill": "members"},
        "code": {"classification": "binary", "ring_fill": "any"},
    }
    # For 6,000 steps. The published decay of 5e-4 went with the mean of 16 gradients, which are summed here.
    published: ClassVar[Mapping[str, object]] = {
        "learning_rate": [{"until": 1, "value": 1e-4}],
        "adam_betas": [0.9, 0.999],
        "weight_decay": 16 * 5e-4,
        "videos_per_step": 16,
        "sampling": "perturb",
        "sampled_snippets": 750,
    }

    kind: Literal["cola"] = "cola"
    embedding_size: Annotated[Count, Doc("width of the embedding")] = 2048
    embedding_kernel: Annotated[Count, Doc("snippets that the embedding's convolution sees; odd")] = 3
    classifier_kernel: Annotated[Count, Doc("snippets that the classifier's convolution sees; odd")] = 1
    class_convolution: Annotated[
        bool,
        Doc("whether a class's activations go through a convolution of their own, of every second of 13"),
    ] = False
    dropout: Annotated[float, Ge(0), Lt(1), Doc("share of the embedding dropped in training, for the classifier")] = 0.7
    easy_dropout: Annotated[
        float, Ge(0), Lt(1), Doc("share of the snippets that are not looked at for clear ones, in training")
    ] = 0.6
    easy_divisor: Annotated[
        Count, Doc("one in so many of a video's snippets is pooled for a class, clearly action, clearly background")
    ] = 5
    hard_divisor: Annotated[Count, Doc("one in so many of a video's snippets is chosen inside or outside bounds")] = 20
    small_element: Annotated[Count, Doc("snippets by which runs are thinned and widened for a ring's near edge")] = 3
    large_element: Annotated[Count, Doc("the same for its far edge")] = 6
    temperature: Annotated[float, Gt(0), Doc("that cosines of the contrast are divided by")] = 0.07
    contrast_weight: Annotated[float, Ge(0), Doc("of the contrast of snippets")] = 0.01
    classification: Annotated[
        Literal["cross_entropy", "binary"],
        Doc("of a video's class probabilities; binary, a mean over the classes, repeats the released code"),
    ] = "cross_entropy"
    ring_fill: Annotated[
        Literal["members", "any"],
        Doc("of a ring with too few snippets: its members alone, or, as the released code, any others beside them"),
    ] = "members"

    def __post_init__(self) -> None:
        for name in ("embedding_kernel", "classifier_kernel"):
            require(getattr(self, name) % 2 == 1, name, "an odd number", getattr(self, name))
        expected = f"above small_element, {self.small_element}"
        require(self.large_element > self.small_element, "large_element", expected, self.large_element)

    def network(self, feature_size: int, n_classes: int, generator: torch.Generator | None) -> Cola:
        """A new method with these settings."""
        from wtal.methods.cola.network import Cola

        return Cola(feature_size, n_classes, self, generator)
