"""Practice LMS: a strict little LTI 1.3 platform for the demo and the tests.

It plays the learning management system: people sign in, launch Waymark from a course, and see grades and mail arrive.
It refuses everything the standard lets a platform refuse, so that a tool which works here works elsewhere. It keeps
everything in memory, knows nothing of the `app` package and is never imported by it; and it uses another JOSE library
(joserfc) so that a mistake on one side cannot hide behind the same mistake on the other.
"""

from practice_lms.app import create_app, lms_of
from practice_lms.authoring import add_activity, copy_course, duplicate_activity, remove_activity
from practice_lms.forge import TokenForge, forge
from practice_lms.keys import KeyRing
from practice_lms.lms import DROP, PracticeLms
from practice_lms.registration import begin_registration
from practice_lms.serving import serving
from practice_lms.settings import Settings, platform_details

__all__ = [
    "DROP",
    "KeyRing",
    "PracticeLms",
    "Settings",
    "TokenForge",
    "add_activity",
    "begin_registration",
    "copy_course",
    "create_app",
    "duplicate_activity",
    "forge",
    "lms_of",
    "platform_details",
    "remove_activity",
    "serving",
]
