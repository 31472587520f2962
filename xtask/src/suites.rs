//! The test binaries of the workspace, built once and run one after the other, each with as many threads as suit it.
//!
//! Cargo runs them with a thread for each processor. Most tests here wait: for programs that are to stay up for a second,
//! for upstream, which looks around once a second. Those have more threads.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{browser, ecosystem, oracle};

/// Threads of a binary whose tests mostly wait.
const WAITING: usize = 5;

/// The packages whose tests start daemons and wait for them.
const PACKAGES_THAT_WAIT: &[&str] = &["provost-compat", "provost-e2e"];

/// Binaries of `provost-e2e` that measure times, or that keep all processors at work: with a thread for each processor.
const WITHOUT_COMPANY: &[&str] = &[
    "bounds",
    "disk",
    "events",
    "fault_output",
    "hostile",
    "idle",
    "speed",
    "status_under_faults",
    "takeover",
    "thousand",
    "upgrade",
];

/// Binaries of `provost-e2e` that take minutes, nearly all of them in waiting, and measure no time: they run beside the
/// others.
const BESIDE: &[&str] = &["soak"];

/// A binary with tests.
struct Suite {
    package: String,
    name: String,
    program: PathBuf,
    /// Where its package is: tests are run there.
    directory: PathBuf,
}

/// Builds all and runs those whose package and name contain each of `words`, whether or not one of them fails. Answers
/// whether none did.
pub(crate) fn run(words: &[String]) -> bool {
    let begun = Instant::now();
    let Some(mut suites) = build() else {
        return false;
    };
    println!(
        "built {} suites in {:.1} s",
        suites.len(),
        begun.elapsed().as_secs_f64()
    );
    suites.retain(|suite| words.iter().all(|word| suite.title().contains(word)));
    let (beside, suites): (Vec<_>, Vec<_>) = suites.into_iter().partition(Suite::runs_beside);
    let mut failed: Vec<String> = std::thread::scope(|scope| {
        let beside: Vec<_> = beside
            .iter()
            .map(|suite| (suite, scope.spawn(|| suite.run())))
            .collect();
        let failed: Vec<&Suite> = suites.iter().filter(|suite| !suite.run()).collect();
        let late = beside
            .into_iter()
            .filter_map(|(suite, run)| (!run.join().unwrap_or(false)).then_some(suite));
        failed.into_iter().chain(late).map(Suite::title).collect()
    });
    failed.sort();
    if !failed.is_empty() {
        eprintln!(
            "error: {} suites failed: {}",
            failed.len(),
            failed.join(", ")
        );
    }
    failed.is_empty()
}

/// Compiles the binaries. None when that fails, which cargo has told.
fn build() -> Option<Vec<Suite>> {
    let output = cargo(&[
        "test",
        "--workspace",
        "--no-run",
        "--quiet",
        "--message-format=json-render-diagnostics",
    ])
    .stderr(Stdio::inherit())
    .output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(_) => return None,
        Err(error) => {
            eprintln!("error: cannot start cargo: {error}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut suites: Vec<Suite> = text.lines().filter_map(suite_of).collect();
    suites.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Some(suites)
}

/// What a line of cargo's says of a test binary; none when it says something else.
fn suite_of(line: &str) -> Option<Suite> {
    let message: Value = serde_json::from_str(line).ok()?;
    let target = message.get("target")?;
    let is_integration = target
        .get("kind")?
        .as_array()?
        .iter()
        .any(|kind| kind == "test");
    let is_test = message.get("profile")?.get("test")?.as_bool()?;
    if !is_integration && !is_test {
        return None;
    }
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    let directory = manifest.parent()?.to_path_buf();
    let (_, package) = message.get("package_id")?.as_str()?.rsplit_once('#')?;
    let package = package.split('@').next()?;
    // Where the name is that of the directory, only the version stands there.
    let package = if package.starts_with(|first: char| first.is_ascii_digit()) {
        directory.file_name()?.to_str()?
    } else {
        package
    };
    Some(Suite {
        package: package.to_owned(),
        name: target.get("name")?.as_str()?.to_owned(),
        program: PathBuf::from(message.get("executable")?.as_str()?),
        directory,
    })
}

impl Suite {
    fn title(&self) -> String {
        format!("{} {}", self.package, self.name)
    }

    fn runs_beside(&self) -> bool {
        self.package == "provost-e2e" && BESIDE.contains(&self.name.as_str())
    }

    /// How many of its tests run at a time; none to leave that to the binary.
    fn threads(&self) -> Option<usize> {
        let waits = PACKAGES_THAT_WAIT.contains(&self.package.as_str());
        let has_company =
            !WITHOUT_COMPANY.contains(&self.name.as_str()) || self.package != "provost-e2e";
        (waits && has_company).then_some(WAITING)
    }

    /// Runs it, tells in a line how it went, and all that it said when it failed.
    fn run(&self) -> bool {
        let begun = Instant::now();
        let mut command = Command::new(&self.program);
        command.current_dir(&self.directory);
        with_places(&mut command);
        // The commands under test have been built: nobody has to ask cargo again.
        if let Some(built) = self.program.ancestors().nth(2) {
            command.env("PROVOST_BIN_DIR", built);
        }
        if let Some(threads) = self.threads() {
            command.arg(format!("--test-threads={threads}"));
        }
        let output = match command.stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) => {
                eprintln!("error: cannot start {}: {error}", self.program.display());
                return false;
            }
        };
        let passed = output.status.success();
        let said = String::from_utf8_lossy(&output.stdout);
        if !passed {
            println!("{said}{}", String::from_utf8_lossy(&output.stderr));
        }
        self.tell(passed, &said, begun.elapsed());
        passed
    }

    /// A line of its own, and those in which the binary itself says how many tests it ran.
    fn tell(&self, passed: bool, said: &str, took: Duration) {
        let verdict = if passed { "ok" } else { "FAILED" };
        println!(
            "  {:<34} {verdict:<7} {:>6.1} s",
            self.title(),
            took.as_secs_f64()
        );
        for line in said.lines().filter(|line| is_count(line) && !is_none(line)) {
            println!("{line}");
        }
    }
}

/// Whether a line of a test binary says how many tests there are, or how many passed.
fn is_count(line: &str) -> bool {
    line.starts_with("running ") || line.starts_with("test result: ")
}

/// Runs the examples in the documentation. Tells of the packages that have some, and all when one fails.
pub(crate) fn examples() -> bool {
    let output =
        match cargo(&["test", "--workspace", "--doc", "--quiet", "--no-fail-fast"]).output() {
            Ok(output) => output,
            Err(error) => {
                eprintln!("error: cannot start cargo: {error}");
                return false;
            }
        };
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success();
    if passed {
        for line in said.lines().filter(|line| is_count(line) && !is_none(line)) {
            println!("{line}");
        }
    } else {
        println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    passed
}

/// Whether a line of counts is that of a package without any.
fn is_none(line: &str) -> bool {
    line.starts_with("running 0 ")
        || line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored")
}

/// A call of cargo, in the top directory.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(oracle::root());
    with_places(&mut command);
    command
}

/// Says where upstream and the software written for it are.
fn with_places(command: &mut Command) {
    command
        .env("PROVOST_ORACLE", oracle::directory())
        .env("PROVOST_ECOSYSTEM", ecosystem::directory())
        .env("PROVOST_WEB", browser::directory());
}
