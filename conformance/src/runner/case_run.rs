//! One case: its world, its steps, its verdict.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use entra_mock::directory::{ApplicationId, TenantId};
use entra_mock::environment::Environment;
use entra_mock::journal::{Exchange, Surface};
use entra_mock::server::TenantHandle;

use super::artifact::Artifacts;
use super::worker::Worker;
use crate::browser::{Callback, Person};
use crate::case::{BrowserAction, Case, CertificateForms, Check, ConnectorKind};
use crate::driver::{DriverError, Incoming};
use crate::judge::{self, Canaries, CheckResult, Facts, FailureKind, FillError, Leak, Record};
use crate::protocol::Capabilities;
use crate::report::{CaseReport, Problem, ProblemKind};
use crate::text::cut;

/// What ends a case before its last step.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interrupt {
    /// The driver's own fault.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// A placeholder that is none.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// A step did not end as it must, and the next ones build on it.
    #[error("a step did not end as it must")]
    Mismatch,
    /// Something in the suite or the mock.
    #[error("{0}")]
    Suite(String),
}

/// A running case.
pub(super) struct CaseRun<'a> {
    pub(super) worker: &'a mut Worker,
    pub(super) case: &'a Case,
    pub(super) capabilities: Capabilities,
    pub(super) tenant: TenantHandle,
    pub(super) person: Person,
    pub(super) record: Record,
    pub(super) report: CaseReport,
    /// What the person does at the next sign-in.
    pub(super) browser: Option<BrowserAction>,
    /// Connections that did not come to be, as the scenario allows: calls on them are passed over.
    pub(super) absent: BTreeSet<String>,
    /// The callbacks that the person kept, by connection.
    pub(super) callbacks: BTreeMap<String, Callback>,
    /// How far the connector's clock was moved, in seconds.
    pub(super) advanced: i64,
    /// How far that of the other process was moved, where the case has two.
    pub(super) other_advanced: i64,
    /// How many of them passed within the step, because the connector waited.
    pub(super) waited: u64,
    /// What the driver said while its clock was moved.
    pub(super) kept: VecDeque<Incoming>,
    /// The connections that the driver was told of.
    pub(super) connections: BTreeSet<String>,
    /// Ids are new for each case, so that a driver can hold those of several.
    prefix: String,
    pub(super) began: u64,
    /// The checks whose turn has come.
    judged: BTreeSet<String>,
    tenants: BTreeSet<TenantId>,
    clients: BTreeSet<ApplicationId>,
}

impl<'a> CaseRun<'a> {
    /// Makes the world of a case.
    pub(super) fn new(
        worker: &'a mut Worker,
        case: &'a Case,
        capabilities: Capabilities,
    ) -> Result<Self, Interrupt> {
        let suite = |error: &dyn std::fmt::Display| Interrupt::Suite(error.to_string());
        let mock = &worker.shared.mock;
        let began = mock.journal().position();
        let tenant = mock.create_tenant(case.environment);
        let description = tenant.describe();
        let facts = Facts::new(case.auth_method, case.environment, &description);
        // A connector of several kinds is of that which the case is about.
        let kind = case.concerns().and_then(|it| ConnectorKind::all().get(it));
        let mut facts = facts.of_kind(kind.or_else(|| capabilities.kind()));
        let mut tenants = BTreeSet::from([tenant.id()]);
        let mut clients = BTreeSet::new();
        for app in description.apps.values() {
            tenants.insert(app.tenant_id);
            clients.insert(app.client_id);
            if let (Some(file), Some(password)) = (&app.pfx_file, &app.pfx_password) {
                let forms = worker.shared.certificate_forms(file, password);
                facts.add_certificate(forms.map_err(|it| suite(&it))?);
            }
        }
        let text = serde_json::to_string(&*case.scenario).map_err(|it| suite(&it))?;
        let neighbours: Vec<(&str, Environment)> = facts
            .neighbours()
            .filter(|(name, _)| text.contains(&format!("{{{name}.")))
            .collect();
        for (name, environment) in neighbours {
            let neighbour = mock.create_tenant(environment);
            let description = neighbour.describe();
            tenants.insert(neighbour.id());
            tenants.extend(description.apps.values().map(|app| app.tenant_id));
            clients.extend(description.apps.values().map(|app| app.client_id));
            facts.add_neighbour(name, &description);
        }
        for tweaks in [&facts.kind().world, &case.scenario.world] {
            let tweaks = facts.fill(tweaks)?;
            let changed = tweaks.apply(
                mock.world(),
                tenant.tenant(),
                &description,
                case.auth_method,
            );
            changed.map_err(|it| suite(&it))?;
        }
        let trusts = case.scenario.has_wrong_certificates();
        let person = Person::new(worker.person_proxy.as_deref(), mock.ca_pem(), trusts);
        let person = person.map_err(|it| suite(&it))?;
        let prefix = worker.next_prefix();
        Ok(Self {
            case,
            capabilities,
            tenant,
            person,
            record: Record {
                facts,
                exchanges: Vec::new(),
                steps: Vec::new(),
                person: Some(worker.person_label()),
                leaks: Vec::new(),
            },
            report: CaseReport::new(case),
            browser: None,
            absent: BTreeSet::new(),
            callbacks: BTreeMap::new(),
            advanced: 0,
            other_advanced: 0,
            waited: 0,
            kept: VecDeque::new(),
            connections: BTreeSet::new(),
            prefix,
            began,
            judged: BTreeSet::new(),
            tenants,
            clients,
            worker,
        })
    }

