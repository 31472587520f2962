//! What pages load: style sheets and scripts, as they lie in `assets/`. They go out as they are; nothing builds them.

use crate::api::auth::hex;
use crate::api::clock;
use crate::api::respond::{self, Outgoing, put};
use hyper::header::{
    CACHE_CONTROL, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use hyper::{HeaderMap, Response, StatusCode};
use sha1::{Digest as _, Sha1};
use std::sync::LazyLock;
use std::time::SystemTime;

/// Where they are, seen from a page. There, or in a folder in it that is called like their edition.
pub(super) const FOLDER: &str = "assets/";

/// What names of editions begin with.
const EDITION: &str = "v-";

/// Where pages load them from. The name changes with any of them, so that a browser keeps what it has without asking.
static EDITION_FOLDER: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha1::new();
    for asset in ALL {
        hash.update(asset.name);
        hash.update(asset.text);
    }
    let digest = hex(&hash.finalize());
    let digest = digest.get(..16).unwrap_or(&digest);
    format!("{FOLDER}{EDITION}{digest}/")
});

/// The folder of this edition, seen from a page.
pub(super) fn folder() -> &'static str {
    &EDITION_FOLDER
}

/// A file that pages load.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its path below [`FOLDER`].
    pub(super) name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const SHEET: &str = "text/css";
const SCRIPT: &str = "text/javascript;charset=utf-8";
const PICTURE: &str = "image/svg+xml";

macro_rules! assets {
    ($($kind:ident $name:literal;)*) => {
        /// All of them.
        pub(super) const ALL: &[Asset] = &[$(Asset {
            name: $name,
            kind: $kind,
            text: include_str!(concat!("assets/", $name)),
        },)*];
    };
}

assets! {
    SHEET "app.css";
    SHEET "detail.css";
    SHEET "log.css";
    SHEET "overview.css";
    SHEET "parts.css";
    SHEET "plain.css";
    PICTURE "icon.svg";
    SCRIPT "js/actions.js";
    SCRIPT "js/ansi.js";
    SCRIPT "js/api.js";
    SCRIPT "js/daemon.js";
    SCRIPT "js/dom.js";
    SCRIPT "js/events.js";
    SCRIPT "js/follow.js";
    SCRIPT "js/format.js";
    SCRIPT "js/frame.js";
    SCRIPT "js/keys.js";
    SCRIPT "js/list.js";
    SCRIPT "js/lines.js";
    SCRIPT "js/log.js";
    SCRIPT "js/mainlog.js";
    SCRIPT "js/overview.js";
    SCRIPT "js/program.js";
    SCRIPT "js/rows.js";
    SCRIPT "js/search.js";
    SCRIPT "js/spark.js";
    SCRIPT "js/timeline.js";
    SCRIPT "js/view.js";
}

/// The one of that name.
fn find(name: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.name == name)
}

/// The one at a path from the root, and whether that is an address of this edition. A page of another edition, which an
/// upgrade leaves in a browser, gets what there is.
pub(super) fn at(path: &str) -> Option<(&'static Asset, bool)> {
    if let Some(name) = path.strip_prefix(folder()) {
        return Some((find(name)?, true));
    }
    let name = path.strip_prefix(FOLDER)?;
    let of_other = name.strip_prefix(EDITION).and_then(|it| it.split_once('/'));
    Some((find(of_other.map_or(name, |(_, name)| name))?, false))
}

/// The file, unless the client has it as it is. What `stays` need not be asked for again.
pub(super) fn answer(asset: &Asset, stays: bool, headers: &HeaderMap) -> Response<Outgoing> {
    let tag = format!("\"{}\"", hex(&Sha1::digest(asset.text)));
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let is_known = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        // A proxy that compresses makes a weak tag of ours.
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = if is_known {
        respond::bare(StatusCode::NOT_MODIFIED, Outgoing::whole(""))
    } else {
        respond::with(StatusCode::OK, asset.kind, asset.text)
    };
    let keep = if stays {
        "private, max-age=31536000, immutable"
    } else {
        // It may differ after an upgrade, and is asked for again.
        "no-cache"
    };
    set(&mut response, CACHE_CONTROL, keep);
    set(&mut response, ETAG, &tag);
    response
}

/// The sheet under the address that upstream's has, unless the client has it since it last changed, which was before
/// `started`.
pub(super) fn sheet(started: SystemTime, headers: &HeaderMap) -> Response<Outgoing> {
    let known = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(clock::read_http_date);
    if known.is_some_and(|known| known >= clock::whole_seconds(started)) {
        return respond::bare(StatusCode::NOT_MODIFIED, Outgoing::whole(""));
    }
    let text = find("app.css").map_or("", |asset| asset.text);
    let mut response = respond::with(StatusCode::OK, SHEET, text);
    set(&mut response, LAST_MODIFIED, &clock::http_date(started));
    response
}

/// Sets a header to what can be in one.
fn set(response: &mut Response<Outgoing>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        put(response, name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, at, folder};
    use std::path::Path;

    #[test]
    fn only_addresses_of_this_edition_stay() {
        let found = |path: &str| at(path).map(|(asset, stays)| (asset.name, stays));
        let ours = format!("{}js/api.js", folder());
        assert_eq!(found(&ours), Some(("js/api.js", true)));
        for path in ["assets/js/api.js", "assets/v-0123456789abcdef/js/api.js"] {
            assert_eq!(found(path), Some(("js/api.js", false)), "{path}");
        }
        for path in [
            "assets/",
            "assets/v-/",
            "assets/v-0/x",
            "js/api.js",
            "assets/../js/api.js",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn every_file_is_in_the_table_and_all_are_small() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/web/assets");
        for folder in ["", "js"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                let known = ALL.iter().any(|asset| asset.name == name);
                assert!(known || path.is_dir(), "{name} is not in the table");
            }
        }
        let bytes: usize = ALL.iter().map(|asset| asset.text.len()).sum();
        assert!(bytes < 150 * 1024, "{bytes} bytes");
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_no_text_is_made_markup() {
        for asset in ALL {
            for forbidden in [
                "http:",
                "https:",
                "//cdn",
                "@import",
                "url(",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "DOMParser",
                ".srcdoc",
            ] {
                // The names of the vocabulary of SVG look like addresses.
                let text = asset.text.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(forbidden), "{}: {forbidden}", asset.name);
            }
        }
    }
}
