//! Paths as Python's `os.path` treats them: as text, without asking for links.

use crate::host::Host;
use std::path::{Path, PathBuf};

/// `~` and `~user` at the beginning become home directories; an unknown user leaves the path as it is.
///
/// `HOME` of the environment comes before the user database.
pub(crate) fn expand_user(path: &str, host: &dyn Host) -> String {
    let Some(after) = path.strip_prefix('~') else {
        return path.to_owned();
    };
    let (user, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
    let home = if user.is_empty() {
        let from_env = host
            .env()
            .into_iter()
            .find(|(name, _)| name == "HOME")
            .map(|(_, home)| home);
        from_env.or_else(|| host.home_dir(None))
    } else {
        host.home_dir(Some(user))
    };
    let Some(home) = home else {
        return path.to_owned();
    };
    let expanded = format!("{}{rest}", home.trim_end_matches('/'));
    if expanded.is_empty() {
        "/".to_owned()
    } else {
        expanded
    }
}

/// What comes before the last slash; slashes at its end are dropped unless there is nothing else.
pub(crate) fn dirname(path: &str) -> &str {
    let head = path
        .get(..path.rfind('/').map_or(0, |at| at + 1))
        .unwrap_or("");
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

/// Joined with a slash; an absolute second part replaces the first.
pub(crate) fn join(base: &str, path: &str) -> String {
    if path.starts_with('/') || base.is_empty() {
        path.to_owned()
    } else if base.ends_with('/') {
        format!("{base}{path}")
    } else {
        format!("{base}/{path}")
    }
}

/// Absolute against the working directory, with `.`, `..` and double slashes resolved in the text.
pub(crate) fn absolute(path: &str, host: &dyn Host) -> String {
    if path.starts_with('/') {
        normal(path)
    } else {
        normal(&join(&host.cwd().to_string_lossy(), path))
    }
}

/// `~` expanded, then [`absolute`].
pub(crate) fn normalize(path: &str, host: &dyn Host) -> PathBuf {
    PathBuf::from(absolute(&expand_user(path, host), host))
}

/// `os.path.normpath`: exactly two leading slashes stay, as POSIX allows.
fn normal(path: &str) -> String {
    let root = if path.starts_with("//") && !path.starts_with("///") {
        "//"
    } else if path.starts_with('/') {
        "/"
    } else {
        ""
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if root.is_empty() && parts.last().is_none_or(|last| *last == "..") => {
                parts.push(part);
            }
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let joined = format!("{root}{}", parts.join("/"));
    if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// Whether the path has a directory part that does not exist.
pub(crate) fn lacks_directory(path: &str, host: &dyn Host) -> bool {
    let directory = dirname(path);
    !directory.is_empty() && !host.is_dir(Path::new(directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn paths_are_made_normal_as_text() {
        for (path, expected) in [
            ("/a/./b//c/../d", "/a/b/d"),
            ("/..", "/"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("", "."),
            ("../a/..", ".."),
            ("a/..", "."),
        ] {
            assert_eq!(normal(path), expected, "{path}");
        }
        for (path, expected) in [
            ("a/b", "a"),
            ("a", ""),
            ("/a", "/"),
            ("a//b", "a"),
            ("//a", "//"),
            ("a/", "a"),
        ] {
            assert_eq!(dirname(path), expected, "{path}");
        }
    }

    #[test]
    fn homes_are_expanded() {
        let world = World::new().env("HOME", "/home/me/");
        assert_eq!(expand_user("~/x", &world), "/home/me/x");
        assert_eq!(expand_user("~", &world), "/home/me");
        assert_eq!(expand_user("~www/x", &world), "/var/www/x");
        assert_eq!(expand_user("~nobody-knows/x", &world), "~nobody-knows/x");
        assert_eq!(expand_user("a~", &world), "a~");
        assert_eq!(normalize("a/../b", &world), PathBuf::from("/site/b"));
    }
}
