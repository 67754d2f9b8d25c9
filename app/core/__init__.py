"""What every room stands on: database, outbox, audit, the guarded way out to the network, secrets,
clock, logs, metrics.

No word of the domain belongs here: nothing in this room knows what a badge, a launch or a learner is.
"""
