//! The words of the command line.

use std::path::PathBuf;

/// What is to be done, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    /// Metrics or whole tasks; none for all metrics.
    pub(crate) words: Vec<String>,
    pub(crate) programs: usize,
    pub(crate) rounds: usize,
    /// Seconds that nothing happens in while idling is measured.
    pub(crate) idle: u64,
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
    /// The directory of Provost's commands, instead of a release build.
    pub(crate) daemon: Option<PathBuf>,
    /// Where runs have their files, instead of memory.
    pub(crate) place: Option<PathBuf>,
    /// Only these contestants, by name.
    pub(crate) only: Vec<String>,
    /// Sizes of `scale`.
    pub(crate) sizes: Vec<usize>,
    /// `count`: compare with the numbers kept, and keep new ones.
    pub(crate) check: bool,
    pub(crate) keep: bool,
    /// `document`: write tables and pictures from kept results, measure nothing.
    pub(crate) from_kept: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            programs: 1_000,
            rounds: 5,
            idle: 10,
            json: None,
            markdown: None,
            daemon: None,
            place: None,
            only: Vec::new(),
            sizes: vec![1, 100, 1_000, 5_000],
            check: false,
            keep: false,
            from_kept: false,
        }
    }
}

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
usage: cargo xtask bench [METRIC...] [options]      measure beside the peers and compare with the limits
       cargo xtask bench scale [METRIC...] [options]  the same for several numbers of programs
       cargo xtask bench count [--check | --keep]   instructions of single steps
       cargo xtask bench document [--from-kept]     measure everything, rewrite docs/performance.md and its pictures

--programs N      programs beside which is measured (1000)
--rounds K        rounds after the warm-up (5)
--idle SECONDS    how long idling is watched (10)
--only A,B        only these contestants: provost, reference, supervisor, runit, s6, horust
--sizes N,M       numbers of programs of `scale` (1,100,1000,5000)
--daemon DIR      commands of Provost in another directory than target/release
--place DIR       where runs have their files (/dev/shm)
--json FILE       write all samples
--markdown FILE   write the table, too";

impl Args {
    /// Reads the words, without the name of the program.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--programs" => args.programs = number(&value()?)?.max(1),
                "--rounds" => args.rounds = number(&value()?)?.max(1),
                "--idle" => args.idle = number(&value()?)? as u64,
                "--json" => args.json = Some(value()?.into()),
                "--markdown" => args.markdown = Some(value()?.into()),
                "--daemon" => args.daemon = Some(value()?.into()),
                "--place" => args.place = Some(value()?.into()),
                "--only" => args.only = value()?.split(',').map(str::to_owned).collect(),
                "--sizes" => {
                    args.sizes = value()?.split(',').map(number).collect::<Result<_, _>>()?;
                }
                "--check" => args.check = true,
                "--keep" => args.keep = true,
                "--from-kept" => args.from_kept = true,
                option if option.starts_with('-') => return Err(format!("no option {option}")),
                _ => args.words.push(word),
            }
        }
        Ok(args)
    }

    /// Whether a contestant takes part.
    pub(crate) fn wants(&self, contestant: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == contestant)
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|error| format!("`{text}` is no number: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_and_options_may_stand_in_any_order() {
        let args = parse("start --rounds 7 memory --sizes 1,10").expect("it can be read");
        assert_eq!(args.words, ["start", "memory"]);
        assert_eq!((args.rounds, args.sizes), (7, vec![1, 10]));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(parse("--round 7").is_err());
        assert!(parse("--rounds").is_err());
        assert!(parse("--rounds many").is_err());
    }
}
