"""The campus's own pages: signing in, opening an activity, picking content, and what a test wants to see."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import include, path
from lti_consumer.api import get_lti_1p3_content_url, get_lti_1p3_launch_info, get_lti_1p3_launch_start_url
from lti_consumer.utils import get_lti_ags_lineitems_url

from . import seams
from .course import ACTIVITIES, COURSE, PEOPLE, configuration_of, opening, place_of, subject_of

PAGE_SIZE = 3


def bounded(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Hand the roster out in pages, whatever is asked for, as Canvas does; the pages are the consumer's."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path.endswith("/memberships"):
            request.GET = request.GET.copy()
            request.GET["limit"] = str(PAGE_SIZE)
        return get_response(request)

    return handle


def sign_in(request: HttpRequest, username: str) -> HttpResponse:
    """Passwords are not what is tested here."""
    login(request, User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse(status=204)


def open_activity(request: HttpRequest, activity: str) -> HttpResponse:
    """A click on an activity: what was picked for it, else what it names."""
    return HttpResponseRedirect(get_lti_1p3_content_url(opening(activity, request.user)))


def pick_content(request: HttpRequest, activity: str) -> HttpResponse:
    """A click by which an author goes and picks what an activity shall hold."""
    return HttpResponseRedirect(get_lti_1p3_launch_start_url(opening(activity, request.user), deep_link_launch=True))


def tell(_request: HttpRequest) -> HttpResponse:
    """What an administrator copies across, and what a test must know of the course."""
    admin = User.objects.get(username="tomas")
    told: dict[str, Any] = {
        "issuer": settings.LTI_BASE,
        "copied": get_lti_1p3_launch_info(opening("graded", admin)),
        "course": str(COURSE),
        "subjects": {username: subject_of(username) for username in PEOPLE},
        "links": {activity: str(place_of(activity)) for activity in ACTIVITIES},
    }
    return JsonResponse(told)


def gradebook(_request: HttpRequest) -> HttpResponse:
    """The grades that reached the course."""
    return JsonResponse(seams.grades)


def columns(_request: HttpRequest, activity: str) -> HttpResponse:
    """An activity's columns, and a token by which the consumer lets their results be read."""
    configuration = configuration_of(activity)
    consumer = configuration.get_lti_consumer()
    claims = {
        "iss": consumer.iss,
        "sub": consumer.client_id,
        "scopes": " ".join(consumer.lti_ags.get_available_scopes()),
    }
    items = [get_lti_ags_lineitems_url(configuration.id, item.id) for item in configuration.ltiagslineitem_set.all()]
    return JsonResponse({"columns": items, "token": consumer.key_handler.encode_and_sign(claims, expiration=60)})


def picked(_request: HttpRequest, activity: str) -> HttpResponse:
    """What was picked for an activity, as the consumer keeps it."""
    items = configuration_of(activity).ltidlcontentitem_set.all()
    return JsonResponse({"items": [{"type": item.content_type, **item.attributes} for item in items]})


urlpatterns = [
    path("api/", include("lti_consumer.plugin.urls")),
    path("sign-in/<str:username>", sign_in),
    path("open/<str:activity>", open_activity),
    path("pick/<str:activity>", pick_content),
    path("about", tell),
    path("gradebook", gradebook),
    path("columns/<str:activity>", columns),
    path("picked/<str:activity>", picked),
]
