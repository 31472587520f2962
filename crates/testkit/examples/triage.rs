//! Counts what fails over a range of seeds.
use provost_testkit::sim;
fn main() {
    let mut args = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let (from, to) = (args.next().unwrap_or(0), args.next().unwrap_or(500));
    let mut seen: std::collections::BTreeMap<String, (u64, Vec<u64>)> = Default::default();
    let mut steps = 0;
    let t = std::time::Instant::now();
    for seed in from..to {
        let o = sim::run(seed, 1000);
        steps += o.steps;
        if let Some(v) = o.violations.first() {
            let mut key: String = format!("{} {}", v.rule, v.what).chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
            key.truncate(150);
            let e = seen.entry(key).or_default();
            e.0 += 1;
            if e.1.len() < 3 { e.1.push(seed) }
        }
    }
    println!("{steps} steps, {:?}", t.elapsed());
    let mut v: Vec<_> = seen.into_iter().collect();
    v.sort_by_key(|(_, (n, _))| std::cmp::Reverse(*n));
    for (k, (n, s)) in v.into_iter().take(40) { println!("{n} {s:?} {k}"); }
}
