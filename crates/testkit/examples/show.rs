//! Shows one seed.
fn main() {
    let seed = std::env::args().nth(1).unwrap().parse().unwrap();
    println!("{}", provost_testkit::sim::run(seed, 1000).report());
}
