"""Report on a scored batch: one HTML page that needs no network and no other file."""
