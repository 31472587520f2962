//! Harness for tests of the pages in a real browser.
//!
//! A test gets a daemon that listens on a port of its own ([`Site`]) and a browser without a window ([`Browser`]) with its
//! own driver. Both end with the test, whether it passes or not. What is asked of a page is JavaScript that runs in it; what
//! is waited for is a condition with a deadline.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails a test by panicking, everywhere"
)]

mod axe;
mod browser;
mod proxy;
mod site;

pub use axe::violations;
pub use browser::{Browser, Look};
pub use proxy::Proxy;
pub use site::{EXAMPLE, SPEAKING, Site};
