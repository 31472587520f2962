//! `cargo xtask rooms`: the house rules that the compiler does not check.
//!
//! The arrows between crates are read from the picture in `ARCHITECTURE.md`, so that the picture cannot grow old.
//! Besides them: no source file above the size that can be read in one sitting, and unsafe code in one room only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Lines of a source file that still can be read in one sitting.
const LINES_MAX: usize = 500;

/// The one room that makes raw system calls.
const UNSAFE_ROOM: &str = "os";

/// The room that nothing shipped may depend on.
const TEST_ROOM: &str = "testkit";

/// What every package name of a room begins with.
const PREFIX: &str = "provost-";

/// Which room may use which others.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Runs the check on the workspace that this program was built from.
#[expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a chore speaks to the person who started it"
)]
pub(crate) fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match check(&root) {
        Ok(problems) if problems.is_empty() => {
            println!("rooms: all arrows, sizes and unsafe blocks are where they belong");
            ExitCode::SUCCESS
        }
        Ok(problems) => {
            for problem in &problems {
                eprintln!("error: {problem}");
            }
            eprintln!("rooms: {} found", problems.len());
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// All violations under `root`, or why the check could not be made.
fn check(root: &Path) -> Result<Vec<String>, String> {
    let arrows = read_arrows(&read(&root.join("ARCHITECTURE.md"))?)?;
    let mut problems = Vec::new();
    for (room, manifest) in manifests(&root.join("crates"))? {
        problems.extend(check_arrows(&arrows, &room, &read(&manifest)?));
    }
    let mut sources = Vec::new();
    for folder in ["crates", "xtask", "bench", "tests", "fuzz"] {
        collect_sources(&root.join(folder), &mut sources)?;
    }
    for path in sources {
        let text = read(&path)?;
        let shown = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        problems.extend(check_size(&shown, &text));
        problems.extend(check_unsafe(&shown, &text));
    }
    Ok(problems)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The arrows in the first fenced block of the page that draws any: `a, b -> c, d`, several a line, set apart by
/// three or more spaces. Words after a room's name are for people.
fn read_arrows(page: &str) -> Result<Arrows, String> {
    let block = page
        .split("```")
        .skip(1)
        .step_by(2)
        .find(|block| block.contains("->"));
    let block = block.ok_or("ARCHITECTURE.md has no fenced block with arrows (`a -> b`)")?;
    let mut arrows = Arrows::new();
    for sentence in block.lines().flat_map(|line| line.split("   ")) {
        let Some((users, used)) = sentence.split_once("->") else {
            continue;
        };
        for user in users.split(',').filter_map(first_word) {
            arrows
                .entry(user)
                .or_default()
                .extend(used.split(',').filter_map(first_word));
        }
    }
    Ok(arrows)
}

fn first_word(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

/// Every room with its manifest, by name.
fn manifests(crates: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let mut found = Vec::new();
    for path in entries(crates)? {
        let manifest = path.join("Cargo.toml");
        if let (true, Some(name)) = (manifest.is_file(), path.file_name()) {
            found.push((name.to_string_lossy().into_owned(), manifest));
        }
    }
    Ok(found)
}

/// What a folder holds, sorted, so that two runs report alike.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let fault = |error| format!("cannot list {}: {error}", folder.display());
    let listing = fs::read_dir(folder).map_err(fault)?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in listing {
        paths.push(entry.map_err(fault)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn collect_sources(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    if !folder.is_dir() {
        return Ok(());
    }
    for path in entries(folder)? {
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect_sources(&path, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// Which part of a manifest lists a dependency.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Shipped,
    TestOnly,
}

/// Other rooms that a manifest names in its dependency sections.
fn dependencies(manifest: &str) -> Vec<(Section, String)> {
    let mut found = Vec::new();
    let mut section = None;
    for line in manifest
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
    {
        if let Some(header) = line.strip_prefix('[') {
            section = if header.contains("dev-dependencies") {
                Some(Section::TestOnly)
            } else if header.contains("dependencies") {
                Some(Section::Shipped)
            } else {
                None
            };
        }
        let Some(section) = section else { continue };
        for rest in line.split(PREFIX).skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            found.push((section, name));
        }
    }
    found
}

fn check_arrows(arrows: &Arrows, room: &str, manifest: &str) -> Vec<String> {
    let Some(allowed) = arrows.get(room) else {
        // A room without an arrow of its own may use nothing.
        let used = dependencies(manifest);
        return used.iter().map(|(_, name)| forbidden(room, name)).collect();
    };
    let mut problems = Vec::new();
    for (section, name) in dependencies(manifest) {
        let for_tests = section == Section::TestOnly && name == TEST_ROOM;
        let shipped_testkit = section == Section::Shipped && name == TEST_ROOM;
        if shipped_testkit || !(for_tests || allowed.contains(&name)) {
            problems.push(forbidden(room, &name));
        }
    }
    problems
}

fn forbidden(room: &str, used: &str) -> String {
    format!(
        "crates/{room}/Cargo.toml: `{room} -> {used}` is not among the arrows of ARCHITECTURE.md; \
         move what is needed to a room that both may use"
    )
}

/// Only what lies under a `src` folder: a table of test cases may be as long as its cases are many.
fn check_size(path: &str, text: &str) -> Option<String> {
    if !path.split('/').any(|folder| folder == "src") {
        return None;
    }
    let lines = text.lines().count();
    (lines > LINES_MAX).then(|| {
        format!(
            "{path}: {lines} lines, at most {LINES_MAX} are allowed; split it at its second concern"
        )
    })
}

fn check_unsafe(path: &str, text: &str) -> Vec<String> {
    if path.starts_with(&format!("crates/{UNSAFE_ROOM}/")) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (number, line) in code_of(text).lines().enumerate() {
        if opens_unsafe(line) {
            problems.push(format!(
                "{path}:{}: unsafe code outside crates/{UNSAFE_ROOM}; give that room a safe function for it",
                number + 1
            ));
        }
    }
    problems
}

/// A source text without comments and without what stands in string literals; lines keep their numbers.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + "*/".len())
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest.find("\"'").map_or(rest.len(), |end| end + "\"'".len())
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            raw_string_len(rest)
        } else if c == '"' {
            string_len(rest)
        } else {
            0
        };
        let (passed, after) = rest
            .split_at_checked(skipped.max(c.len_utf8()))
            .unwrap_or((rest, ""));
        if skipped == 0 {
            code.push(c);
        } else {
            // A space in place of the literal, so that words around it do not run together.
            code.push(' ');
            code.extend(passed.chars().filter(|c| *c == '\n'));
        }
        rest = after;
    }
    code
}

/// Length of the string literal at the start of `text`.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the raw string literal at the start of `text`; 0 when it is a raw identifier.
fn raw_string_len(text: &str) -> usize {
    let hashes: String = text.chars().skip(1).take_while(|c| *c == '#').collect();
    let open = 1 + hashes.len();
    if text.get(open..).is_none_or(|rest| !rest.starts_with('"')) {
        return 0;
    }
    let close = format!("\"{hashes}");
    let body = text.get(open + 1..).unwrap_or("");
    body.find(&close)
        .map_or(text.len(), |end| open + 1 + end + close.len())
}

/// Whether the keyword stands there as one: a block, a function, an implementation, an attribute.
fn opens_unsafe(code: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices("unsafe").any(|(at, word)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        let after = code
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "text\n```\ntop -> mid, low        mid -> low\nlow, side -> base, and never each other      \
                        testkit -> low (dev only)\n```\n```\nno arrows\n```\n";

    fn problems(room: &str, manifest: &str) -> Vec<String> {
        check_arrows(&read_arrows(PAGE).unwrap(), room, manifest)
    }

    #[test]
    fn the_house_as_it_stands_keeps_its_own_rules() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(check(&root).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn drawn_arrows_are_allowed() {
        assert!(
            problems(
                "top",
                "[dependencies]\nprovost-mid.workspace = true\nserde = \"1\"\n"
            )
            .is_empty()
        );
        assert!(
            problems(
                "side",
                "[dependencies]\nprovost-base = { path = \"../base\" }\n"
            )
            .is_empty()
        );
        assert!(
            problems(
                "low",
                "[dev-dependencies]\nprovost-testkit.workspace = true\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn an_arrow_drawn_backwards_is_named_with_its_manifest() {
        let found = problems("low", "[dependencies]\nprovost-mid.workspace = true\n");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("crates/low/Cargo.toml: `low -> mid`"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn arrows_hidden_behind_another_name_or_a_target_are_found() {
        assert_eq!(
            problems("low", "[dependencies]\nx = { package = \"provost-mid\" }\n").len(),
            1
        );
        assert_eq!(
            problems(
                "low",
                "[target.'cfg(unix)'.dependencies]\nprovost-mid.workspace = true\n"
            )
            .len(),
            1
        );
        assert_eq!(
            problems("low", "[dependencies.provost-mid]\nworkspace = true\n").len(),
            1
        );
        assert_eq!(
            problems("low", "[dev-dependencies]\nprovost-mid.workspace = true\n").len(),
            1
        );
    }

    #[test]
    fn nothing_shipped_uses_the_testkit_and_a_stranger_uses_nothing() {
        assert_eq!(
            problems("top", "[dependencies]\nprovost-testkit.workspace = true\n").len(),
            1
        );
        assert_eq!(
            problems(
                "stranger",
                "[dependencies]\nprovost-base.workspace = true\n"
            )
            .len(),
            1
        );
    }

    #[test]
    fn a_file_that_is_too_long_is_named() {
        assert_eq!(check_size("x/src/a.rs", &"x\n".repeat(LINES_MAX)), None);
        assert_eq!(
            check_size("x/tests/a.rs", &"x\n".repeat(LINES_MAX + 1)),
            None
        );
        assert!(
            check_size("x/src/a.rs", &"x\n".repeat(LINES_MAX + 1))
                .unwrap()
                .starts_with("x/src/a.rs: 501 lines")
        );
    }

    #[test]
    fn unsafe_code_is_found_outside_its_room_only() {
        let code = "fn a() {\n    unsafe { b() }\n}\n#[unsafe(no_mangle)]\n";
        let found = check_unsafe("crates/core/src/a.rs", code);
        assert_eq!(found.len(), 2);
        assert!(
            found[0].starts_with("crates/core/src/a.rs:2: "),
            "{}",
            found[0]
        );
        assert!(check_unsafe("crates/os/src/a.rs", code).is_empty());
    }

    #[test]
    fn the_word_in_comments_strings_and_longer_words_is_no_code() {
        let raw =
            "let r = r#\"unsafe \" {\"#;\nlet q = '\"'; /* unsafe\n{ */ let s = \"a\nunsafe {\";\n";
        assert!(check_unsafe("crates/core/src/a.rs", raw).is_empty());
        assert_eq!(code_of(raw).lines().count(), raw.lines().count());
        let text = "// unsafe { }\nlet a = \"unsafe \\\" {\";\n#![deny(unsafe_code)]\n";
        assert!(check_unsafe("crates/core/src/a.rs", text).is_empty());
    }
}
