"""The protocol of ActivityNet's own evaluation."""

from __future__ import annotations

from typing import Literal

from wtal.base.ranges import settings
from wtal.suite.contracts import ScoringProtocol


@settings
class ActivityNetProtocol(ScoringProtocol):
    """Seconds as they are, and the area under the precision envelope. Source: ActivityNet's evaluation."""

    kind: Literal["activitynet"] = "activitynet"
