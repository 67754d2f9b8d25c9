"""Issuers and their signing keys, credentials and their versions, status lists, sharing, the public documents.

It may not know why something is issued: it is told what to sign and keeps what it signed.
"""
