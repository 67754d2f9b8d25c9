"""Benches: Waymark beside named peers and the limit of the machine, in one run, as ratios.

`python -m bench` (or `make bench`) runs all of them, writes results.json beside this file and the table in
docs/performance.md. Not part of the product: the app never imports this folder, and nothing here is a test.
"""
