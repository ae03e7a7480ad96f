"""Report: a scored batch -> one page to look at in a browser, which needs no network and no other file.

Knows the scored columns. Knows nothing of models at work: what a page tells was scored before.
"""

from imr_ml.scoring.report.facts import ReportFacts
from imr_ml.scoring.report.writing import MOST_ROWS, write_report

__all__ = ["MOST_ROWS", "ReportFacts", "write_report"]
