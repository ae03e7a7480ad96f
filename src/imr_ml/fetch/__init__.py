"""Getting published letters: the decision search -> PDFs in a folder and a manifest of them."""
