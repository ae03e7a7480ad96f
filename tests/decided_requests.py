"""Invented decided requests."""

import pandas as pd

from imr_ml.corpus.table import complete_cases

MRI, NORCO = "MRI of the left knee", "Norco 10/325mg #60"


def decided(*groups, **columns):
    """Table from groups of (request, number of requests, number overturned), one request per case."""
    rows = [
        {"request": request, "outcome": "overturned" if index < overturned else "upheld"}
        for request, number, overturned in groups
        for index in range(number)
    ]
    fixed = {
        "clinical_summary": "A 48 year old female has lumbar radiculopathy and no depression.",
        "ur_guideline": "Decision based on MTUS Knee Complaints 2004.",
        "imr_guideline": "Decision based on MTUS Knee Complaints 2004.",
        "families": "acoem",
        "decision_date": pd.Timestamp("2016-05-01"),
        "specialties": "Orthopedic Surgery|Sports Medicine",
    }
    return complete_cases(pd.DataFrame(rows).assign(**(fixed | columns)))
