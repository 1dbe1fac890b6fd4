"""CO2-Net as a method: two streams that filter each other, their attentions, and a classifier of both.

Source: CO2-Net (Hong, Feng, Xu, Shan and Zheng, ACM MM 2021, arXiv 2107.12589); docs/methods.md. Axes: see
`wtal.methods.contract`; W columns. Rows that go through convolutions are [V, W, T].
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, leaky_relu

from wtal.methods.batch import Batch
from wtal.methods.co2net.dropout import DropoutLayer, DropoutMasks
from wtal.methods.co2net.losses import base_losses
from wtal.methods.co2net.output import CrossModalOutput
from wtal.methods.co2net.settings import CrossModalSettings
from wtal.methods.contract import Losses, Method, Scores, Use
from wtal.methods.label_loss import BatchLabels, label_loss
from wtal.methods.snippet_logits import mean_of_largest, pooled_counts
from wtal.suite.step_settings import EpochSettings


class ConsensusFilter(nn.Module):
    """One stream, filtered by where the other agrees with what it holds as a whole, and its attention."""

    def __init__(self, main: int, auxiliary: int, settings: CrossModalSettings) -> None:
        super().__init__()
        self.settings = settings
        hidden = settings.attention_size
        self.whole = nn.Conv1d(main, main, 3, padding=1)
        self.local = nn.Conv1d(auxiliary, main, 3, padding=1)
        self.attention_1 = nn.Conv1d(main, hidden, 3, padding=1)
        self.attention_2 = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.attention_3 = nn.Conv1d(hidden, 1, 1)

    def dropout_layers(self) -> list[DropoutLayer]:
        """The dropouts of `forward`, in its order."""
        share, main, hidden = self.settings.filter_dropout, self.local.out_channels, self.settings.attention_size
        last = hidden if self.settings.attention_dropout == "features" else 1
        of_snippets = [DropoutLayer(size, share) for size in (main, hidden, last)]
        return [DropoutLayer(main, share, is_of_video=True), *of_snippets]

    def forward(self, main: Tensor, auxiliary: Tensor, batch: Batch, dropped: DropoutMasks) -> tuple[Tensor, Tensor]:
        """The filtered stream [V, W, T] and its attention [V, T] of two streams, all 0 beyond the video."""
        slope, mask = self.settings.leaky_slope, batch.mask[:, None, :]
        mean = main.sum(dim=2, keepdim=True) / batch.lengths[:, None, None]
        whole = dropped(leaky_relu(self.whole(mean), slope))
        local = dropped(leaky_relu(self.local(auxiliary), slope))
        filtered = torch.sigmoid(local * whole) * main
        hidden = dropped(leaky_relu(self.attention_1(filtered), slope)) * mask
        hidden = leaky_relu(self.attention_2(hidden), slope)
        is_on_logit = self.settings.attention_dropout == "logit"
        logit = dropped(self.attention_3(hidden)) if is_on_logit else self.attention_3(dropped(hidden))
        return filtered, (torch.sigmoid(logit) * mask)[:, 0]


class Co2Net(Method):
    """The two filters and the classifier."""

    kind: ClassVar[str] = "co2net"
    loss_names: ClassVar[tuple[str, ...]] = ("base", "suppressed", "coactivity", "mutual", "sparsity", "guide")

    def __init__(
        self, feature_size: int, n_classes: int, settings: CrossModalSettings, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.settings = settings
        hidden = settings.hidden_size
        first, second = self.streams = settings.stream_sizes(feature_size)
        self.rgb_module = ConsensusFilter(first, second, settings)
        self.flow_module = ConsensusFilter(second, first, settings)
        self.fusion = nn.Conv1d(feature_size, hidden, 1)
        self.classifier_1 = nn.Conv1d(hidden, hidden, 3, padding=1)
        self.classifier_2 = nn.Conv1d(hidden, n_classes + 1, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d):
                nn.init.kaiming_uniform_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, batch: Batch, dropout: torch.Generator | None = None) -> CrossModalOutput:
        """Attention, fused streams and logits of every video of a batch."""
        slope, mask = self.settings.leaky_slope, batch.mask[:, None, :]
        classifier = [DropoutLayer(self.settings.hidden_size, self.settings.dropout)] * 3
        layers = [*self.rgb_module.dropout_layers(), *self.flow_module.dropout_layers(), *classifier]
        dropped = DropoutMasks(batch, layers, dropout)
        rows = batch.padded(batch.features).transpose(1, 2)
        first, second = rows[:, : self.streams[0]], rows[:, self.streams[0] :]
        first_filtered, first_attention = self.rgb_module(first, second, batch, dropped)
        second_filtered, second_attention = self.flow_module(second, first, batch, dropped)
        fused = dropped(leaky_relu(self.fusion(torch.cat([first_filtered, second_filtered], dim=1)), slope))
        # Beyond its end a video is zero to every convolution over time, as if it were alone.
        hidden = leaky_relu(self.classifier_1(dropped(fused) * mask), slope)
        logits = self.classifier_2(dropped(hidden))
        return CrossModalOutput(
            features=fused.transpose(1, 2),
            logits=self._smoothed(logits.transpose(1, 2), batch),
            attentions=(self._smoothed(first_attention, batch), self._smoothed(second_attention, batch)),
        )

    def _smoothed(self, rows: Tensor, batch: Batch) -> Tensor:
        """Rows [V, T] or [V, T, W] averaged over neighbouring snippets, those beyond the ends counted as 0."""
        width = self.settings.smoothing
        if width == 1:
            return rows
        mask = batch.mask if rows.dim() == 2 else batch.mask[:, :, None]
        over_time = (rows * mask).reshape(*rows.shape[:2], -1).transpose(1, 2)
        averaged = avg_pool1d(over_time, width, stride=1, padding=width // 2)
        return averaged.transpose(1, 2).reshape(rows.shape) * mask

    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The weighted losses of the method, and that against pseudo labels, learnt by the logits of every snippet.

        Axes: see `Method`.
        """
        output: CrossModalOutput = self(batch, dropout)
        parts, weights = self.parts(output, batch, epoch), self.weights()
        base = torch.stack([weights[name] * value for name, value in parts.items()]).sum(dim=0)
        counts = pooled_counts(batch, self.settings.top_k_divisor)
        return Losses(
            base=base,
            label=label_loss(output.logits, target, batch, output.attention),
            compared=(parts["base"] + parts["suppressed"]).detach(),
            parts={name: value.detach() for name, value in parts.items()},
            attention=output.attention,
            video_logits=mean_of_largest(output.suppressed, counts, batch),
        )

    def parts(self, output: CrossModalOutput, batch: Batch, epoch: EpochSettings) -> dict[str, Tensor]:
        """Each loss [V] by its name, unweighted."""
        return base_losses(output, batch, self.settings)

    def weights(self) -> dict[str, float]:
        """The weight of each loss."""
        own = {name: getattr(self.settings, f"{name}_weight") for name in self.loss_names[2:]}
        return {"base": 1.0, "suppressed": 1.0, **own}

    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """Snippet: softmax over classes and background, times attention. Axes: see `Scores`."""
        output: CrossModalOutput = self(batch, dropout)
        return Scores(
            snippet=batch.concatenated(torch.softmax(output.logits, dim=2) * output.attention[:, :, None]),
            video=self.video_score(output, batch),
            attention=batch.concatenated(output.attention),
        )

    def video_score(self, output: CrossModalOutput, batch: Batch) -> Tensor:
        """Softmax [V, K] of each class's largest logits, suppressed as in training or times attention."""
        is_shifted = self.settings.video_suppression == "shifted"
        logits = output.suppressed if is_shifted else output.attention[:, :, None] * output.logits
        counts = pooled_counts(batch, self.settings.score_top_k_divisor)
        return torch.softmax(mean_of_largest(logits, counts, batch), dim=1)
