"""Download published letters: from the decision search to a folder of PDFs with a manifest."""
