"""Read tables of any format, encoding and dialect in chunks of rows; bad rows come with reasons."""
