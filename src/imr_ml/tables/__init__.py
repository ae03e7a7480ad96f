"""Tables in: a file of any format, encoding and dialect -> chunks of rows, each bad row with its reason."""
