"""Any badge in, a report of named checks out, each pass, fail or unknown; and the registry of known issuers.

It may not know how our own badges are made: it judges them as it judges a stranger's.
"""
