"""Outputs that were computed elsewhere, judged against the exact results of their inputs."""

from softmax_harness.score.document import score_document
from softmax_harness.score.judging import Score, score
from softmax_harness.score.limits import Held, held_to
from softmax_harness.score.pair import Files, Pair
from softmax_harness.score.reading import read_pair

__all__ = ["Files", "Held", "Pair", "Score", "held_to", "read_pair", "score", "score_document"]
