"""The catalogue: frameworks, scales, principles, modules, rubrics, achievements; versioned, loaded from `programme/`.

It may not know persons: what is taught stands apart from who learns it.
"""
