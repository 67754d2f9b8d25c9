"""The machines' front door: OAuth 2, `/api/v1`, CASE and the VC API.

It may not hold rules: it checks what came in, asks a room, and answers.
"""
