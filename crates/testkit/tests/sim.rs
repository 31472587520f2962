//! The core in the simulated world.

use provost_testkit::sim;

#[test]
fn smoke() {
    for seed in 0..300 {
        let o = sim::run(seed, 1000);
        assert!(o.violations.is_empty(), "{}", o.report());
    }
}
