"""Which room handles which event, and which room answers for another: the only place that knows them all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import httpx2

from app.api import clients as api_clients
from app.api.scopes import SCOPES
from app.awards import jobs as award_jobs
from app.awards import renewals
from app.awards.batches.work import BatchDeps, BatchWorker
from app.awards.consequences import jobs as consequence_jobs
from app.awards.consequences.events import GraceBegan, SuspendedForGround, SuspensionLifted
from app.awards.jobs import AwardDeps
from app.awards.person_merge import AwardsMerge
from app.awards.personal_data import AwardsPersonalData
from app.awards.proposals import jobs as proposal_jobs
from app.awards.proposals.events import (
    ConfirmationAnswered,
    ConfirmationAsked,
    ProposalAwarded,
    ProposalDeclined,
)
from app.awards.schemas import IssuingRights
from app.config import Settings
from app.core import days, migrations, server_facts
from app.core.audit import OPERATOR
from app.core.clock import now
from app.core.db import Database, ReadSession
from app.core.errors import Unavailable
from app.core.http import HttpClient
from app.core.jwks import JwksCache
from app.core.logging import get_logger
from app.core.outbox import Subscription, Worker
from app.core.runtime import Runtime
from app.core.secrets import SecretBox
from app.issuer import documents as issuer_documents
from app.issuer import remote_signer
from app.issuer import service as issuer
from app.issuer.errors import CredentialNotFound, KeysUnreadable
from app.issuer.events import (
    CredentialGiven,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    HolderBound,
)
from app.issuer.key_errors import SigningServiceDown, SigningServiceWrong
from app.issuer.person_merge import IssuerMerge
from app.issuer.personal_data import IssuerPersonalData
from app.learning import prerequisites
from app.learning.events import (
    AppealDecided,
    AwardDecided,
    ObservationAsked,
    ObservationCodeAsked,
    ObservationMade,
    ObserverApproved,
    ObserverRefused,
    RenewalDecided,
    WorkQuarantined,
    WorkReturned,
)
from app.learning.person_merge import LearningMerge
from app.learning.personal_data import LearningPersonalData
from app.lti import jobs as lti_jobs
from app.lti import person_merge as lti_merge
from app.lti.events import ScoreDue, ScoreRequested
from app.lti.person_merge import LtiMerge
from app.lti.personal_data import LtiPersonalData
from app.lti.tool_key_check import check_tool_keys
from app.messages import appeal_jobs, expiring, observation_jobs
from app.messages import jobs as message_jobs
from app.messages import linking_jobs as linking_mails
from app.messages import pathway_jobs as pathway_mails
from app.messages.events import ReminderDue
from app.messages.ground_jobs import send_ground_ended
from app.messages.jobs import MessageDeps
from app.messages.person_merge import MessagesMerge
from app.messages.personal_data import MessagesPersonalData
from app.messages.suspension_jobs import send_suspended, send_suspension_lifted
from app.pathways import jobs as pathway_jobs
from app.pathways.award_check import PathwaySteps
from app.pathways.events import EvidenceChanged, StandingChanged
from app.pathways.person_merge import PathwaysMerge
from app.pathways.personal_data import PathwaysPersonalData
from app.people.events import (
    EmailConfirmationRequested,
    EmailConfirmed,
    LinkCodeRequested,
    PersonsLinked,
    StaffChanged,
)
from app.people.linking_jobs import absorb_stragglers
from app.people.person_merge import PeopleMerge
from app.people.personal_data import PeoplePersonalData
from app.people.ports import PersonalData, PersonMerge
from app.programme import service as programme
from app.vc.conformance import Conformance
from app.verifier import known_issuers
from app.verifier.errors import SourceUnavailable
from app.verifier.ports import HostRecord, HostState
from app.verifier.schemas import KnownIssuer, LookAlike
from app.verifier.service import Verifier
from app.verifier.sources import HttpSource, OwnFirst
from app.web.person_merge import WebMerge
from app.web.personal_data import WebPersonalData

log = get_logger()

ISSUER_KEY = "orygen"
BASE_URL_FACT = "base_url"


@dataclass(frozen=True)
class Services:
    """A process's means and the services bound on them."""

    runtime: Runtime
    verifier: Verifier


def bind(settings: Settings, *, transport: httpx2.BaseTransport | None = None) -> Services:
    """Open the database and bind every room's ports.

    Args:
        settings: of this process.
        transport: takes the place of the network in tests.
    """
    http = HttpClient(allow_private_networks=settings.allow_private_networks, transport=transport)
    _bind_signing_service(settings)
    days.show_in(settings.zone)
    prerequisites.use(current_badges)
    prerequisites.use_pathways(PathwaySteps())
    prerequisites.use_renewals(can_be_renewed)
    runtime = Runtime(
        settings=settings,
        database=Database(settings.database_url),
        http=http,
        jwks=JwksCache(http),
        secret_box=SecretBox(settings.secret_keys),
    )
    return Services(runtime=runtime, verifier=build_verifier(runtime))


