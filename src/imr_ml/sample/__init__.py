"""Sample corpus: synthetic Final Determination Letters with known ground truth."""
