//! A worker: a driver process of its own, proxies of its own, one case after the other.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use entra_mock::MockEntra;
use entra_mock::server::{UNSET, Variables};

use super::artifact::Folder;
use super::case_run::{CaseRun, certificate_forms};
use super::{Reach, RunOptions};
use crate::case::{Case, CertificateForms};
use crate::driver::{DriverError, Reply, Session, Source};
use crate::protocol::{Capabilities, Initialize, Network, Request, VERSION};
use crate::reference::Store;
use crate::report::{CaseReport, Problem, ProblemKind};
use crate::strangers::Strangers;

/// What the workers of a run share.
pub(crate) struct Shared {
    pub(crate) mock: MockEntra,
    pub(crate) strangers: Strangers,
    pub(crate) options: RunOptions,
    /// The folder of this run's artifacts.
    pub(super) artifacts: Option<Folder>,
    certificate: OnceLock<Result<CertificateForms, String>>,
}

impl Shared {
    pub(crate) fn new(
        mock: MockEntra,
        strangers: Strangers,
        options: RunOptions,
        artifacts: Option<Folder>,
    ) -> Self {
        Self {
            mock,
            strangers,
            options,
            artifacts,
            certificate: OnceLock::new(),
        }
    }

    /// The variables of a driver, so that it trusts strangers as it trusts any site, and reaches
    /// them by the proxy without TLS, too.
    fn with_strangers(
        &self,
        mut variables: Vec<(String, String)>,
        proxy: Option<&str>,
    ) -> Vec<(String, String)> {
        let bundle = self.strangers.bundle_file().display().to_string();
        let root = self.strangers.ca_file().display().to_string();
        for (name, value) in &mut variables {
            match name.as_str() {
                "SSL_CERT_FILE" | "REQUESTS_CA_BUNDLE" | "CURL_CA_BUNDLE" => {
                    value.clone_from(&bundle);
                }
                "NODE_EXTRA_CA_CERTS" => value.clone_from(&root),
                "JAVA_TOOL_OPTIONS" => {
                    let all = value.replace("-Dhttps.proxy", "-Dhttp.proxy");
                    let http = all.split(' ').filter(|it| it.starts_with("-Dhttp.proxy"));
                    let http: Vec<&str> = http.collect();
                    value.push(' ');
                    value.push_str(&http.join(" "));
                }
                _ => {}
            }
        }
        if let Some(proxy) = proxy {
            for name in ["HTTP_PROXY", "http_proxy"] {
                variables.push((name.to_owned(), proxy.to_owned()));
            }
            // A connector may have services of its own on this machine.
            for name in UNSET {
                variables.push((name.to_owned(), "localhost,127.0.0.1,::1".to_owned()));
            }
        }
        variables
    }

    /// The client certificate in all its forms.
    pub(super) fn certificate_forms(
        &self,
        file: &str,
        password: &str,
    ) -> Result<&CertificateForms, String> {
        let made = self
            .certificate
            .get_or_init(|| certificate_forms(file, password));
        made.as_ref().map_err(Clone::clone)
    }
}

/// A worker.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(super) person_proxy: Option<String>,
    number: usize,
    proxy: Option<String>,
    session: Option<(Session, Capabilities)>,
    /// The other one of two processes on one store, while a case has two.
    other: Option<(Session, Capabilities)>,
    /// Where the reference connector keeps its connections.
    store: Store,
    /// What drivers said that ended within the case.
    said: Output,
    cases: usize,
}

/// What a driver said: the conversation and its standard error.
#[derive(Default)]
pub(crate) struct Output {
    pub(super) conversation: Vec<String>,
    pub(crate) stderr: Vec<String>,
    /// The standard error as it came, to be searched for secrets.
    pub(super) raw: String,
}

