"""A campus around the Open edX LTI consumer: one course, its people, a gradebook, a web server.

Run by the interpreter of the environment that `tests/openedx/tools.py` makes, never by ours, and never imported by a
test: the consumer (AGPL) is a dependency of that process alone. What is written here is our own. Where the consumer
asks the rest of Open edX, it is answered from a few dictionaries; launches, keys, tokens, columns, scores, rosters and
deep links are its own.
"""
