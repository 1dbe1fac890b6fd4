"""Every setting of CO2-Net and of DELU, which is CO2-Net with two more losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Ge, Gt, Lt, settings
from wtal.suite.contracts import BaseSettings

if TYPE_CHECKING:
    import torch

    from wtal.methods.co2net.delu import Delu
    from wtal.methods.co2net.network import Co2Net

Weight = Annotated[float, Ge(0)]
Dropout = Annotated[float, Ge(0), Lt(1)]

# For 5,000 steps. The published decay of 1e-3 went with the mean of 10 gradients, which are summed here.
PUBLISHED_TRAINING: Mapping[str, object] = {
    "learning_rate": [{"until": 1, "value": 5e-5}],
    "adam_betas": [0.9, 0.999],
    "weight_decay": 10 * 1e-3,
    "videos_per_step": 10,
    "batch": "paired",
    "pairs": 3,
    "sampling": "perturb",
    "sampled_snippets": 500,
}
RELEASED: Mapping[str, object] = {"attention_dropout": "logit", "label_epsilon": 1e-4, "video_suppression": "product"}


@settings
class CrossModalSettings(BaseSettings):
    """What CO2-Net and DELU have in common: two streams that filter each other, and what they are taught."""

    has_attention: ClassVar[bool] = True
    first_stream: Annotated[
        Count | None, Doc("feature columns of the first stream, such as RGB; null: half of them")
    ] = None
    attention_size: Annotated[Count, Doc("width of the two hidden layers of each attention")] = 512
    hidden_size: Annotated[Count, Doc("width of the fused streams and of the classifier's hidden layer")] = 2048
    leaky_slope: Annotated[float, Ge(0), Lt(1), Doc("of every rectifier below 0")] = 0.2
    filter_dropout: Annotated[Dropout, Doc("within the filters and attentions, in training")] = 0.5
    dropout: Annotated[Dropout, Doc("of the fused streams and of the classifier, in training")] = 0.7
    attention_dropout: Annotated[
        Literal["features", "logit"],
        Doc("where the attention's last dropout is; logit repeats the released code: half of it is 0.5 in training"),
    ] = "features"
    smoothing: Annotated[
        Count, Doc("snippets, an odd number, over which logits and attention are averaged; 1: they are as they are")
    ] = 1
    top_k_divisor: Annotated[Count, Doc("one in so many of a video's snippets is pooled for a class, in training")] = 7
    score_top_k_divisor: Annotated[Count, Doc("the same for the video score")] = 10
    label_epsilon: Annotated[
        float, Ge(0), Doc("added to the number of a video's labels that its target is divided by; released code: 1e-4")
    ] = 0.0
    video_suppression: Annotated[
        Literal["shifted", "product"],
        Doc("logits of the video score; shifted: suppressed as in training; product: times attention, as released"),
    ] = "shifted"
    coactivity_weight: Annotated[Weight, Doc("of the loss of pairs")] = 1.0
    coactivity_margin: Annotated[Weight, Doc("of the loss of pairs, a cosine distance")] = 0.5
    mutual_weight: Annotated[Weight, Doc("of the difference of the two attentions")] = 1.0
    sparsity_weight: Annotated[Weight, Doc("of the mean attention")] = 0.8
    guide_weight: Annotated[Weight, Doc("of the difference of attention from what is not background")] = 0.8

    def __post_init__(self) -> None:
        require(self.smoothing % 2 == 1, "smoothing", "an odd number", self.smoothing)

    def stream_sizes(self, feature_size: int) -> tuple[int, int]:
        """Columns of the first stream and of the second. Raises SettingError where one has none."""
        first = feature_size // 2 if self.first_stream is None else self.first_stream
        expected = f"some of the {feature_size} feature columns and not all: there are two streams"
        require(0 < first < feature_size, "first_stream", expected, first)
        return first, feature_size - first


@settings
class Co2NetSettings(CrossModalSettings):
    """CO2-Net: each of two streams is filtered by the consensus of both; attention and classifier teach each other."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"attention_dropout": "features", "label_epsilon": 0.0, "video_suppression": "shifted"},
        "code": RELEASED,
    }
    published: ClassVar[Mapping[str, object]] = PUBLISHED_TRAINING

    kind: Literal["co2net"] = "co2net"

    def network(self, feature_size: int, n_classes: int, generator: torch.Generator | None) -> Co2Net:
        """A new method with these settings."""
        from wtal.methods.co2net.network import Co2Net

        return Co2Net(feature_size, n_classes, self, generator)


@settings
class DeluSettings(CrossModalSettings):
    """DELU: CO2-Net with evidence for the classes of a video; its guide goes from unsure snippets to sure ones."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {**Co2NetSettings.presets["paper"], "uncertainty_rank": "rank"},
        "code": {**RELEASED, "uncertainty_rank": "argsort"},
    }
    published: ClassVar[Mapping[str, object]] = {**PUBLISHED_TRAINING, "sampled_snippets": 320}

    kind: Literal["delu"] = "delu"
    guide_weight: Annotated[Weight, Doc("of the difference of attention from what is not background")] = 0.4
    evidential_weight: Annotated[Weight, Doc("of the loss of a video's evidence")] = 1.3
    evidence_divisor: Annotated[Count, Doc("one in so many snippets, those of most attention, gives the evidence")] = 9
    evidence_clip: Annotated[float, Gt(0), Doc("the most that a logit counts as evidence, and its negative")] = 10.0
    uncertainty_weight: Annotated[Weight, Doc("of the guide that is weighted by uncertainty")] = 0.4
    uncertainty_amplitude: Annotated[float, Ge(0), Lt(1), Doc("by how much its weights differ from 1, at most")] = 0.7
    uncertainty_epochs: Annotated[
        Count, Doc("epochs over which its weights turn from the snippets that are unsure to those that are sure")
    ] = 250
    uncertainty_rank: Annotated[
        Literal["rank", "argsort"],
        Doc("the place a snippet's weight is read at; argsort repeats the released code: at the snippet of that rank"),
    ] = "rank"

    def network(self, feature_size: int, n_classes: int, generator: torch.Generator | None) -> Delu:
        """A new method with these settings."""
        from wtal.methods.co2net.delu import Delu

        return Delu(feature_size, n_classes, self, generator)
