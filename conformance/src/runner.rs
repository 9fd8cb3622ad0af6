//! The runner: a tenant a case, workers with a driver process each, nested time limits.

mod artifact;
mod case_run;
mod queue;
mod second_process;
mod sign_in;
mod step;
mod together;
mod worker;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entra_mock::journal::{Entry, Feed};
use entra_mock::platform::{Asked, Signals};
use entra_mock::scratch::Scratch;
use entra_mock::{MockEntra, StartError, isolation};
use tokio::sync::mpsc;

use artifact::Folder;
use queue::{Place, Queue};
pub(crate) use worker::{Shared, Worker};

use crate::case::{Case, Level};
use crate::driver::Source;
use crate::known_failure::KnownFailures;
use crate::report::{CaseReport, Event, RunEnd, RunStart, SCHEMA, WireLine};
use crate::strangers::Strangers;
use crate::text::{cut, visible_line};

/// How cases are run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where the driver comes from.
    pub source: Source,
    /// How many cases run at once; those with a service that is silent for long run beside them.
    pub jobs: usize,
    /// Decides everything that is drawn at random.
    pub seed: u64,
    /// Checks below this level are not judged.
    pub level: Level,
    /// The time limits.
    pub limits: Limits,
    /// How the connector reaches the mock.
    pub reach: Reach,
    /// Where the folder with the artifacts of failed cases is made; none, and nothing is kept.
    pub artifacts: Option<PathBuf>,
    /// The shard, for the report.
    pub shard: Option<String>,
    /// Is shown every step, every line between suite and driver, and every exchange, as it happens.
    pub watch: Option<fn(&str)>,
    /// How a case is run again.
    pub rerun: Rerun,
}

/// How a case is run again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rerun {
    /// The scenario file, as an argument of `replay`, where the cases came from one.
    pub file: Option<String>,
    /// The flags beside seed and case, such as `--connector './driver'`.
    pub flags: String,
}

/// How the connector reaches the mock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reach {
    /// By addresses on localhost, which the connector is given.
    Direct,
    /// By the hosts file: this process is in namespaces of its own.
    Isolated,
    /// By the forward proxy.
    #[default]
    Proxy,
}

impl Reach {
    /// The name in reports.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Isolated => "isolated",
            Self::Proxy => "proxy",
        }
    }
}

/// Time limits, nested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For the start of a driver, up to the answer to `initialize`: interpreters need their time.
    pub start: Duration,
    /// For the answer to a request, from when it is sent, whatever the driver says before it.
    pub request: Duration,
    /// For a case.
    pub case: Duration,
    /// For the run.
    pub run: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            request: Duration::from_secs(10),
            case: Duration::from_mins(1),
            run: None,
        }
    }
}

impl RunOptions {
    /// The command that runs a case again.
    fn rerun_command(&self, case: &Case) -> String {
        let Rerun { file, flags } = &self.rerun;
        let mut words = vec!["entra-conformance".to_owned()];
        match file {
            Some(file) => {
                let (auth, environment) = (case.auth_method, case.environment.slug());
                words.push(format!("replay {file} --auth {auth}"));
                words.push(format!("--environment {environment} --seed {}", self.seed));
            }
            None => words.push(format!("run --seed {} --filter '{}'", self.seed, case.id)),
        }
        if !flags.is_empty() {
            words.push(flags.clone());
        }
        words.join(" ")
    }
}

