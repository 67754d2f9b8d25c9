"""Rules and progress: what a person has, what is open to them, and why.

It may not issue anything or decide anything, only say where a person stands. Its core is pure: what it says follows
from a pathway, the evidence it is given and a moment, and from nothing else; it knows no clock, no database, no words.
"""
