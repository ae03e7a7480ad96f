"""Profiles: what requests are like, as numbers and labels of each one, without their texts.

Knows feature frames and feature matrices. Knows nothing of files, nor of how profiles are compared.
"""

from imr_ml.profiles.profile import MOST_ROWS, Profile, joined
from imr_ml.profiles.rows import profile_of, reference_profile
from imr_ml.profiles.vocabulary import coverage, in_several_groups, word_columns

__all__ = [
    "MOST_ROWS",
    "Profile",
    "coverage",
    "in_several_groups",
    "joined",
    "profile_of",
    "reference_profile",
    "word_columns",
]
