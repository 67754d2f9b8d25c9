"""The credential engine under attack: bounded and the same every time in CI, as long as one likes by night.

`WAYMARK_FUZZ=50 pytest tests/vc/fuzz` tries fifty times as many inputs, other ones each time, and prints what it found
as a test of its own. In CI (no such variable) every run tries the same inputs, so that a failure is never chance.
"""