def current_badges(session: ReadSession, person_id: str, module_keys: Collection[str]) -> frozenset[str]:
    """Those of the modules of which a person holds a badge that is in force now."""
    moment = now()
    return frozenset(
        badge.achievement_key
        for badge in issuer.credentials_of(session, person_id)
        if badge.achievement_key in module_keys
        and badge.state == "issued"
        and badge.suspended_at is None
        and (badge.valid_until is None or badge.valid_until > moment)
    )


def can_be_renewed(session: ReadSession, credential_id: str) -> bool:
    """Whether a badge is still there to be renewed: neither revoked nor erased."""
    try:
        return issuer.stored_credential(session, credential_id).state == "issued"
    except CredentialNotFound:
        return False


def build_verifier(runtime: Runtime) -> Verifier:
    """The verifier, with our own documents straight from the database and everybody else's through the guard."""
    settings = runtime.settings

    def own(url: str) -> bytes | None:
        try:
            return issuer_documents.own_document(runtime.database, runtime.secret_box, settings.base_url, url)
        except (SigningServiceDown, SigningServiceWrong, KeysUnreadable) as error:
            # a status list is due and cannot be signed
            raise SourceUnavailable("failed") from error

    return Verifier(
        source=OwnFirst(settings.base_url, own, HttpSource(runtime.http)),
        known_issuers=_Register(runtime),
        host_status=_HostStatus(runtime),
        allow_http_localhost=settings.allow_private_networks or settings.base_url.startswith("http://"),
    )


def build_conformance(runtime: Runtime, status_list_path: str) -> Conformance:
    """What the conformance suites' VC API works with; its keys are no issuer's of this server.

    Args:
        runtime: of this process.
        status_list_path: where the API serves its status list.
    """
    log.warning("conformance.on", detail="anybody may have credentials signed by the did:key of /vc-api")
    return Conformance(
        runtime.secret_box.derive("conformance", "did:key"),
        status_list_url=runtime.settings.base_url + status_list_path,
    )


class _HostStatus:
    """What this server itself says of one of its badges."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._prefix = f"{runtime.settings.base_url}/credentials/"

    def __call__(self, credential_id: str) -> HostState:
        """Whether the badge with this address is suspended; of addresses that are not ours there is nothing to say."""
        return self.record(credential_id).state

    def record(self, credential_id: str) -> HostRecord:
        """The same, and from when its newest version stands."""
        if not credential_id.startswith(self._prefix):
            return HostRecord("active")
        with self._database.look() as look:
            word = issuer.host_word(look, credential_id.removeprefix(self._prefix))
        return HostRecord("suspended" if word.suspended else "active", word.newest_from, word.shared)


class _Register:
    """Known issuers from the operator's file, and our own from the database."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._listed = known_issuers.WatchedRegister(runtime.settings.data_dir)

    def get(self, issuer_id: str) -> KnownIssuer | None:
        """The entry of this issuer, or None: then nobody vouches for it."""
        own = next((each for each in self._own() if each.id == issuer_id), None)
        return own or self._listed.current().get(issuer_id)

    def resembled(self, issuer_id: str, claimed_name: str | None) -> LookAlike | None:
        """Which known issuer, one of our own among them, this unknown one could be taken for."""
        return self._listed.current().with_entries(self._own()).resembled(issuer_id, claimed_name)

    def _own(self) -> list[KnownIssuer]:
        base_url = self._runtime.settings.base_url
        with self._runtime.database.look() as look:
            return [
                KnownIssuer(info.did, info.name, "this server", url=info.url, ours=True)
                for info in issuer.issuers(look, base_url)
            ]


class BaseUrlChanged(Unavailable):
    """The address was changed under badges that bear the old one."""

    slug = "base-url-changed"
    title = "The address of this server was changed"


