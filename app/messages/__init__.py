"""Mail and webhooks going out: templates, preferences, delivery.

It may not decide anything: it tells people what has happened, once.
"""
