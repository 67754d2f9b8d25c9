"""Waymark: an LTI 1.3 tool and an Open Badges 3.0 issuer in one house.

Each folder below is a room with one job; its `__init__.py` says what the room is for and what it may not know.
Data travels one way: see the layers in `pyproject.toml` and the map of the rooms in the README.
"""

__version__ = "0.1.0"
