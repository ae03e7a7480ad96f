"""Sample corpus: synthetic Final Determination Letters whose truth is known."""
