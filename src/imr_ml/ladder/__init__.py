"""The ladder: predictors from the simplest to the most complex, judged on the same grouped folds.

Knows predictors and their evaluation. Knows nothing of files or MLflow.
"""

from imr_ml.ladder.climbing import Climb, Step, climb, fits_needed
from imr_ml.ladder.judging import Judgement
from imr_ml.ladder.rungs import RUNGS, TASKS, Rung, available
from imr_ml.ladder.showing import climb_table

__all__ = ["RUNGS", "TASKS", "Climb", "Judgement", "Rung", "Step", "available", "climb", "climb_table", "fits_needed"]