    /// Does all steps and judges.
    pub(super) async fn run(mut self) -> CaseReport {
        let limit = self.worker.shared.options.limits.case;
        let case = self.case;
        let ended = tokio::time::timeout(limit, self.steps(case.steps())).await;
        self.worker.end_other().await;
        match ended {
            Ok(ended @ (Ok(()) | Err(Interrupt::Mismatch))) => {
                if ended.is_err() {
                    self.judge_the_rest();
                }
                self.rules().await;
                self.forget_connections().await;
            }
            Ok(Err(Interrupt::Driver(error))) => self.driver_failed(&error),
            Ok(Err(error @ (Interrupt::Fill(_) | Interrupt::Suite(_)))) => {
                let problem = Problem::of_step(
                    ProblemKind::Suite,
                    self.last_step(),
                    case,
                    "a step that can be done",
                    error.to_string(),
                );
                self.report.add(problem);
                self.forget_connections().await;
            }
            Err(_) => {
                let problem = Problem::of_step(
                    ProblemKind::Driver,
                    self.last_step(),
                    case,
                    format!("an end within {} s", limit.as_secs()),
                    "the case took longer; --timeout changes the limit",
                );
                self.report.add(problem);
                self.worker.drop_session();
            }
        }
        self.close().await
    }

    /// The id of a connection on the wire.
    pub(super) fn connection(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// The position of the journal.
    pub(super) fn position(&self) -> u64 {
        self.worker.shared.mock.journal().position()
    }

    /// Judges the checks whose turn did not come: a step failed, and one of them may say why.
    fn judge_the_rest(&mut self) {
        self.collect();
        let scenario = std::sync::Arc::clone(&self.case.scenario);
        for check in scenario.checks() {
            if self.judged.contains(&check.name) || !self.asks(check) {
                continue;
            }
            if let Some(failure) = judge::violation(check, &self.record) {
                self.report
                    .add(Problem::of_check(check, failure, self.case));
            }
        }
    }

    /// Whether a check is asked of this case.
    fn asks(&self, check: &Check) -> bool {
        check.applies_to(self.case.auth_method, self.case.environment)
            && check.level >= self.worker.shared.options.level
    }

    /// Judges a check from the record so far.
    pub(super) fn judge(&mut self, check: &Check) {
        self.judged.insert(check.name.clone());
        if !self.asks(check) {
            return;
        }
        self.collect();
        match judge::check(check, &self.record) {
            CheckResult::Pass { .. } => self.report.passed.push(check.name.clone()),
            CheckResult::Fail(failure) => {
                self.report
                    .add(Problem::of_check(check, failure, self.case));
            }
        }
    }

    /// Judges the rules whose witness is there.
    async fn rules(&mut self) {
        self.collect();
        let canaries = Canaries::of(&self.record);
        let said = self.worker.output().await;
        let leaks = said.raw.lines().filter_map(|line| {
            let secret = canaries.find(line)?.to_owned();
            let line = cut(&canaries.redact(line), LEAK_LETTERS);
            Some(Leak { secret, line })
        });
        self.record.leaks = leaks.take(LEAKS).collect();
        let level = self.worker.shared.options.level;
        for rule in self.case.rules.iter().filter(|rule| rule.level >= level) {
            match judge::check(rule, &self.record) {
                CheckResult::Pass { .. } => self.report.passed.push(rule.name.clone()),
                CheckResult::Fail(failure) if failure.kind == FailureKind::NotExercised => {}
                CheckResult::Fail(failure) => {
                    self.report.add(Problem::of_check(rule, failure, self.case));
                }
            }
        }
    }

    /// Takes the case's exchanges from the journal.
    fn collect(&mut self) {
        let from = self
            .record
            .exchanges
            .last()
            .map_or(self.began, |it| it.number);
        let newer = self.worker.shared.mock.journal().exchanges_since(from);
        // What the person's browser makes of a wrong certificate says nothing of the connector.
        let of_person = self.worker.person_label();
        let is_persons = |it: &Exchange| {
            it.surface == Surface::Tls && it.via.as_deref() == Some(of_person.as_str())
        };
        let ours: Vec<Exchange> = newer
            .into_iter()
            .filter(|it| self.is_ours(it) && !is_persons(it))
            .collect();
        self.record.exchanges.extend(ours);
    }

    /// Whether an exchange belongs to this case: it came by the worker's own proxies, or names a
    /// tenant or an app of the case. What names neither and came by no proxy can only be told
    /// where no other case runs.
    fn is_ours(&self, exchange: &Exchange) -> bool {
        if let Some(via) = &exchange.via {
            return self.worker.owns(via);
        }
        let tenant = exchange.tenant.is_some_and(|it| self.tenants.contains(&it));
        let client = exchange.client.is_some_and(|it| self.clients.contains(&it));
        let unnamed = exchange.tenant.is_none() && exchange.client.is_none();
        tenant || client || (unnamed && self.worker.shared.options.jobs == 1)
    }

    fn last_step(&self) -> String {
        self.record.steps.last().map_or_else(
            || "start".to_owned(),
            |step| step.operation.clone().unwrap_or_else(|| step.step.clone()),
        )
    }

    fn driver_failed(&mut self, error: &DriverError) {
        let problem = Problem::of_step(
            ProblemKind::Driver,
            self.last_step(),
            self.case,
            "a driver that keeps to the protocol",
            error.to_string(),
        );
        self.report.add(problem);
        self.worker.drop_session();
    }

    /// Gives up what the case left behind in the driver.
    async fn forget_connections(&mut self) {
        let limit = self.worker.shared.options.limits.request;
        for name in std::mem::take(&mut self.connections) {
            let connection = self.connection(&name);
            if let Err(error) = self.worker.disconnect(connection, limit).await {
                self.driver_failed(&error);
                return;
            }
        }
        // The next case begins at the true time.
        if self.advanced != 0
            && let Err(error) = self.worker.set_back(self.advanced).await
        {
            self.driver_failed(&error);
        }
    }

    /// Ends the case: keeps what explains a failure, forgets the rest.
    async fn close(mut self) -> CaseReport {
        self.collect();
        let said = self.worker.take_output().await;
        let shared = &self.worker.shared;
        self.report.explain(&self.record.exchanges);
        for line in &mut self.report.wire {
            let exchange = self
                .record
                .exchanges
                .iter()
                .find(|it| it.number == line.number);
            let via = exchange.and_then(|it| it.via.as_deref());
            line.person = via.map_or(line.person, |it| it == self.worker.person_label());
        }
        if self.report.outcome.is_expected() {
            self.report.output.clear();
        } else {
            said.stderr.iter().for_each(|line| self.report.say(line));
            self.report.redact(&Canaries::of(&self.record));
            self.report.rerun = Some(shared.options.rerun_command(self.case));
            if let Some(folder) = &shared.artifacts {
                let artifacts = Artifacts {
                    case: self.case,
                    report: &self.report,
                    record: &self.record,
                    said: &said,
                };
                match artifacts.write(folder) {
                    Ok(path) => self.report.artifacts = Some(path.display().to_string()),
                    Err(error) => {
                        self.report
                            .output
                            .push(format!("no artifacts were kept: {error}"));
                    }
                }
            }
        }
        for tenant in &self.tenants {
            shared.mock.remove_tenant(*tenant);
        }
        self.report
    }
}

/// How many lines of standard error with secrets are kept, and how much of each.
const LEAKS: usize = 20;
const LEAK_LETTERS: usize = 400;

/// The forms of the client certificate are the same in all cases of a run.
pub(super) fn certificate_forms(file: &str, password: &str) -> Result<CertificateForms, String> {
    let pfx = std::fs::read(file).map_err(|error| format!("failed to read {file}: {error}"))?;
    CertificateForms::new(&pfx, password).map_err(|error| error.to_string())
}
