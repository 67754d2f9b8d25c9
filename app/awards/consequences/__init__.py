"""What follows for a badge when one that it rests on expires, is revoked or suspended.

What follows is declared in the programme. The machine notices, on time and once, and asks; a named person suspends,
waits, or lets the badge stand. It may not know pages or mail.
"""
