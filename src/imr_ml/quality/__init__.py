"""Quality: a table of requests -> what is wrong with it, each finding with its level and its places."""