/// Why a run ends without results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The folder for artifacts can't be made.
    #[error("cannot make a folder in {}: {error}; --artifacts names another place", .path.display())]
    Artifacts {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The namespaces can't be furnished.
    #[error("cannot name Microsoft's hosts inside of the namespaces: {0}")]
    Isolation(String),
    /// The mock can't be started.
    #[error(transparent)]
    Mock(#[from] StartError),
    /// A run that must be whole was broken off.
    #[error("{0}")]
    Incomplete(String),
    /// The hosts that are not Microsoft's can't be had.
    #[error("cannot serve the hosts that are not Microsoft's: {0}")]
    Strangers(std::io::Error),
    /// The signals that end a run can't be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

/// Runs cases, telling what happens. `library` is what known failures may name.
pub async fn run(
    cases: Vec<Case>,
    library: &[Case],
    options: RunOptions,
    mut known: KnownFailures,
    mut tell: impl FnMut(&Event),
) -> Result<(), RunError> {
    #[expect(clippy::disallowed_methods, reason = "measures how long the run takes")]
    let began = Instant::now();
    let artifacts = match &options.artifacts {
        Some(root) => Some(Folder::new(root).map_err(|error| {
            let path = root.clone();
            RunError::Artifacts { path, error }
        })?),
        None => None,
    };
    let mut missing: BTreeSet<String> = cases.iter().map(|case| case.id.clone()).collect();
    let (places, queue) = Queue::new(cases, options.jobs);
    let (mock, strangers, proxies) = start_mock(&options, places.len()).await?;
    let mut start = RunStart {
        schema: SCHEMA,
        suite: concat!("entra-conformance ", env!("CARGO_PKG_VERSION")).to_owned(),
        source: options.source.to_string(),
        connector: String::new(),
        language: String::new(),
        reach: options.reach.slug().to_owned(),
        seed: options.seed,
        cases: missing.len(),
        shard: options.shard.clone(),
        artifacts: artifacts.as_ref().map(|it| it.path().display().to_string()),
    };
    let stop = stop(options.limits.run)?;
    tokio::pin!(stop);
    if let Some(watch) = options.watch {
        tokio::spawn(follow(mock.journal().follow(), watch));
    }
    let jobs = places.iter().filter(|it| **it == Place::Job).count();
    let options = RunOptions { jobs, ..options };
    let shared = Arc::new(Shared::new(mock, strangers, options, artifacts));
    let mut workers: Vec<Worker> = proxies
        .into_iter()
        .enumerate()
        .map(|(number, [own, person])| Worker::new(Arc::clone(&shared), number, own, person))
        .collect();

    // The first driver is started before any case: one that can't be is told once.
    let started = tokio::select! {
        biased;
        reason = &mut stop => Err(reason),
        started = workers[0].start() => started,
    };
    let mut incomplete = match started {
        Ok(capabilities) => {
            let name = &capabilities.connector;
            let connector = format!("{} {}", name.name, name.version);
            start.connector = cut(&visible_line(&connector), NAME_LETTERS);
            start.language = cut(&visible_line(&name.language), NAME_LETTERS);
            None
        }
        Err(reason) => Some(reason),
    };
    tell(&Event::RunStarted(start));
    if incomplete.is_none() {
        let queue = Arc::new(queue);
        let (finished, mut reports) = mpsc::channel(64);
        let tasks: Vec<_> = workers
            .into_iter()
            .zip(places)
            .map(|(worker, place)| {
                tokio::spawn(work(worker, place, Arc::clone(&queue), finished.clone()))
            })
            .collect();
        drop(finished);
        loop {
            tokio::select! {
                biased;
                reason = &mut stop => {
                    incomplete = Some(reason);
                    break;
                }
                finished = reports.recv() => match finished {
                    None => break,
                    Some(Ok(finished)) => {
                        let (case, mut report) = *finished;
                        known.apply(&case, &mut report);
                        missing.remove(&report.id);
                        tell(&Event::CaseFinished(Box::new(report)));
                    }
                    Some(Err(reason)) => {
                        incomplete.get_or_insert(reason);
                        break;
                    }
                },
            }
        }
        for task in tasks {
            if incomplete.is_some() {
                task.abort();
            }
            if let Err(error) = task.await
                && error.is_panic()
            {
                incomplete.get_or_insert_with(|| "a worker of the suite panicked".to_owned());
            }
        }
    }
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let stale = if incomplete.is_none() {
        known.stale(library)
    } else {
        Vec::new()
    };
    let missing = missing.into_iter().collect();
    tell(&Event::RunFinished(RunEnd {
        millis,
        stale,
        incomplete,
        missing,
    }));
    if let Ok(shared) = Arc::try_unwrap(shared).map_err(drop) {
        shared.mock.stop().await;
    }
    Ok(())
}

/// What ends a run before its last case: its time limit, or a signal. Why, for the report.
pub(crate) fn stop(limit: Option<Duration>) -> Result<impl Future<Output = String>, RunError> {
    let mut signals = Signals::listen().map_err(RunError::Signals)?;
    Ok(async move {
        let out_of_time = async {
            match limit {
                Some(limit) => {
                    let _ = tokio::time::timeout(limit, std::future::pending::<()>()).await;
                    limit.as_secs()
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            seconds = out_of_time => format!("the run took longer than {seconds} s"),
            asked = signals.next() => match asked {
                Asked::Interrupt => "the run was interrupted".to_owned(),
                other => format!("the run was ended by {}", other.name()),
            },
        }
    })
}

/// A worker's life: takes cases until there are none.
async fn work(
    mut worker: Worker,
    place: Place,
    queue: Arc<Queue>,
    finished: mpsc::Sender<Result<Box<(Case, CaseReport)>, String>>,
) {
    while let Some(case) = queue.take(place) {
        let result = worker.run(&case).await;
        let broken = result.is_err();
        let told = finished
            .send(result.map(|report| Box::new((case, report))))
            .await;
        if broken || told.is_err() {
            break;
        }
    }
    worker.shut_down().await;
}

/// Shows every exchange as it happens.
async fn follow(mut feed: Feed, watch: fn(&str)) {
    let mut began = None;
    while let Ok(entry) = feed.recv().await {
        if let Entry::Exchange(exchange) = &*entry {
            let began = *began.get_or_insert(exchange.at);
            watch(&format!("  {}", WireLine::new(exchange, began).text()));
        }
    }
}

/// The mock, the strangers, and two proxies for each worker: the connector's and the person's.
pub(crate) type Network = (MockEntra, Strangers, Vec<[Option<String>; 2]>);

/// Starts the network of a run.
pub(crate) async fn start_mock(options: &RunOptions, jobs: usize) -> Result<Network, RunError> {
    let mut builder = MockEntra::builder()
        .seed(options.seed)
        .journal_capacity(JOURNAL_CAPACITY);
    if options.reach == Reach::Isolated {
        builder = builder.real_ports();
    }
    let mut mock = builder.start().await?;
    let strangers = Strangers::new(&mock).map_err(RunError::Strangers)?;
    if options.reach == Reach::Isolated {
        name_hosts(&strangers)?;
        strangers.inhabit().await.map_err(RunError::Strangers)?;
    }
    let mut proxies = Vec::with_capacity(jobs);
    for number in 0..jobs {
        let [own, person] = Worker::labels(number);
        let own = match options.reach {
            Reach::Proxy => {
                let behind = mock.open_proxy(&own).await?;
                let opened = strangers.open_proxy(&behind, &own).await;
                Some(opened.map_err(RunError::Strangers)?)
            }
            Reach::Direct | Reach::Isolated => None,
        };
        // The person's browser always has the real names.
        let person = mock.open_proxy(&person).await?;
        proxies.push([own, Some(person)]);
    }
    Ok((mock, strangers, proxies))
}

/// Lets the hosts file of the namespaces name Microsoft's hosts, and the system's roots ours.
fn name_hosts(strangers: &Strangers) -> Result<(), RunError> {
    let failed = |error: String| RunError::Isolation(error);
    // What is mounted stays; its name is not needed any more.
    let folder = Scratch::new("entra-conformance-").map_err(|error| failed(error.to_string()))?;
    isolation::mount_files(folder.path(), strangers.bundle_file(), &[])
        .map_err(|error| failed(error.to_string()))
}

/// How much of a connector's name is shown.
const NAME_LETTERS: usize = 120;

/// More than what all parallel cases together write.
const JOURNAL_CAPACITY: usize = 20_000;
