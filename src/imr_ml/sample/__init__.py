"""Generate the sample corpus: synthetic Final Determination Letters with known ground truth."""
