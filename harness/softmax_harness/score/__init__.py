"""Outputs that were computed elsewhere, judged against the exact softmax of their inputs."""

from softmax_harness.score.document import score_document
from softmax_harness.score.judging import Score, score
from softmax_harness.score.pair import Pair, read_pair

__all__ = ["Pair", "Score", "read_pair", "score", "score_document"]
