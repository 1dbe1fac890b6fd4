"""Every setting of RSKP: its network, its losses, its memory and the shares of its two branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Ge, Gt, Lt, Share, settings
from wtal.suite.contracts import BaseSettings
from wtal.suite.training_settings import Until, require_rising

if TYPE_CHECKING:
    import torch

    from wtal.methods.rskp.method import Rskp


@settings
class RskpSettings(BaseSettings):
    """RSKP: embedding, prototypes by expectation maximisation, random walk, cosine head, memory."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {"memory_index": "label"},
        "code": {"memory_index": "class_zero"},
    }

    has_attention: ClassVar[bool] = True
    kind: Literal["rskp"] = "rskp"
    embedding_size: Annotated[Count, Doc("width of the embedding")] = 2048
    prototypes: Annotated[Count, Doc("prototypes of a video")] = 8
    em_iterations: Annotated[Count, Doc("iterations of expectation maximisation")] = 2
    random_walk_weight: Annotated[float, Ge(0), Lt(1), Doc("weight of a step of the random walk")] = 0.5
    responsibility_scale: Annotated[float, Gt(0), Doc("of the cosine between prototype and snippet")] = 5.0
    cosine_scale: Annotated[float, Gt(0), Doc("of every cosine of the head; higher makes attention sharper")] = 20.0
    dropout: Annotated[float, Ge(0), Lt(1), Doc("share of the embedding dropped in training")] = 0.6
    foreground_weight: Annotated[float, Doc("of the loss that leaves background out")] = 1.0
    background_weight: Annotated[float, Doc("of the loss that takes background in")] = 0.2
    attention_weight: Annotated[float, Doc("of the loss that spreads attention")] = 0.1
    consistency_weight: Annotated[tuple[Until, ...], Doc("of the consistency of snippets, by epoch")] = (
        Until(until=1, value=1.0),
    )
    consistency_temperature: Annotated[float, Gt(0), Doc("that logits are divided by for consistency")] = 0.2
    consistency_memory_share: Annotated[Share, Doc("of the memory branch in the goal of consistency")] = 0.2
    memory_from_epoch: Annotated[
        Count | None, Doc("first epoch that uses the memory, filled just before; null: never")
    ] = None
    memory_slots: Annotated[Count, Doc("prototypes kept for each class")] = 5
    memory_index: Annotated[
        Literal["label", "class_zero"], Doc("rows that a video uses; class_zero repeats the released code")
    ] = "label"
    memory_branch_weight: Annotated[float, Doc("of the memory branch in the losses of a video")] = 0.5
    label_original_share: Annotated[Share, Doc("of the original branch in the label loss")] = 0.8
    video_original_share: Annotated[Share, Doc("of the original branch in the video score")] = 0.6
    label_snippet_original_share: Annotated[Share, Doc("of the original branch in snippet scores for labels")] = 0.8
    detection_snippet_original_share: Annotated[
        Share, Doc("of the original branch in snippet scores for detection")
    ] = 0.85

    def __post_init__(self) -> None:
        require_rising(self.consistency_weight, "consistency_weight")

    def check_with(self, method: Any) -> None:
        """The memory is in use before labels are: it is emptied with each refresh, and filled but once."""
        first, refresh = self.memory_from_epoch, method.labels.refresh_epochs
        if first is not None and refresh:
            require(first <= refresh[0], "base.memory_from_epoch", f"at most {refresh[0]}", first)

    def network(self, feature_size: int, n_classes: int, generator: torch.Generator | None) -> Rskp:
        """A new method with these settings."""
        from wtal.methods.rskp.method import Rskp

        return Rskp(feature_size, n_classes, self, generator)
