"""The public face of the people room."""

from __future__ import annotations

from app.people.email import (
    confirm_email,
    confirmation_mail,
    confirmed_email,
    normalise_email,
    notification_address,
    pending_confirmation,
    request_email_confirmation,
)
from app.people.identities import (
    asserted_email,
    display_name,
    display_names,
    ensure_organisation,
    organisation,
    organisation_by_key,
    person,
    person_by_lms_identity,
    person_for_lms_identity,
    person_id_for_lms_identity,
    person_ids_by_subject,
    told_names,
)
from app.people.roles import grant_role, has_role, people_with_role, revoke_role, roles_of
from app.people.schemas import (
    ConfirmationMail,
    ConfirmedEmail,
    EmailConfirmation,
    Organisation,
    Person,
    Role,
    RoleGrant,
    ToldName,
)

__all__ = [
    "ConfirmationMail",
    "ConfirmedEmail",
    "EmailConfirmation",
    "Organisation",
    "Person",
    "Role",
    "RoleGrant",
    "ToldName",
    "asserted_email",
    "confirm_email",
    "confirmation_mail",
    "confirmed_email",
    "display_name",
    "display_names",
    "ensure_organisation",
    "grant_role",
    "has_role",
    "normalise_email",
    "notification_address",
    "organisation",
    "organisation_by_key",
    "pending_confirmation",
    "people_with_role",
    "person",
    "person_by_lms_identity",
    "person_for_lms_identity",
    "person_id_for_lms_identity",
    "person_ids_by_subject",
    "request_email_confirmation",
    "revoke_role",
    "roles_of",
    "told_names",
]
