"""The people's front door: pages, forms, public documents, the endpoints an LMS talks to.

It may not hold rules: it checks what came in, asks a room, and shows the answer.
"""
