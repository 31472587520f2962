//! Names of processes as people write and read them: `name`, `group:name`, `group:*`.

/// A name as given on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Namespec<'a> {
    /// The group.
    pub(crate) group: &'a str,
    /// The process; none stands for all of the group.
    pub(crate) process: Option<&'a str>,
}

impl<'a> Namespec<'a> {
    /// Splits at the first colon. Without one the group and the process have the same name; `g:` and `g:*` mean the
    /// whole group.
    pub(crate) fn split(text: &'a str) -> Self {
        match text.split_once(':') {
            Some((group, "" | "*")) => Self {
                group,
                process: None,
            },
            Some((group, process)) => Self {
                group,
                process: Some(process),
            },
            None => Self {
                group: text,
                process: Some(text),
            },
        }
    }
}

/// The name shown for a process: its own where the group is called the same, else `group:name`.
pub(crate) fn join(group: &str, process: &str) -> String {
    if group == process {
        process.to_owned()
    } else {
        format!("{group}:{process}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_divides_group_and_process() {
        let of = |text| {
            let name = Namespec::split(text);
            (name.group, name.process)
        };
        assert_eq!(of("cat"), ("cat", Some("cat")));
        assert_eq!(of("g:cat"), ("g", Some("cat")));
        assert_eq!(of("g:a:b"), ("g", Some("a:b")));
        assert_eq!(of("g:*"), ("g", None));
        assert_eq!(of("g:"), ("g", None));
        assert_eq!(of(":x"), ("", Some("x")));
    }

    #[test]
    fn equal_names_are_shown_once() {
        assert_eq!(join("cat", "cat"), "cat");
        assert_eq!(join("g", "cat"), "g:cat");
    }
}
