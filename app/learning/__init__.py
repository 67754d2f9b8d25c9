"""Enrolment, activities, drafts, submissions, marking and the decision of a named person.

It may not know badges, grades in an LMS or mail: it says what was decided, in an event, and others act on it. What a
person learns and writes stays here; events and audit carry ids only.
"""
