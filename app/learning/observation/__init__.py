"""Observation: somebody who knows the work watches a learner do it and answers a short checklist.

Whom a learner may ask, approval of others by an assessor, the observer's link and code, and what they saw, kept once.
It may not know mail or pages. Everything that pages do is in `service`; here is only what progress and award rules ask.
"""

from app.learning.observation.schemas import ObservationState
from app.learning.observation.states import observation_states

__all__ = ["ObservationState", "observation_states"]
