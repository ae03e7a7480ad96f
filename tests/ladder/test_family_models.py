"""Ways to arrange classifiers of one family."""

from functools import partial

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from imr_ml.guidelines.types import FAMILIES
from imr_ml.ladder.family_models import Chained, Hierarchical, SideBySide

ACOEM, CHRONIC, ODG, OTHER, NONE = (FAMILIES.index(name) for name in ("acoem", "chronic_pain", "odg", "other", "none"))
REGRESSION = partial(LogisticRegression, C=100.0)


@pytest.fixture(scope="module")
def cases():
    """Sixty rows of four words: the first three each make a family be cited; no row cites the rest, all cite one."""
    random = np.random.default_rng(1)
    words = random.integers(0, 2, size=(60, 4)).astype(float)
    cited = np.zeros((60, len(FAMILIES)), dtype=bool)
    for word, family in enumerate((ACOEM, CHRONIC, ODG)):
        cited[:, family] = words[:, word] == 1
    cited[:, NONE] = True
    return csr_matrix(words), cited, np.arange(60) // 2


KINDS = {
    "side by side": partial(SideBySide, REGRESSION),
    "side by side, calibrated": partial(SideBySide, REGRESSION, calibrated=True),
    "side by side, margins": partial(SideBySide, LinearSVC, calibrated=True),
    "chained": partial(Chained, REGRESSION),
    "hierarchical": partial(Hierarchical, REGRESSION),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_family_is_found(kind, cases):
    matrix, cited, groups = cases
    probability = KINDS[kind]().fit(matrix, cited, groups).predict_proba(matrix)
    assert probability.shape == cited.shape
    for family in (ACOEM, CHRONIC, ODG):
        assert probability[cited[:, family], family].min() > probability[~cited[:, family], family].max()


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_that_nobody_cites_has_no_chance_and_one_that_all_cite_is_certain(kind, cases):
    matrix, cited, groups = cases
    probability = KINDS[kind]().fit(matrix, cited, groups).predict_proba(matrix)
    assert probability[:, OTHER].max() == 0
    assert probability[:, NONE].min() == 1


def test_a_family_of_a_single_case_is_given_its_rate_where_calibration_needs_more(cases):
    matrix, cited, groups = cases
    rare = cited.copy()
    rare[:, OTHER] = groups == 0
    probability = SideBySide(REGRESSION, calibrated=True).fit(matrix, rare, groups).predict_proba(matrix)
    assert probability[:, OTHER] == pytest.approx(2 / 60)


def test_a_familys_probability_never_exceeds_its_branchs(cases):
    matrix, cited, groups = cases
    without = cited.copy()
    without[:, NONE] = False
    model = Hierarchical(REGRESSION).fit(matrix, without, groups)
    branch = model.branch_.predict_proba(matrix)
    assert (model.predict_proba(matrix)[:, ODG] <= branch[:, 1] + 1e-12).all()
    assert (model.predict_proba(matrix)[:, ACOEM] <= branch[:, 0] + 1e-12).all()
