//! The reference connector with one deliberate defect each: the proof that the checks can fail.
//!
//! A defect is a branch at the place where a connector would have it. What each must turn red is
//! data, `data/mutants.yaml`.

use super::named::named;
use super::style::Style;
use crate::case::Category;

named! {
    /// A deliberate defect.
    Mutant as "mutant":

    /// Takes every certificate for the service's.
    AcceptsAnyCertificate = "accepts-any-certificate",
    /// Redeems the code of a sign-in that is over, or that a newer one has replaced.
    AcceptsOldCallbacks = "accepts-old-callbacks",
    /// Adds its own options to the link of the next round of changes.
    AddsToLinksOfChanges = "adds-to-links-of-changes",
    /// Addresses the person's mailbox by the name in the ID token.
    AddressesThePersonByName = "addresses-the-person-by-name",
    /// App-only: asks for its token at `common`.
    AppOnlyAtCommon = "app-only-at-common",
    /// Asks for more permissions than were chosen.
    AsksForMorePermissions = "asks-for-more-permissions",
    /// Answers from memory once something has failed.
    AnswersFromMemory = "answers-from-memory",
    /// Answers with the profile of somebody else.
    AnswersWithSomebodyElse = "answers-with-somebody-else",
    /// Takes every token for good for an hour.
    AssumesAnHour = "assumes-an-hour",
    /// Asks for tokens as its vendor's app first.
    AsksAsItsVendor = "asks-as-its-vendor",
    /// Each call at a cold start asks for a token of its own.
    AsksForEachAtTheStart = "asks-for-each-at-the-start",
    /// Asks Graph for what it was given no permission for.
    AsksForTheForbidden = "asks-for-the-forbidden",
    /// Asks for a token before the person has come back.
    AsksBeforeTheCallback = "asks-before-the-callback",
    /// Asks for a token and a code at once.
    AsksForTokenAndCode = "asks-for-token-and-code",
    /// Begins to ask with a dead token again after a restart.
    AsksAgainAfterARestart = "asks-again-after-a-restart",
    /// Asks for consent anew once a sign-in has failed.
    AsksForConsentAfterAFailure = "asks-for-consent-after-a-failure",
    /// Asks for another token when Graph says that a permission is missing.
    AsksForTokensWhenDenied = "asks-for-tokens-when-denied",
    /// Asks for the service's configuration without TLS.
    AsksInClear = "asks-in-clear",
    /// Addresses the assertion to another site.
    AssertionForElsewhere = "assertion-for-elsewhere",
    /// Names something else than itself as the subject of the assertion.
    AssertionOfSomebodyElse = "assertion-of-somebody-else",
    /// Watches from now on where a look has failed, whatever came before.
    BeginsAnewAfterAFailure = "begins-anew-after-a-failure",
    /// Watches from now on where its connection was repaired, whatever came before.
    BeginsAnewWhenRepaired = "begins-anew-when-repaired",
    /// Takes what is there for new when it begins to watch.
    BeginsWithWhatIsThere = "begins-with-what-is-there",
    /// Waits a second where the service asked for more.
    BacksOffByItsOwnMeasure = "backs-off-by-its-own-measure",
    /// Believes its clock more than Graph where Graph refuses a token.
    BelievesItsClock = "believes-its-clock",
    /// Believes every ID token.
    BelievesAnyIdToken = "believes-any-id-token",
    /// Believes ID tokens of other sign-ins.
    BelievesAnyNonce = "believes-any-nonce",
    /// Believes ID tokens of whatever cloud of Microsoft.
    BelievesIssuersOfAnyCloud = "believes-issuers-of-any-cloud",
    /// Takes every failure for a broken connection.
    BreaksOnAnyFailure = "breaks-on-any-failure",
    /// Takes an answer that is labelled as a page for a broken connection.
    BreaksOnMislabelledAnswers = "breaks-on-mislabelled-answers",
    /// Shows a connection as broken once Graph has refused a token, though another one works.
    BreaksOnRefusedTokens = "breaks-on-refused-tokens",
    /// Makes one assertion, and sends it again and again.
    CachesAssertion = "caches-assertion",
    /// Makes each call with the connection that comes first.
    CallsAsTheFirst = "calls-as-the-first",
    /// Sends what the user filled in without looking at it.
    ChecksNoFields = "checks-no-fields",
    /// Throws tokens away that it got later than it is now.
    DistrustsTokensOfTheFuture = "distrusts-tokens-of-the-future",
    /// Puts names into paths as they are.
    DoesNotEncodeNames = "does-not-encode-names",
    /// Numbers its sign-ins where a state must not be guessed.
    CountsItsStates = "counts-its-states",
    /// Goes on as a public client when its secret is refused.
    DropsRefusedSecret = "drops-refused-secret",
    /// Forgets its refresh token when an answer brings no new one.
    DropsTheRefreshToken = "drops-the-refresh-token",
    /// Puts the access token into its messages.
    EchoesTokens = "echoes-tokens",
    /// Encodes the secret twice.
    EncodesTheSecretTwice = "encodes-the-secret-twice",
    /// Takes another mailbox when the one that was named is not there.
    FallsBackToAnotherMailbox = "falls-back-to-another-mailbox",
    /// Becomes an app when the person may not.
    FallsBackToAppOnly = "falls-back-to-app-only",
    /// Tries the worldwide cloud when another one refuses.
    FallsBackToAnotherCloud = "falls-back-to-another-cloud",
    /// Takes the person's own mailbox when the shared one is refused.
    FallsBackToOwnMailbox = "falls-back-to-own-mailbox",
    /// Fetches the keys again and again where one is not among them.
    FetchesKeysAgainAndAgain = "fetches-keys-again-and-again",
    /// Fetches keys from where a token says.
    FetchesForeignKeys = "fetches-foreign-keys",
    /// Sends the same state with every sign-in.
    FixedState = "fixed-state",
    /// Sends as many requests at once to a mailbox as it is asked to.
    FloodsTheMailbox = "floods-the-mailbox",
    /// Follows links to further pages wherever they lead, with its token.
    FollowsAnyLink = "follows-any-link",
    /// Follows redirects to wherever they lead, with all that it sends.
    FollowsRedirects = "follows-redirects",
    /// Asks for consent at every sign-in.
    ForcesConsent = "forces-consent",
    /// Has one activity that knows nothing of the shared mailbox: the calendar.
    ForgetsTheSharedMailboxForCalendars = "forgets-the-shared-mailbox-for-calendars",
    /// Tells nothing of files that are deleted.
    ForgetsWhatIsDeleted = "forgets-what-is-deleted",
    /// Asks for a permission that was added with the refresh token, and not by a sign-in.
    GetsNewScopesByRefresh = "gets-new-scopes-by-refresh",
    /// Asks for a token at each call again, though its credential was refused a moment ago.
    ForgetsRefusals = "forgets-refusals",
    /// Keeps its connections in memory only.
    ForgetsAtRestart = "forgets-at-restart",
    /// Signs in again without the claims that a refusal asked for.
    ForgetsWhatIsToBeProved = "forgets-what-is-to-be-proved",
    /// Keeps in memory how far it has come with what it watches.
    ForgetsItsPosition = "forgets-its-position",
    /// Sends the secret to a host of its vendor.
    GivesTheSecretToItsVendor = "gives-the-secret-to-its-vendor",
    /// Fails where an upload session has ended, instead of beginning a new one.
    GivesUpEndedUploads = "gives-up-ended-uploads",
    /// Fails where the answer to a fragment is lost, instead of asking what is missing.
    GivesUpLostFragments = "gives-up-lost-fragments",
    /// Takes mail of the second in which the last one came for known.
    GoesByTheSecond = "goes-by-the-second",
    /// Goes by the text of a refusal instead of its error.
    GoesByTheText = "goes-by-the-text",
    /// Follows links to further pages again and again.
    GoesRoundInCircles = "goes-round-in-circles",
    /// Looks at the address that a challenge of Graph names.
    GoesWhereTheChallengeSays = "goes-where-the-challenge-says",
    /// Makes up an account where none was named.
    GuessesTheAccount = "guesses-the-account",
    /// Keeps the first four thousand letters of a token in its store.
    HasRoomForShortTokens = "has-room-for-short-tokens",
    /// Keeps the first Retry-After of a call, and waits a second after the next ones.
    HeedsRetryAfterOnce = "heeds-retry-after-once",
    /// Shows every connection as connected.
    HidesFailures = "hides-failures",
    /// Asks for the same token again where Graph wants other claims.
    IgnoresClaims = "ignores-claims",
    /// Goes on with the code where the callback is an error, or without one.
    IgnoresErrorCallbacks = "ignores-error-callbacks",
    /// Comes again at once where the service asked for patience.
    IgnoresRetryAfter = "ignores-retry-after",
    /// Takes Office 365 whatever environment was picked.
    IgnoresTheEnvironment = "ignores-the-environment",
    /// Takes its own redirect URI instead of the one that was filled in.
    IgnoresTheRedirectUri = "ignores-the-redirect-uri",
    /// Reads the newest message of the inbox, whatever id is asked for.
    IgnoresTheId = "ignores-the-id",
    /// Works in the drive of the person or the account, whatever site was named.
    IgnoresTheSite = "ignores-the-site",
    /// Opens the person's own mailbox whatever shared one was filled in.
    IgnoresTheSharedMailbox = "ignores-the-shared-mailbox",
    /// Asks at `common` whatever tenant was filled in.
    IgnoresTheTenant = "ignores-the-tenant",
    /// Sends a request again and again that Graph has denied.
    InsistsOnDeniedRequests = "insists-on-denied-requests",
    /// Calls Graph again with a token that was refused.
    InsistsOnRefusedTokens = "insists-on-refused-tokens",
    /// Sends what the user filled in without looking at it, and again where it is refused.
    InsistsOnWrongFields = "insists-on-wrong-fields",
    /// Gets its token, and makes the answer up without asking Graph.
    InventsAnswers = "invents-answers",
    /// Shows a connection that failed as one that works.
    KeepsFailedConnections = "keeps-failed-connections",
    /// Keeps the refresh token that it had before it answered a challenge.
    KeepsTheTokenBeforeAChallenge = "keeps-the-token-before-a-challenge",
    /// Signs in as the first app, whatever app the repair names.
    KeepsTheFirstClientId = "keeps-the-first-client-id",
    /// Gives an app's token to whoever names the app, whatever the secret.
    KeepsAppTokensByClient = "keeps-app-tokens-by-client",
    /// Presents the refresh token of the sign-in for ever.
    KeepsFirstRefreshToken = "keeps-first-refresh-token",
    /// Asks for its token in JSON.
    JsonTokenRequests = "json-token-requests",
    /// Sends its token to the addresses of contents, too.
    KeepsTheTokenForSites = "keeps-the-token-for-sites",
    /// Redeems the code of a callback with an error that it does not know.
    KnowsOneErrorOfCallbacks = "knows-one-error-of-callbacks",
    /// Uses the tokens that it has in hand, whatever another process has kept since.
    KnowsOnlyItsOwnTokens = "knows-only-its-own-tokens",
    /// Lists the oldest messages first.
    ListsTheOldestFirst = "lists-the-oldest-first",
    /// Writes its tokens to standard error.
    LogsTokens = "logs-tokens",
    /// Moves a file, and leaves it the name that it had.
    LeavesMovedFilesTheirName = "leaves-moved-files-their-name",
    /// Looks into access tokens for their end.
    LooksIntoAccessTokens = "looks-into-access-tokens",
    /// Takes the files that are there for known where the drive has forgotten how far it had come.
    LosesFilesAtAResync = "loses-files-at-a-resync",
    /// Sends a request without its body when it sends it again.
    LosesTheBodyOnRetry = "loses-the-body-on-retry",
    /// Forgets the refresh token at the first refusal of any kind.
    LosesTheGrantOnAnyRefusal = "loses-the-grant-on-any-refusal",
    /// Takes what is there for known where the service has forgotten how far it had come.
    LosesWhatCameBeforeAResync = "loses-what-came-before-a-resync",
    /// Looks at the sign-in page before it sends the person there.
    LooksAtTheSignInPage = "looks-at-the-sign-in-page",
    /// Writes question marks for letters that are not English.
    LosesForeignLetters = "loses-foreign-letters",
    /// Makes events in UTC, whatever time zone was given.
    LosesTheTimeZone = "loses-the-time-zone",
    /// Sends mail without its subject.
    LosesTheSubject = "loses-the-subject",
    /// Takes ids for texts in which capitals do not matter.
    LowercasesIds = "lowercases-ids",
    /// Gives a connection the answer that another one got last.
    MixesUpAnswers = "mixes-up-answers",
    /// Calls L4's Graph for L5.
    MixesUpGovernmentClouds = "mixes-up-government-clouds",
    /// App-only: names permissions instead of `.default`.
    NamesPermissionsForAnApp = "names-permissions-for-an-app",
    /// Never renews an access token.
    NeverRenews = "never-renews",
    /// Shows a connection that works as one that waits for its sign-in.
    NeverSaysConnected = "never-says-connected",
    /// Looks into the mailboxes of others, too.
    LooksIntoOtherMailboxes = "looks-into-other-mailboxes",
    /// Does one call at a time, of all connections together.
    OneLockForAll = "one-lock-for-all",
    /// Makes one PKCE verifier, and uses it for every sign-in.
    OneChallenge = "one-challenge",
    /// Gives every assertion the same id.
    OneIdForAllAssertions = "one-id-for-all-assertions",
    /// Has room for one sign-in at a time: a newer one takes its place.
    OnePendingSignIn = "one-pending-sign-in",
    /// Makes no connection while Graph is throttled.
    OneThrottleForAll = "one-throttle-for-all",
    /// Keeps one token for all connections.
    OneTokenForAll = "one-token-for-all",
    /// Opens the sign-in page for an app-only connection.
    OpensAPageForAnApp = "opens-a-page-for-an-app",
    /// Asks for the person's password and sends it.
    PasswordGrant = "password-grant",
    /// Sends the PKCE challenge in plain.
    PlainPkce = "plain-pkce",
    /// Comes back again and again while an administrator has not approved.
    PollsForApproval = "polls-for-approval",
    /// Looks for new mail every ten seconds.
    PollsAllTheTime = "polls-all-the-time",
    /// Poses as a page of a browser when that is what the service wants.
    PosesAsABrowser = "poses-as-a-browser",
    /// Presents an expired assertion first.
    PresentsExpiredAssertions = "presents-expired-assertions",
    /// Looks at the sign-in page before the person does, with another app's data.
    ProbesTheSignInPage = "probes-the-sign-in-page",
    /// Begins each look at what changes anew, and not where the last one ended.
    ReadsAllAgain = "reads-all-again",
    /// Reads answers as strictly as those that it knows.
    ReadsAnswersStrictly = "reads-answers-strictly",
    /// Reads the first 64 KiB of a content, and takes it for all.
    ReadsTheBeginningOfContents = "reads-the-beginning-of-contents",
    /// Counts pages by itself instead of following the links.
    RebuildsLinks = "rebuilds-links",
    /// Reconnects without a sign-in.
    ReconnectsWithoutSignIn = "reconnects-without-sign-in",
    /// Redeems codes at `common`, whatever tenant they are of.
    RedeemsAtCommon = "redeems-at-common",
    /// Redeems a code when the first call comes.
    RedeemsAtTheFirstCall = "redeems-at-the-first-call",
    /// Redeems each code twice.
    RedeemsTwice = "redeems-twice",
    /// Redeems a code at the tenant and cloud of the sign-in that was begun last.
    RedeemsWhereTheLastBegan = "redeems-where-the-last-began",
    /// Redeems with another redirect URI than it signed in with.
    RedeemsWithAnotherUri = "redeems-with-another-uri",
    /// Refreshes without its secret.
    RefreshesWithoutSecret = "refreshes-without-secret",
    /// Refreshes where it has no refresh token.
    RefreshesWithoutToken = "refreshes-without-token",
    /// App-only: keeps a refresh token in use.
    RefreshTokenForAnApp = "refresh-token-for-an-app",
    /// Takes members that it does not know for a failure of Graph.
    RefusesOddAnswers = "refuses-odd-answers",
    /// Goes on with a connection that was given up.
    RemembersAfterDisconnect = "remembers-after-disconnect",
    /// Renews the token for each call that Graph refuses.
    RenewsForEachRefusal = "renews-for-each-refusal",
    /// Renews the token for each call that finds it old.
    RenewsForEachCaller = "renews-for-each-caller",
    /// Sends a mail again to which nothing was said in time.
    RepeatsMailAfterSilence = "repeats-mail-after-silence",
    /// Sends again what got no answer, mail included.
    RepeatsWhatGotNoAnswer = "repeats-what-got-no-answer",
    /// Sends again what may have happened already.
    RepeatsWhatMayHaveHappened = "repeats-what-may-have-happened",
    /// Follows links to further pages at the public cloud's Graph.
    RewritesLinks = "rewrites-links",
    /// Sends its credential to Graph beside the access token.
    SendsItsSecretToGraph = "sends-its-secret-to-graph",
    /// Takes an empty page for the end of a list.
    StopsAtAnEmptyPage = "stops-at-an-empty-page",
    /// Tries a service that is down again and again.
    StormsTheService = "storms-the-service",
    /// Asks again after each refusal.
    RetriesRefusals = "retries-refusals",
    /// Presents a refresh token that was refused for good.
    ReusesDeadRefreshToken = "reuses-dead-refresh-token",
    /// Keeps the tokens of the sign-in, but not those of renewals.
    SavesOnlyTheSignIn = "saves-only-the-sign-in",
    /// Saves renewed tokens once a call with them has succeeded.
    SavesAfterUse = "saves-after-use",
    /// Puts its credential beside the assertion.
    SecretBesideAssertion = "secret-beside-assertion",
    /// Puts a credential into its messages.
    SecretInMessages = "secret-in-messages",
    /// Puts its credential into the address of the token endpoint.
    SecretInUrl = "secret-in-url",
    /// Sends its secret in header and body.
    SecretTwice = "secret-twice",
    /// Sends a person to sign in for an app-only connection.
    SendsAPersonForAnApp = "sends-a-person-for-an-app",
    /// Sends a mail to the first of its recipients.
    SendsToTheFirstAlone = "sends-to-the-first-alone",
    /// Sends HTML as plain text.
    SendsHtmlAsText = "sends-html-as-text",
    /// Sends each mail twice.
    SendsMailTwice = "sends-mail-twice",
    /// Signs in at the host of another cloud.
    SignsInElsewhere = "signs-in-elsewhere",
    /// Sends the refresh token to the sign-out page when the user disconnects.
    SignsOutWithTheToken = "signs-out-with-the-token",
    /// Opens the sign-in page by itself when a renewal fails.
    SignsInByItself = "signs-in-by-itself",
    /// Redeems a code whatever the state says.
    SkipsStateCheck = "skips-state-check",
    /// Waits within a call as long as the service asks.
    SleepsThroughLongWaits = "sleeps-through-long-waits",
    /// Reads the claims of a challenge up to the first equals sign.
    SplitsAtEqualsSigns = "splits-at-equals-signs",
    /// Shows a connection as broken for ever once a call has failed.
    StaysBroken = "stays-broken",
    /// Reads the first page of a list, and takes it for all.
    StopsAtTheFirstPage = "stops-at-the-first-page",
    /// Reads what has changed up to the first thing that is gone.
    StopsAtWhatIsGone = "stops-at-what-is-gone",
    /// Answers every failure with an empty success.
    SwallowsErrors = "swallows-errors",
    /// Takes a dead grant for an outage.
    TakesDeadGrantsForOutages = "takes-dead-grants-for-outages",
    /// Takes the state of any sign-in of its own, whichever it was.
    TakesAnyStateOfItsOwn = "takes-any-state-of-its-own",
    /// Saves what the token endpoint answers, whatever it is.
    TakesAnyAnswerForAToken = "takes-any-answer-for-a-token",
    /// Takes a callback without a code for a finished sign-in.
    TakesAnyCallbackForASignIn = "takes-any-callback-for-a-sign-in",
    /// Takes callbacks of whatever issuer.
    TakesCallbacksOfAnyIssuer = "takes-callbacks-of-any-issuer",
    /// Takes half an answer for a whole one.
    TakesHalfForWhole = "takes-half-for-whole",
    /// App-only: works in the library of the root site instead of the account's drive.
    TakesASiteForTheAccount = "takes-a-site-for-the-account",
    /// Takes a fragment whose answer is lost for written.
    TakesLostFragmentsForWritten = "takes-lost-fragments-for-written",
    /// Takes a plus sign in a name for a space.
    TakesPlusForASpace = "takes-plus-for-a-space",
    /// Takes a Retry-After that it cannot read for none to wait.
    TakesRetryAfterLiterally = "takes-retry-after-literally",
    /// Redeems the code of a callback that is an error.
    TakesTheCodeOfAnError = "takes-the-code-of-an-error",
    /// Takes the tokens of a renewal whoever they are of.
    TakesTokensOfAnyUser = "takes-tokens-of-any-user",
    /// Tells all that is there once more where the service has forgotten how far it had come.
    TellsAllAfterAResync = "tells-all-after-a-resync",
    /// Takes what was changed for new.
    TellsChangesAsNew = "tells-changes-as-new",
    /// Hands over once more what it has handed over.
    TellsThingsTwice = "tells-things-twice",
    /// Calls every failure a lost connection to the network.
    TellsNothing = "tells-nothing",
    /// Sends the access token in a header of its own.
    TokenInAHeaderOfItsOwn = "token-in-a-header-of-its-own",
    /// Puts the access token into the address of Graph.
    TokenInUrl = "token-in-url",
    /// Asks for a token before each call.
    TokenForEachCall = "token-for-each-call",
    /// Tries again without looking at the certificate where it does not fit.
    TriesAgainUnchecked = "tries-again-unchecked",
    /// Tries another environment's Graph first.
    TriesAnotherGraph = "tries-another-graph",
    /// Tries another tenant's token endpoint first.
    TriesAnotherTenant = "tries-another-tenant",
    /// Tries a secret where the certificate is refused, and a certificate's form for a secret.
    TriesOtherCredentials = "tries-other-credentials",
    /// Keeps the first two thousand letters of a token.
    TruncatesTokens = "truncates-tokens",
    /// Presents the refresh token before the last.
    UsesTheTokenBeforeLast = "uses-the-token-before-last",
    /// Calls Graph with a token that has ended where it gets no other.
    UsesEndedTokens = "uses-ended-tokens",
    /// App-only: calls `/me`.
    UsesMeForAnApp = "uses-me-for-an-app",
    /// Reads mail by the old Outlook interface.
    UsesOutlookRest = "uses-outlook-rest",
    /// Looks for new mail only when it is asked.
    WaitsToBeAsked = "waits-to-be-asked",
    /// Takes a refusal without a word for an outage.
    WantsWordsForRefusals = "wants-words-for-refusals",
    /// Watches the mail that was sent instead of what comes.
    WatchesWhatWasSent = "watches-what-was-sent",
    /// Sends no state.
    WithoutState = "without-state",
    /// Makes its states of the time.
    StatesOfTheTime = "states-of-the-time",
    /// Sends the same state with each sign-in of a connection.
    StateOfTheConnection = "state-of-the-connection",
    /// Compares as much of a state as its own has letters.
    ComparesAsFarAsItsState = "compares-as-far-as-its-state",
    /// Compares the beginning of a state only.
    ComparesHalfTheState = "compares-half-the-state",
    /// Takes capitals of a state for small letters.
    ComparesStatesWithoutCase = "compares-states-without-case",
    /// Signs in at `common` where it repairs a connection.
    RepairsAtCommon = "repairs-at-common",
    /// Renews its tokens at `common`.
    RenewsAtCommon = "renews-at-common",
    /// Gets a token for each kind of call.
    TokenForEachOperation = "token-for-each-operation",
    /// Keeps the tokens of a person, whatever was asked for.
    KeepsTokensByPerson = "keeps-tokens-by-person",
    /// Follows links of changes wherever they lead, with its token.
    FollowsAnyLinkOfChanges = "follows-any-link-of-changes",
    /// Compares a link with the one before it only.
    ForgetsTheLinkBeforeLast = "forgets-the-link-before-last",
    /// Starts a round of changes over as often as it is told to.
    StartsOverAgainAndAgain = "starts-over-again-and-again",
    /// Sends the claims of a challenge without its own capabilities.
    DropsItsCapabilities = "drops-its-capabilities",
    /// Writes callbacks to standard error.
    LogsCallbacks = "logs-callbacks",
    /// Writes headers to standard error, with its secret in base64.
    LogsItsHeaders = "logs-its-headers",
    /// Believes ID tokens that are of no sign-in.
    BelievesWithoutNonce = "believes-without-nonce",
    /// Gives an app's token to whoever names the app, whatever the tenant.
    KeepsAppTokensOverTenants = "keeps-app-tokens-over-tenants",
    /// Waits for each piece of an answer, and for all of them without end.
    WaitsForEachPiece = "waits-for-each-piece",
    /// Takes an empty state for its own.
    TakesAnEmptyState = "takes-an-empty-state",
    /// Asks for more permissions when it renews its tokens.
    RenewsWithMore = "renews-with-more",
    /// Shows a connection as broken where something is locked.
    BreaksOnALock = "breaks-on-a-lock",
    /// Writes back the tokens of a connection that was given up meanwhile.
    WritesBackAfterwards = "writes-back-afterwards",
    /// Writes over what has the name, whatever was to happen then.
    WritesOverWhatIsThere = "writes-over-what-is-there",
}

/// What stands in the place of the connector.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// The reference connector as it is.
    #[default]
    Sound,
    /// With one defect.
    Mutant(Mutant),
    /// Answers every request with success, and does nothing.
    Null,
    /// Refuses everything with one category: at once, or (for people) once they have signed in.
    Refusing {
        /// What it says.
        category: Category,
        /// Whether it opens a sign-in page first.
        opens_a_page: bool,
    },
    /// Declares everything, and answers that it is unsupported.
    Silent,
    /// Right in a way of its own.
    Style(Style),
}

impl Kind {
    /// Whether it has this defect.
    pub(super) fn is(self, mutant: Mutant) -> bool {
        self == Self::Mutant(mutant)
    }

    /// Whether it has this style.
    pub(super) fn has(self, style: Style) -> bool {
        self == Self::Style(style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_mutants_and_say_what_is_wrong() {
        for mutant in Mutant::ALL {
            assert_eq!(mutant.name().parse(), Ok(*mutant));
            assert!(mutant.says().ends_with('.'), "{mutant}");
        }
        let error = "skip-state-check".parse::<Mutant>().unwrap_err();
        assert!(error.contains("skips-state-check"), "{error}");
    }
}
