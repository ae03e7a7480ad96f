"""Sample corpus: synthetic Final Determination Letters whose truth is known.

Knows how to draw, word, lay out and write letters. Knows nothing of how letters are read, of tables or of
classifiers. The probabilistic model and the phrases are data: the TOML files in this folder.
"""

from imr_ml.corpus.sample.letters import ItemTruth, SampleLetter, generate_letter, generate_letters
from imr_ml.corpus.sample.writing import truth_path, write_output, write_samples

__all__ = [
    "ItemTruth",
    "SampleLetter",
    "generate_letter",
    "generate_letters",
    "truth_path",
    "write_output",
    "write_samples",
]
