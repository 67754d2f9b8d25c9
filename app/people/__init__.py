"""Persons and what is known of them: LMS identities, confirmed e-mail addresses, organisations (lead agencies), grants.

It may not know what anybody learns, earns or is judged by: those rooms know people, not the other way round. It knows
an LMS only as an opaque registration id, and it sends no mail: it says in an event that one is due.
"""
