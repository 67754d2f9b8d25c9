"""From a decision to a badge: proposals, award requests, prerequisites, and what follows from expiry and revocation.

It may not know where a decision came from, an LMS or an API, nor how its outcome is told to anybody.
"""