def prepare(services: Services) -> None:
    """See to it that a process may start on this database.

    The programme is loaded if none ever was, and its issuer is set up.

    Raises:
        MigrationNeeded: there is no database, or it is of another form.
        BaseUrlChanged: badges exist that were made for another address.
        KeysUnreadable, ToolKeysUnreadable: the secret key does not open the signing keys, or those for LMSs.
        ProgrammeInvalid: the programme's files have errors.
    """
    prerequisites.use(current_badges)
    prerequisites.use_pathways(PathwaySteps())
    prerequisites.use_renewals(can_be_renewed)
    runtime = services.runtime
    settings = runtime.settings
    migrations.require_current(runtime.database)
    with runtime.database.read() as session:
        check_base_url(session, settings)
        issuer.check_keys(session, runtime.secret_box)
        check_tool_keys(session, runtime.secret_box)
        loaded = bool(programme.modules(session))
    files = None if loaded else programme.load_programme(settings.programme_dir)
    with runtime.database.write() as session:
        if files is not None:
            programme.store(session, files)
        identity = programme.current_programme(session).issuer
        issuer.ensure_issuer(
            session,
            runtime.secret_box,
            base_url=settings.base_url,
            key=identity.key,
            name=identity.name,
            description=identity.description,
            url=identity.url,
        )
        server_facts.note(session, BASE_URL_FACT, settings.base_url)


def _bind_signing_service(settings: Settings) -> None:
    """Tell the issuers' room who keeps keys for it; the operator's own word opens the way to a private address."""
    if not settings.remote_signer_url:
        remote_signer.use(None)
        return
    private = settings.allow_private_networks or settings.remote_signer_private
    http = HttpClient(allow_private_networks=private)
    remote_signer.use(remote_signer.SigningService(http, settings.remote_signer_url, settings.remote_signer_token))


def check_base_url(session: ReadSession, settings: Settings) -> None:
    """Refuse an address under which the badges that exist could not be verified any more.

    Raises:
        BaseUrlChanged: badges exist that were made for another one, and nobody confirmed the change.
    """
    known = server_facts.recall(session, BASE_URL_FACT)
    if known in (None, settings.base_url) or settings.accept_changed_base_url or not issuer.has_credentials(session):
        return
    raise BaseUrlChanged(
        f"Badges exist that were made for {known}, and WAYMARK_BASE_URL now says {settings.base_url}. Under another "
        "address they cannot be verified any more.",
        next_step=f"Set WAYMARK_BASE_URL={known} again, or confirm with WAYMARK_ACCEPT_CHANGED_BASE_URL=1.",
    )


def subscriptions(services: Services) -> tuple[Subscription, ...]:
    """Who listens to what. The names are stored with deliveries: they never change their meaning."""
    runtime = services.runtime
    awards = AwardDeps(runtime.database, runtime.secret_box, runtime.settings.base_url, ISSUER_KEY)
    mails = MessageDeps(runtime.settings, runtime.database, runtime.secret_box)
    return (
        Subscription(AwardDecided.KIND, "awards.award_from_decision", award_jobs.award_from_decision(awards)),
        Subscription(
            EmailConfirmed.KIND, "awards.reissue_after_confirmation", award_jobs.reissue_after_confirmation(awards)
        ),
        *_pathway_subscriptions(runtime.database),
        Subscription(StandingChanged.KIND, "awards.propose", proposal_jobs.propose_from_standing(runtime.database)),
        Subscription(
            EvidenceChanged.KIND, "awards.propose_renewal", proposal_jobs.propose_from_evidence(runtime.database)
        ),
        Subscription(ProposalAwarded.KIND, "awards.award_from_proposal", proposal_jobs.award_from_proposal(awards)),
        Subscription(RenewalDecided.KIND, "awards.renew_from_decision", renewals.renew_from_decision(awards)),
        Subscription(
            CredentialIssued.KIND,
            "awards.follow_issued",
            consequence_jobs.follow(runtime.database),
            wants=consequence_jobs.is_later_version,
        ),
        Subscription(CredentialRevoked.KIND, "awards.follow_revoked", consequence_jobs.follow(runtime.database)),
        Subscription(CredentialSuspended.KIND, "awards.follow_suspended", consequence_jobs.follow(runtime.database)),
        Subscription(CredentialReinstated.KIND, "awards.follow_reinstated", consequence_jobs.follow(runtime.database)),
        Subscription(AwardDecided.KIND, "lti.post_award_score", lti_jobs.post_award_score(runtime)),
        Subscription(ScoreRequested.KIND, "lti.post_requested_score", lti_jobs.post_requested_score(runtime)),
        Subscription(ScoreDue.KIND, "lti.send_score", lti_jobs.send_due_score(runtime)),
        Subscription(EmailConfirmationRequested.KIND, "messages.send_code", message_jobs.send_code(mails)),
        Subscription(LinkCodeRequested.KIND, "messages.send_link_code", linking_mails.send_link_code(mails)),
        Subscription(PersonsLinked.KIND, "people.absorb_stragglers", absorb_stragglers(mails.database, person_merge())),
        Subscription(PersonsLinked.KIND, "awards.bind_after_linking", award_jobs.bind_after_linking(awards)),
        Subscription(PersonsLinked.KIND, "lti.tell_new_gradebooks", lti_merge.tell_new_gradebooks(runtime)),
        Subscription(PersonsLinked.KIND, "messages.send_linked", linking_mails.send_linked(mails)),
        Subscription(WorkReturned.KIND, "messages.send_returned", message_jobs.send_returned(mails)),
        Subscription(AppealDecided.KIND, "messages.send_appeal_decided", appeal_jobs.send_appeal_decided(mails)),
        Subscription(WorkQuarantined.KIND, "messages.send_quarantined", message_jobs.send_quarantined(mails)),
        Subscription(CredentialIssued.KIND, "messages.send_awarded", message_jobs.send_awarded(mails)),
        Subscription(HolderBound.KIND, "messages.send_bound", message_jobs.send_bound(mails)),
        Subscription(ObservationAsked.KIND, "messages.ask_observer", observation_jobs.ask_observer(mails)),
        Subscription(ObservationCodeAsked.KIND, "messages.send_observer_code", observation_jobs.send_code(mails)),
        Subscription(ObserverApproved.KIND, "messages.send_observer_approved", observation_jobs.send_approved(mails)),
        Subscription(ObserverRefused.KIND, "messages.send_observer_refused", observation_jobs.send_refused(mails)),
        Subscription(ObservationMade.KIND, "messages.send_observed", observation_jobs.send_observed(mails)),
        Subscription(GraceBegan.KIND, "messages.send_ground_ended", send_ground_ended(mails)),
        Subscription(SuspendedForGround.KIND, "messages.send_suspended", send_suspended(mails)),
        Subscription(SuspensionLifted.KIND, "messages.send_suspension_lifted", send_suspension_lifted(mails)),
        Subscription(ConfirmationAsked.KIND, "messages.ask_for_word", pathway_mails.send_confirmation_asked(mails)),
        Subscription(
            ConfirmationAnswered.KIND, "messages.send_word_answered", pathway_mails.send_confirmation_answered(mails)
        ),
        Subscription(
            ProposalDeclined.KIND, "messages.send_proposal_declined", pathway_mails.send_proposal_declined(mails)
        ),
        Subscription(ReminderDue.KIND, "messages.send_reminder", expiring.send_reminder(mails)),
    )


