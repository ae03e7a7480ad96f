"""Match citation text against the guideline taxonomy."""
