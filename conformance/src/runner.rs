//! The runner: a tenant a case, workers with a driver process each, nested time limits.

mod artifact;
mod case_run;
mod second_process;
mod sign_in;
mod step;
mod together;
mod worker;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entra_mock::journal::Entry;
use entra_mock::{MockEntra, StartError, isolation};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};

use artifact::Folder;
pub(crate) use worker::initialize;
use worker::{Shared, Worker};

use crate::case::{Case, Level};
use crate::driver::Source;
use crate::known_failure::KnownFailures;
use crate::report::{CaseReport, Event, ReportError, RunEnd, RunStart, SCHEMA, WireLine};

/// How cases are run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where the driver comes from.
    pub source: Source,
    /// How many cases run at once.
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
    /// What a rerun command has beside seed and filter, such as `--connector './driver'`.
    pub rerun: String,
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

/// Time limits, nested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For the answer to a request.
    pub request: Duration,
    /// For a case.
    pub case: Duration,
    /// For the run.
    pub run: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            case: Duration::from_mins(1),
            run: None,
        }
    }
}

impl RunOptions {
    /// The command that runs a case again.
    fn rerun_command(&self, case: &Case) -> String {
        let Self { seed, rerun, .. } = self;
        let mut command = format!("entra-conformance run --seed {seed} --filter '{}'", case.id);
        if !rerun.is_empty() {
            command.push(' ');
            command.push_str(rerun);
        }
        command
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
    /// A report can't be written.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Runs cases, telling what happens. `library` is what known failures may name.
pub async fn run(
    cases: Vec<Case>,
    library: &[Case],
    options: RunOptions,
    mut known: KnownFailures,
    mut tell: impl FnMut(&Event) -> Result<(), ReportError>,
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
    let jobs = options.jobs.clamp(1, cases.len().max(1));
    let (mock, proxies) = start_mock(&options, jobs).await?;
    let mut start = RunStart {
        schema: SCHEMA,
        suite: concat!("entra-conformance ", env!("CARGO_PKG_VERSION")).to_owned(),
        source: options.source.to_string(),
        connector: String::new(),
        seed: options.seed,
        cases: cases.len(),
        shard: options.shard.clone(),
        artifacts: artifacts.as_ref().map(|it| it.path().display().to_string()),
    };
    let run_limit = options.limits.run;
    if let Some(watch) = options.watch {
        tokio::spawn(follow(mock.journal().follow(), watch));
    }
    let shared = Arc::new(Shared::new(mock, RunOptions { jobs, ..options }, artifacts));
    let mut workers: Vec<Worker> = proxies
        .into_iter()
        .enumerate()
        .map(|(number, [own, person])| Worker::new(Arc::clone(&shared), number, own, person))
        .collect();

    // The first driver is started before any case: one that can't be is told once.
    let mut incomplete = match workers[0].start().await {
        Ok(capabilities) => {
            let name = &capabilities.connector;
            let connector = format!("{} {}", name.name, name.version);
            connector.trim().clone_into(&mut start.connector);
            None
        }
        Err(reason) => Some(reason),
    };
    tell(&Event::RunStarted(start))?;
    if incomplete.is_none() {
        let queue = Arc::new(Mutex::new(VecDeque::from(cases)));
        let (finished, mut reports) = mpsc::channel(64);
        let tasks: Vec<_> = workers
            .into_iter()
            .map(|worker| tokio::spawn(work(worker, Arc::clone(&queue), finished.clone())))
            .collect();
        drop(finished);
        let limit = async {
            match run_limit {
                Some(limit) => {
                    let _ = tokio::time::timeout(limit, std::future::pending::<()>()).await;
                    limit.as_secs()
                }
                None => std::future::pending().await,
            }
        };
        tokio::pin!(limit);
        loop {
            tokio::select! {
                finished = reports.recv() => match finished {
                    None => break,
                    Some(Ok(finished)) => {
                        let (case, mut report) = *finished;
                        known.apply(&case, &mut report);
                        tell(&Event::CaseFinished(Box::new(report)))?;
                    }
                    Some(Err(reason)) => {
                        incomplete.get_or_insert(reason);
                        break;
                    }
                },
                seconds = &mut limit => {
                    incomplete = Some(format!("the run took longer than {seconds} s"));
                    break;
                }
                _ = tokio::signal::ctrl_c() => {
                    incomplete = Some("the run was interrupted".to_owned());
                    break;
                }
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
    tell(&Event::RunFinished(RunEnd {
        millis,
        stale,
        incomplete,
    }))?;
    if let Ok(shared) = Arc::try_unwrap(shared).map_err(drop) {
        shared.mock.stop().await;
    }
    Ok(())
}

/// A worker's life: takes cases until there are none.
async fn work(
    mut worker: Worker,
    queue: Arc<Mutex<VecDeque<Case>>>,
    finished: mpsc::Sender<Result<Box<(Case, CaseReport)>, String>>,
) {
    loop {
        let next = queue.lock().pop_front();
        let Some(case) = next else { break };
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
async fn follow(mut feed: broadcast::Receiver<Arc<Entry>>, watch: fn(&str)) {
    let mut began = None;
    while let Ok(entry) = feed.recv().await {
        if let Entry::Exchange(exchange) = &*entry {
            let began = *began.get_or_insert(exchange.at);
            watch(&format!("  {}", WireLine::new(exchange, began).text()));
        }
    }
}

/// Starts the mock with two proxies for each worker: the connector's and the person's.
pub(crate) async fn start_mock(
    options: &RunOptions,
    jobs: usize,
) -> Result<(MockEntra, Vec<[Option<String>; 2]>), RunError> {
    let mut builder = MockEntra::builder()
        .seed(options.seed)
        .journal_capacity(JOURNAL_CAPACITY);
    if options.reach == Reach::Isolated {
        builder = builder.real_ports();
    }
    let mut mock = builder.start().await?;
    if options.reach == Reach::Isolated {
        name_hosts(&mock)?;
    }
    let mut proxies = Vec::with_capacity(jobs);
    for number in 0..jobs {
        let [own, person] = Worker::labels(number);
        let own = match options.reach {
            Reach::Proxy => Some(mock.open_proxy(&own).await?),
            Reach::Direct | Reach::Isolated => None,
        };
        // The person's browser always has the real names.
        let person = mock.open_proxy(&person).await?;
        proxies.push([own, Some(person)]);
    }
    Ok((mock, proxies))
}

/// Lets the hosts file of the namespaces name Microsoft's hosts, and the system's roots ours.
fn name_hosts(mock: &MockEntra) -> Result<(), RunError> {
    let folder = std::env::temp_dir().join(format!("entra-conformance-{}", std::process::id()));
    let mounted = std::fs::create_dir_all(&folder)
        .map_err(|error| RunError::Isolation(error.to_string()))
        .and_then(|()| {
            let mounted = isolation::mount_files(&folder, mock.ca_bundle_file());
            mounted.map_err(|error| RunError::Isolation(error.to_string()))
        });
    // What is mounted stays; its name is not needed any more.
    let _ = std::fs::remove_dir_all(&folder);
    mounted
}

/// More than what all parallel cases together write.
const JOURNAL_CAPACITY: usize = 20_000;