def _pathway_subscriptions(database: Database) -> tuple[Subscription, ...]:
    """Everything after which somebody may stand elsewhere on a pathway; of badges that are nobody's there is nothing
    to work out.
    """
    work_out = pathway_jobs.recompute_standing(database)
    listened = (
        (CredentialIssued.KIND, "pathways.after_issued"),
        (CredentialGiven.KIND, "pathways.after_given"),
        (CredentialRevoked.KIND, "pathways.after_revoked"),
        (CredentialSuspended.KIND, "pathways.after_suspended"),
        (CredentialReinstated.KIND, "pathways.after_reinstated"),
        (EvidenceChanged.KIND, "pathways.after_evidence"),
        (StaffChanged.KIND, "pathways.after_staff"),
    )
    return (
        *(Subscription(kind, name, work_out, pathway_jobs.is_somebodys) for kind, name in listened),
        Subscription(PersonsLinked.KIND, "pathways.after_linking", pathway_jobs.recompute_after_linking(database)),
    )


def personal_data(runtime: Runtime) -> tuple[PersonalData, ...]:
    """What each room keeps of a person and how it erases it, the highest room first."""
    return (
        WebPersonalData(),
        LtiPersonalData(),
        MessagesPersonalData(),
        AwardsPersonalData(),
        PathwaysPersonalData(),
        LearningPersonalData(),
        IssuerPersonalData(runtime.secret_box),
        PeoplePersonalData(),
    )


def person_merge() -> tuple[PersonMerge, ...]:
    """Each room's part in joining two records of one person, the highest room first."""
    return (
        WebMerge(),
        LtiMerge(),
        MessagesMerge(),
        AwardsMerge(),
        PathwaysMerge(),
        LearningMerge(),
        IssuerMerge(),
        PeopleMerge(),
    )


def build_worker(services: Services) -> Worker:
    """A worker that makes every room's deliveries."""
    return Worker(services.runtime.database, subscriptions(services))


def build_batch_worker(services: Services) -> BatchWorker:
    """A worker for batches of awards."""
    runtime = services.runtime
    return BatchWorker(BatchDeps(runtime.database, runtime.secret_box, runtime.settings.base_url, _rights_now))


def _rights_now(session: ReadSession, client_id: str) -> IssuingRights | None:
    """What whoever sent a batch may do: a client of the API, or the operator at the terminal, who may all."""
    if client_id == OPERATOR.id:
        return IssuingRights(OPERATOR.id, frozenset(SCOPES), None)
    return api_clients.rights_now(session, client_id)