impl Output {
    fn hear(&mut self, session: &mut Session) {
        self.conversation.extend(session.take_conversation());
        let heard = session.take_stderr();
        self.stderr.extend(heard.lines);
        self.raw.push_str(&heard.text);
    }
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        number: usize,
        proxy: Option<String>,
        person_proxy: Option<String>,
    ) -> Self {
        let said = Output::default();
        Self {
            shared,
            person_proxy,
            number,
            proxy,
            session: None,
            other: None,
            store: Store::default(),
            said,
            cases: 0,
        }
    }

    /// The labels of a worker's proxies: the connector's and the person's.
    pub(super) fn labels(number: usize) -> [String; 2] {
        [format!("worker-{number}"), format!("person-{number}")]
    }

    pub(super) fn person_label(&self) -> String {
        let [_, person] = Self::labels(self.number);
        person
    }

    /// Whether an exchange with this label came by the worker's proxies.
    pub(super) fn owns(&self, via: &str) -> bool {
        Self::labels(self.number).iter().any(|it| it == via)
    }

    /// Why a case cannot run the way in which the connector reaches the mock, if it cannot.
    fn unreachable(&self, case: &Case) -> Option<String> {
        let alone = self.proxy.is_some() || self.shared.options.jobs == 1;
        (case.scenario.has_wrong_certificates() && !alone).then(|| {
            "without the proxy, a wrong certificate would reach the cases beside this one; run it \
             with --jobs 1"
                .to_owned()
        })
    }

    /// The label of the connector's proxy, if it has one.
    pub(super) fn label(&self) -> Option<String> {
        let [own, _] = Self::labels(self.number);
        self.proxy.is_some().then_some(own)
    }

    /// What the ids of a new case's connections begin with.
    pub(super) fn next_prefix(&mut self) -> String {
        self.cases += 1;
        format!("w{}c{}", self.number, self.cases)
    }

    /// Runs a case; the driver is started where it is not running. An error if it can't be.
    pub(crate) async fn run(&mut self, case: &Case) -> Result<CaseReport, String> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a case takes")]
        let began = Instant::now();
        let capabilities = self.start().await?;
        self.session()
            .map_err(|error| error.to_string())?
            .begin_case();
        let unsupported = unsupported(case, &capabilities).or_else(|| self.unreachable(case));
        let mut report = if let Some(reason) = unsupported {
            CaseReport::skipped(case, reason)
        } else {
            match CaseRun::new(self, case, capabilities) {
                Ok(run) => Box::pin(run.run()).await,
                Err(error) => {
                    let mut report = CaseReport::new(case);
                    let observed = error.to_string();
                    let kind = ProblemKind::Suite;
                    let expected = "the world of the case can be made";
                    report.add(Problem::of_step(kind, "world", case, expected, observed));
                    report
                }
            }
        };
        report.millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(report)
    }

    /// Starts the driver where it is not running, and says what it can do.
    pub(crate) async fn start(&mut self) -> Result<Capabilities, String> {
        if let Some((_, capabilities)) = &self.session {
            return Ok(capabilities.clone());
        }
        let mock = &self.shared.mock;
        let variables = mock.variables_for(&Variables {
            proxy: self.proxy.clone(),
            direct: self.shared.options.reach == Reach::Direct,
            ..Variables::default()
        });
        let variables = self.shared.with_strangers(variables, self.proxy.as_deref());
        let mut unset: Vec<&str> = UNSET.to_vec();
        if self.proxy.is_none() {
            unset.extend(PROXY_VARIABLES);
        }
        let source = &self.shared.options.source;
        let spawned = source.start(&variables, &unset, &self.store).await;
        let mut session = Session::new(spawned.map_err(|error| error.to_string())?);
        session.watch(self.shared.options.watch);
        let network = Network {
            https_proxy: self.proxy.clone(),
            ca_file: Some(self.shared.strangers.ca_file().display().to_string()),
        };
        let limit = self.shared.options.limits.start;
        match initialize(&mut session, network, limit).await {
            Ok(capabilities) => {
                self.session = Some((session, capabilities.clone()));
                Ok(capabilities)
            }
            Err(error) => {
                let stderr = session.stderr();
                let tail = stderr.iter().rev().take(10).rev();
                let said: String = tail.map(|line| format!("\n  stderr: {line}")).collect();
                self.said.hear(&mut session);
                Err(format!(
                    "the connector '{}' does not start: {error}{said}",
                    self.shared.options.source
                ))
            }
        }
    }

    /// The session with the driver.
    pub(crate) fn session(&mut self) -> Result<&mut Session, DriverError> {
        match &mut self.session {
            Some((session, _)) => Ok(session),
            None => Err(DriverError::Ended("initialize".to_owned())),
        }
    }

    /// Ends the driver at once; the next case starts it again.
    pub(super) fn drop_session(&mut self) {
        self.listen();
        self.session = None;
    }

    /// What was said since the last time.
    pub(crate) async fn take_output(&mut self) -> Output {
        self.output().await;
        std::mem::take(&mut self.said)
    }

    /// What was said since the last time that it was taken.
    pub(super) async fn output(&mut self) -> &Output {
        if let Some((session, _)) = &mut self.session {
            session.await_stderr().await;
        }
        self.listen();
        &self.said
    }

    /// Turns to the other one of two processes, which is started where it is not running.
    pub(super) async fn turn(&mut self) -> Result<(), String> {
        self.listen();
        std::mem::swap(&mut self.session, &mut self.other);
        self.start().await.map(drop)
    }

    /// Ends the other process, if there is one.
    pub(super) async fn end_other(&mut self) {
        if let Some((mut session, _)) = self.other.take() {
            self.said.hear(&mut session);
            session.shut_down(SHUT_DOWN_LIMIT).await;
        }
    }

    fn listen(&mut self) {
        for (session, _) in self.session.iter_mut().chain(&mut self.other) {
            self.said.hear(session);
        }
    }

    /// Asks the driver to end, or ends it in the middle of its work, and starts it again.
    pub(super) async fn restart(&mut self, kill: bool) -> Result<(), String> {
        self.listen();
        let limit = self.shared.options.limits.request;
        if let Some((session, _)) = self.session.take()
            && !kill
        {
            session.shut_down(limit).await;
        }
        self.start().await.map(drop)
    }

    /// Gives up a connection; a connector that does not know it (any more) is right to say so.
    pub(super) async fn disconnect(
        &mut self,
        connection: String,
        limit: Duration,
    ) -> Result<(), DriverError> {
        let request = Request::Disconnect { connection };
        self.session()?.ask(&request, limit).await.map(drop)
    }

    /// Sets the connector's clock right: a process starts again, a service is told to go back.
    pub(super) async fn set_back(&mut self, seconds: i64) -> Result<(), DriverError> {
        let limit = self.shared.options.limits.request;
        if matches!(self.shared.options.source, Source::Tcp(_) | Source::Unix(_)) {
            let request = Request::AdvanceClock { seconds: -seconds };
            return self.session()?.ask(&request, limit).await.map(drop);
        }
        self.listen();
        if let Some((session, _)) = self.session.take() {
            session.shut_down(limit).await;
        }
        Ok(())
    }

    /// Ends the driver.
    pub(super) async fn shut_down(mut self) {
        if let Some((session, _)) = self.session.take() {
            session.shut_down(SHUT_DOWN_LIMIT).await;
        }
    }
}

