"""The public face of observations."""

from __future__ import annotations

from app.learning.observation.approving import approve, proposals, proposals_waiting, refuse
from app.learning.observation.codes import code_mail, has_code, send_code
from app.learning.observation.links import decline, decline_unasked, invitation, observer_path
from app.learning.observation.mails import learner_mail, request_mail
from app.learning.observation.making import for_assessor, observe, observe_as_assessor
from app.learning.observation.observers import candidates, staff_roles
from app.learning.observation.removing import may_remove, remove_comments
from app.learning.observation.requests import ask_assessors, ask_staff, propose, remind, withdraw
from app.learning.observation.states import observation_states, observed_activities

__all__ = [
    "approve",
    "ask_assessors",
    "ask_staff",
    "candidates",
    "code_mail",
    "decline",
    "decline_unasked",
    "for_assessor",
    "has_code",
    "invitation",
    "learner_mail",
    "may_remove",
    "observation_states",
    "observe",
    "observe_as_assessor",
    "observed_activities",
    "observer_path",
    "proposals",
    "proposals_waiting",
    "propose",
    "refuse",
    "remind",
    "remove_comments",
    "request_mail",
    "send_code",
    "staff_roles",
    "withdraw",
]
