//! Which configurations are taken, what they come to, and what is said about the others.

use provost_compat::{cases, many};

#[test]
fn configurations_are_taken_and_refused_alike() {
    let cases = cases::all();
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    many::check_all(&cases, provost_compat::config_case::Case::check);
}
