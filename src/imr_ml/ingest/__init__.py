"""Letters in files, folders, zips and tables of texts -> a requests table that grows, each letter in it once.

Knows files and letters. What a row looks like, `table` knows; what the table is on disk, `store`.
"""
