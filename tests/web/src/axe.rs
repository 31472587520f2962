//! What the accessibility checker axe-core finds in a page.

use std::path::PathBuf;

use crate::Browser;

/// Where `cargo xtask setup` puts it.
fn script() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder =
        std::env::var_os("PROVOST_WEB").map_or_else(|| root.join("target/web"), PathBuf::from);
    let path = folder.join("node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask setup`", path.display()))
}

/// One line for each violation in the page that is shown: the rule, and where.
///
/// The page's policy lets no foreign script run; a driver's scripts are no part of the page.
pub fn violations(browser: &Browser) -> Vec<String> {
    browser.run(&format!("{}; window.axe = axe ?? window.axe;", script()));
    let found = browser.run(
        "const { violations, passes } = await axe.run(document);
         if (passes.length < 10) throw new Error('it looked at nothing');
         return violations.flatMap(({ id, help, nodes }) =>
           nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`));",
    );
    let found = found.as_array().expect("a list").iter();
    found
        .map(|line| line.as_str().unwrap_or_default().to_owned())
        .collect()
}
