"""Practice LMS: a strict little LTI 1.3 platform for the demo and the tests.

It plays the learning management system: people sign in, launch Waymark from a course, and see grades and mail arrive.
It refuses everything the standard lets a platform refuse, so that a tool which works here works elsewhere. It keeps
everything in memory, knows nothing of the `app` package and is never imported by it; and it uses another JOSE library
(joserfc) so that a mistake on one side cannot hide behind the same mistake on the other.
"""

from practice_lms.app import create_app, lms_of
from practice_lms.keys import KeyRing
from practice_lms.launches import DROP, TokenForge, forge
from practice_lms.lms import PracticeLms
from practice_lms.settings import Settings, platform_details

__all__ = [
    "DROP",
    "KeyRing",
    "PracticeLms",
    "Settings",
    "TokenForge",
    "create_app",
    "forge",
    "lms_of",
    "platform_details",
]
