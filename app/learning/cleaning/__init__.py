"""Files of strangers made clean: only what was read and understood is written anew. Pure functions over bytes.

It runs in a process of its own under hard limits (`child.py`), so it may import nothing of the house that takes time to
load, and knows no person, no database and no page.
"""
