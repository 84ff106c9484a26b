"""Makes the digits files again: pip install scikit-learn, then python make_digits.py FOLDER.

Logits are the decision values of a logistic regression trained on the first 1200 handwritten
digits of scikit-learn's load_digits.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

TRAINED_ON = 1200


def main(folder):
    """Write the three files into `folder`."""
    digits = load_digits()
    model = LogisticRegression(max_iter=5000)
    model.fit(digits.data[:TRAINED_ON], digits.target[:TRAINED_ON])
    logits = model.decision_function(digits.data).astype(np.float32)
    np.save(folder / "digits_logits.npy", logits)
    np.save(folder / "digits_labels.npy", digits.target.astype(np.int64))
    np.save(folder / "digits_is_test.npy", np.arange(len(logits)) >= TRAINED_ON)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