/// Shakes hands with a driver.
async fn initialize(
    session: &mut Session,
    network: Network,
    limit: Duration,
) -> Result<Capabilities, DriverError> {
    let misfit = |problem: String| DriverError::Misfit {
        method: "initialize".to_owned(),
        problem,
    };
    let request = Request::Initialize(Initialize {
        protocol: vec![VERSION],
        suite: concat!("entra-conformance ", env!("CARGO_PKG_VERSION")).to_owned(),
        network,
    });
    let result = match session.ask(&request, limit).await? {
        Reply::Result(result) => result,
        Reply::Failure(failure) => {
            return Err(misfit(format!("{}: {}", failure.category, failure.message)));
        }
        Reply::UnknownMethod => return Err(misfit("the driver does not have the method".into())),
    };
    let capabilities: Capabilities =
        serde_json::from_value(result).map_err(|error| misfit(error.to_string()))?;
    capabilities.validate().map_err(misfit)?;
    Ok(capabilities)
}

/// Why a connector cannot run a case.
fn unsupported(case: &Case, capabilities: &Capabilities) -> Option<String> {
    let lacks = |list: &[String], name: &str| !list.iter().any(|it| it == name);
    if lacks(&capabilities.auth_methods, case.auth_method.slug()) {
        return Some(format!(
            "the connector does not have the auth method {}",
            case.auth_method
        ));
    }
    if lacks(&capabilities.environments, case.environment.slug()) {
        let environment = case.environment.slug();
        return Some(format!(
            "the connector does not have the environment {environment}"
        ));
    }
    let missing = case
        .scenario
        .needs
        .iter()
        .find(|need| !capabilities.has(need))?;
    let missing = capabilities.operation(missing);
    Some(format!("the connector does not have {missing}"))
}

const SHUT_DOWN_LIMIT: Duration = Duration::from_secs(2);

const PROXY_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;
    use crate::reference::{Guise, Kind, capabilities};

    /// How many cases there are, and how many of them a guise of the reference connector skips.
    fn skipped(guise: Guise, meant: impl Fn(&Case) -> bool) -> (usize, usize) {
        let capabilities = capabilities(Kind::Sound, guise, true);
        capabilities.validate().unwrap();
        let cases = Library::embedded().unwrap().cases();
        let cases: Vec<&Case> = cases.iter().filter(|case| meant(case)).collect();
        let skipped = cases
            .iter()
            .filter(|it| unsupported(it, &capabilities).is_some());
        (cases.len(), skipped.count())
    }

    #[test]
    fn each_kind_of_connector_runs_what_is_about_every_connector() {
        for guise in Guise::ALL {
            let (all, left) = skipped(guise, |case| case.concerns().is_none());
            assert!(all > 850, "{all} cases are about every connector");
            assert!(left * 20 <= all, "{guise}: {left} of {all} are skipped");
            let (own, left) = skipped(guise, |case| case.concerns() == Some(guise.name()));
            assert!(
                own > 40 && left == 0,
                "{guise}: {left} of {own} are skipped"
            );
        }
    }

    #[test]
    fn themes_that_are_about_every_connector_run_with_files_as_with_mail() {
        for theme in [
            "auth",
            "consent",
            "refresh",
            "tokens",
            "outages",
            "transport",
        ] {
            let of = |case: &Case| case.scenario_id.starts_with(&format!("{theme}/"));
            let (all, left) = skipped(Guise::Files, of);
            assert!(left * 10 <= all, "{theme}: {left} of {all} are skipped");
        }
    }
}
