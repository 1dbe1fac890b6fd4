"""Label quality and classification on cases small enough to check on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.files import write_arrays
from wtal.base.records import Instances
from wtal.evaluate import EvaluationOptions
from wtal.evaluate.run.label_quality import label_quality, snippet_average_precision
from wtal.evaluate.score.classification import classification_average_precisions, classification_mean
from wtal.localise.labels.file import read_labels

CLASSES = ("run", "jump")
OPTIONS = EvaluationOptions(tiou=(0.5,), snippets_per_second=2.0)
# One video of four seconds, eight snippets; running from 1.0 to 3.0 s is snippets 2 to 5.
TRUTH = Instances(("a",), CLASSES, np.array([0]), np.array([0]), np.array([1.0]), np.array([3.0]))


def arrays(**changes):
    label = np.zeros((8, 3), np.float32)
    label[:, 0] = [0, 0, 0.2, 0.8, 0.8, 0.4, 0.5, 0]
    label[:, 1] = 1.0  # a class the video does not have
    return {
        "videos": np.array(["a"]),
        "classes": np.array(CLASSES),
        "offsets": np.array([0, 8]),
        "label": label,
        "weight": np.ones_like(label),
        "target": np.array("logits"),
        "kind": np.array("positive"),
        "violation": np.array([[0.25, 0.0, 9.0]], np.float32),
        "status": np.array([[1, 0, -1]], np.int8),
        "instance_video": np.array([0, 0]),
        "instance_class": np.array([0, 2]),
        "instance_start": np.array([2, 0]),
        "instance_end": np.array([7, 8]),
        "instance_score": np.array([0.5, 0.9]),
    } | changes


@pytest.fixture
def labels_file(tmp_path):
    def write(**changes):
        write_arrays(tmp_path / "labels.npz", arrays(**changes))
        return tmp_path / "labels.npz"

    return write


def test_quality_counts_snippets_of_the_true_classes_alone(labels_file):
    quality = label_quality(*read_labels(labels_file()), TRUTH, OPTIONS)
    # above half of 0.8: snippets 3, 4 (true) and 6 (not); snippet 5 with exactly half is not labelled
    assert quality.precision == pytest.approx(100 * 2 / 3)
    assert quality.recall == pytest.approx(100 * 2 / 4)
    # by falling label: 0.8 (2 of 2), 0.5 (2 of 3), 0.4 (3 of 4), 0.2 (4 of 5)
    assert quality.average_precision == pytest.approx(100 * (2 * 1 + 1 * 3 / 4 + 1 * 4 / 5) / 4)
    assert quality.label_map == 100.0  # 1.0 to 3.5 s covers 1.0 to 3.0 s by 0.8; background is no detection
    assert quality.infeasible_share == 0.5
    assert quality.violation == 0.125


def test_what_weighs_nothing_is_no_label_and_what_is_not_excluded_is_one(labels_file):
    weight = np.ones((8, 3), np.float32)
    weight[[4, 6], 0] = 0
    assert (
        label_quality(*read_labels(labels_file(weight=weight)), TRUTH, OPTIONS).precision == 100.0
    )  # 3 and 5 are left
    excluded = 1 - arrays()["label"]
    reversed_twice = label_quality(
        *read_labels(labels_file(label=excluded, kind=np.array("complementary"))), TRUTH, OPTIONS
    )
    assert reversed_twice.recall == 50.0


def test_labels_without_mass_or_programmes_have_no_precision(labels_file):
    empty = labels_file(label=np.zeros((8, 3), np.float32), status=np.full((1, 3), -1, np.int8))
    quality = label_quality(*read_labels(empty), TRUTH, OPTIONS)
    assert math.isnan(quality.precision)
    assert quality.recall == 0
    assert quality.average_precision == 50.0  # all snippets tie: the share that is true
    assert math.isnan(quality.infeasible_share)
    assert math.isnan(quality.violation)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"label": np.zeros((7, 3), np.float32)}, r"label: expected an array of shape \(8, 3\); got \(7, 3\)"),
        ({"weight": np.zeros((8, 1), np.float32)}, r"weight: expected an array of shape \(8, 3\); got \(8, 1\)"),
        ({"weight": np.full((8, 3), -1, np.float32)}, "weight: expected finite numbers, 0 or above"),
        ({"target": np.array("both")}, "target: expected one of logits, attention; got 'both'"),
        ({"kind": np.array("other")}, "kind: expected one of positive, complementary; got 'other'"),
        (
            {"target": np.array("attention"), "kind": np.array("complementary")},
            "kind: expected positive where target is attention",
        ),
        ({"status": np.zeros((1, 2), np.int8)}, r"status: expected an array of shape \(1, 3\); got \(1, 2\)"),
        ({"instance_end": np.array([7])}, r"instance_end: expected an array of shape \(2,\); got \(1,\)"),
        ({"instance_class": np.array([0, 3])}, r"instance_class: expected numbers from 0 to 2"),
        ({"instance_video": np.array([0, -1])}, r"instance_video: expected numbers from 0 to 0"),
        ({"videos": np.array(["z"])}, r"videos: expected videos of the training subset; got 'z'"),
        ({"classes": np.array(["run", "hop"])}, r"classes: expected run, jump; got run, hop"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels_file, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        label_quality(*read_labels(labels_file(**changes)), TRUTH, OPTIONS)


def test_equal_labels_share_the_last_of_their_ranks():
    is_true = np.array([True, False, False, True])
    assert snippet_average_precision(np.ones(4), is_true) == 0.5
    assert snippet_average_precision(np.array([3.0, 1, 1, 2]), is_true) == 1.0
    assert math.isnan(snippet_average_precision(np.ones(2), np.zeros(2, bool)))
    assert math.isnan(snippet_average_precision(np.zeros(0), np.zeros(0, bool)))


def test_both_definitions_of_classification_differ_where_precision_rises_later():
    is_positive = np.array([[False], [True], [True]])
    score = np.array([[0.9], [0.8], [0.7]])
    assert classification_mean(score, is_positive) == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert classification_mean(score, is_positive, "interpolated") == pytest.approx(100 * 2 / 3)


def test_ties_keep_the_order_of_videos_and_a_class_without_video_has_no_precision():
    is_positive = np.array([[True, False], [False, False]])
    each = classification_average_precisions(np.ones((2, 2)), is_positive)
    assert each[0] == 100
    assert math.isnan(each[1])
    assert classification_mean(np.ones((2, 2)), is_positive) == 100


def test_scores_that_do_not_fit_the_labels_are_refused():
    with pytest.raises(InputError, match="video_score: expected shape"):
        classification_mean(np.ones((2, 3)), np.ones((2, 2), bool))
    with pytest.raises(InputError, match="video_score: expected finite numbers"):
        classification_mean(np.full((2, 2), np.nan), np.ones((2, 2), bool))
