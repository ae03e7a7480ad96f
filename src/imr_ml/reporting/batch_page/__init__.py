"""Report: a scored batch -> one page to look at in a browser, which needs no network and no other file."""
