"""The credential engine: bytes and dicts in, dicts and bytes out.

This room turns plain facts into Open Badges 3.0 documents, canonicalizes, signs, verifies, bakes and unbakes them, and
reads keys out of DID documents that somebody else fetched. It is pure: it opens no socket, no file of the caller's and
no database, reads no clock and no setting, and knows no person, module or award. It may import no other room. What must
not be done with it is written in HAZARDS.md beside this file.
"""
