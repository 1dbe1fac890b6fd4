"""What a suite asks of the siblings that it names and never imports: a settings class for each kind.

Classes are found by `wtal.base.members`; none of them may need torch before it is asked for a network. docs/methods.md
adds a base network, docs/extending.md a fusion and a label maker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from wtal.base.records import Bounds, Floats, Integers, ManyProposals, ManySegments, Proposals, Segments

Precision = Literal["float32", "float16"]
LabelTarget = Literal["logits", "attention"]
LabelKind = Literal["positive", "complementary"]  # complementary: what a snippet is not

# Axes: T snippets, S segments, K = C + 1 classes with background last.


class BaseSettings:
    """The settings of a base network: a frozen dataclass with `kind`. docs/methods.md says how to write one."""

    __slots__ = ()
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # its own keys under `preset: paper` and `preset: code`
    published: ClassVar[Mapping[str, object]] = {}  # keys of `training` as it was published, where a suite writes none
    has_attention: ClassVar[bool] = False  # whether its method has attention, which labels may be for
    kind: str  # the word for it in YAML, the same as its method's

    def check_with(self, method: Any) -> None:
        """Refuse settings that do not go with the others of a `MethodSettings`. Raises SettingError naming its key."""

    def network(self, feature_size: int, n_classes: int, generator: Any) -> Any:
        """A new `wtal.methods.contract.Method` with these settings, drawn from a torch.Generator; imports torch."""
        raise NotImplementedError


class DataKind:
    """The settings of a kind of data set, which know how to make it (docs/data.md#adding-a-kind-of-data-set)."""

    __slots__ = ()
    kind: str  # the word for it in YAML
    precision: Precision = "float32"  # as what the features lie in the store

    def raw_files(self) -> Mapping[str, object] | None:
        """What the raw files look like from outside, by name: another look makes the store anew. Empty: not there yet.

        None for a kind that reads no raw files but those of a package of one known sha256.
        """
        return None

    def data_set(self) -> Any:
        """The `wtal.data.store.write.DataSet`, ready to be written. Raises InputError where its files do not fit."""
        raise NotImplementedError


class ScoringProtocol:
    """How detections are scored, apart from the one matching (docs/evaluation.md#adding-a-protocol).

    Unless a kind says otherwise seconds are compared, a detection takes the free instance of highest tIoU, and AP is
    the area under the precision envelope.
    """

    __slots__ = ()
    kind: str  # the word for it in YAML and on the command line
    is_interpolated: ClassVar[bool] = True  # else AP is the sum of precision at the hits
    takes: ClassVar[Literal["best", "first"]] = "best"  # of the free instances at or above the threshold
    needs_rate: ClassVar[bool] = False  # bounds are compared in snippets, so that their rate must be known

    def detection_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Bounds [N] of detections, given in seconds, as they are compared. snippets_per_second: NaN if not known."""
        return start, end

    def truth_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Bounds [M] of instances or ambiguous intervals, given in seconds, as they are compared."""
        return start, end


class Fusion:
    """From overlapping proposals to segments, for labels and detections alike: a frozen dataclass with `kind`.

    One with a field `temperature` is given that of each round by `labels.fusion_temperatures`.
    """

    __slots__ = ()
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # its own keys under `preset: paper` and `preset: code`
    title: ClassVar[str] = ""  # in figures, as in "segments after Gaussian fusion"; empty: its kind
    kind: str  # the word for it in YAML

    def __call__(self, proposals: Proposals) -> Segments:
        """Segments of one class in one video, in any order; none where there is no proposal."""
        raise NotImplementedError

    def of_all(self, proposals: ManyProposals) -> ManySegments:
        """Segments of several classes and videos, those of each as if it stood alone; a kind may know a faster way."""
        from wtal.base.records import ManySegments

        return ManySegments.of_each([self(proposals.of(pair)) for pair in range(len(proposals))])


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """What the pseudo label of one class in one video is made from."""

    segments: Segments  # at least one, by falling score; bounds in snippets, which may end one beyond the video
    scores: Floats  # [T] snippet scores of the class, which the segments were made from
    previous: Floats | None  # [T] the label of the round before; None in the first round
    outer_margin: Callable[[Floats], Floats]  # lengths [S] to widths [S] of the context on either side, in snippets

    @property
    def n_snippets(self) -> int:
        """T."""
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class SnippetLabel:
    """The pseudo label of one class in one video, and how well it is what its segments ask for."""

    label: Floats  # [T] finite, of either sign
    weight: Floats | None = None  # [T] 0 or above, of what each snippet teaches; None: 1 everywhere
    residual: float = 0.0  # how far the label is from what its segments ask for
    is_exact: bool = True  # False: nothing is what they ask for


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What the pseudo labels of one video are made from, beside the segments of its classes."""

    scores: Floats  # [T, K] snippet scores
    attention: Floats  # [T] in [0, 1]
    classes: Integers  # the numbers of those that get a label, rising; none in a background video


@dataclass(frozen=True, slots=True)
class VideoLabel:
    """The pseudo labels of all classes of one video."""

    label: Floats  # [T, K] finite, of either sign
    weight: Floats  # [T, K] 0 or above, of what each teaches


class LabelMaker:
    """From fused segments to pseudo labels, all those of a round at once: a frozen dataclass with `kind`."""

    __slots__ = ()
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # its own keys under `preset: paper` and `preset: code`
    target: ClassVar[LabelTarget] = "logits"  # what learns from the labels; attention: to be 1 - that of background
    label_kind: ClassVar[LabelKind] = "positive"
    is_signed: ClassVar[bool] = True  # whether a label may be negative, which a learned weight cannot go with
    kind: str  # the word for it in YAML

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        """A label for each request, in their order."""
        raise NotImplementedError

    def of_video(self, request: VideoRequest, made: VideoLabel) -> VideoLabel:
        """The labels of one video from those of its classes, 0 where none was made: by default as they are."""
        return made
