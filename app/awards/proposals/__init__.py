"""Awards that the machine proposes and a named person decides: of pathways that have a badge of their own.

A proposal follows from progress on a pathway and is never typed in. Words that others give for a step are asked for
here as well. Which pages there are is not known here.
"""
