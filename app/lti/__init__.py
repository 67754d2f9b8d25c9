"""LTI 1.3 Advantage: login, launch, grades, roster, platforms and each platform's quirks.

Free of any web framework, and the only room that knows pylti1p3. It may not know pages, sessions or what a module
contains; it knows people, enrolments and module keys, and hears of awards by their event.
"""
