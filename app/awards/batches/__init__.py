"""Batches: many awards in one upload, issued by whichever workers are free, row by row and each row once.

It may not know how an upload travels, nor who a client is beyond what its rights allow at the moment.
"""
