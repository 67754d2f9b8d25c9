"""Rules and progress: what a person has, what is open to them, and why.

It is empty in this slice; it may not issue anything or decide anything, only say where a person stands.
"""
