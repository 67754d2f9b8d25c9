"""The documentation keeps its promises: what exists is described, and what is described exists."""
