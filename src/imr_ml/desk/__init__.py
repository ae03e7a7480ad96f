"""A local web page for one request."""
