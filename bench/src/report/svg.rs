//! Pictures, which can be looked at on light and on dark pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Line, median};
use crate::report::markdown::short;
use crate::rows::grouped;

/// Who is drawn, with a colour that differs in lightness, too.
const COLOURS: &[(&str, &str, &str)] = &[
    ("provost", "Provost", "#d1495b"),
    ("reference", "reference", "#8d99ae"),
    ("supervisor", "Supervisor", "#3066be"),
    ("runit", "runit", "#00798c"),
    ("s6", "s6", "#66a182"),
    ("horust", "Horust", "#edae49"),
];

/// Rows of the chart in the README: what people wait for, and what they pay for.
const CHART: &[&str] = &[
    "start1",
    "start",
    "memory",
    "respawn",
    "bulk1.cpu",
    "lines.cpu",
    "ticks.cpu",
    "state.cpu",
    "infos.cpu",
    "status",
    "restart",
    "stop",
    "shutdown",
];

const STYLE: &str = "<style>text{font:12px system-ui,sans-serif;fill:#57606a}.h{font-weight:600}\
                     @media(prefers-color-scheme:dark){text{fill:#9da7b3}}</style>";

/// Bars on a scale of powers of ten: each row as a part of what Supervisor takes. Shorter is better.
pub(crate) fn bars(lines: &[Line], programs: usize) -> String {
    const LEFT: f64 = 350.0;
    const WIDE: f64 = 400.0;
    let rows: Vec<_> = lines
        .iter()
        .filter(|line| CHART.contains(&line.row.id) && line.cells.contains_key("supervisor"))
        .collect();
    let mut body = String::new();
    let mut y = 44.0;
    for line in rows {
        let Some(whole) = line.cells.get("supervisor").map(|cell| cell.median) else {
            continue;
        };
        let _ = write!(
            body,
            "<text x='{}' y='{}' text-anchor='end'>{}</text>",
            LEFT - 8.0,
            y + 12.0,
            escaped(&cut(&line.row.title(programs)))
        );
        for (who, _, colour) in COLOURS {
            let Some(cell) = line.cells.get(who) else {
                continue;
            };
            // Four powers of ten below what Supervisor takes, and one half above.
            let length = WIDE * ((cell.median / whole).max(1e-4).log10() + 4.0) / 4.5;
            let length = length.clamp(2.0, WIDE);
            let _ = write!(
                body,
                "<rect x='{LEFT}' y='{y}' width='{length:.1}' height='9' fill='{colour}'/>\
                 <text x='{:.1}' y='{}' font-size='10'>{} {}</text>",
                LEFT + length + 4.0,
                y + 9.0,
                short(cell.median),
                line.row.unit
            );
            y += 11.0;
        }
        y += 8.0;
    }
    let legend = legend(16.0, 16.0, |who| {
        lines.iter().any(|line| line.cells.contains_key(who))
    });
    let _ = write!(
        body,
        "<text x='{LEFT}' y='{}'>Shorter is better: a bar that is {:.0} pixels shorter stands for a tenth.</text>",
        y + 10.0,
        WIDE / 4.5
    );
    picture(840.0, y + 24.0, &(legend + &body))
}

/// One line for each contestant; both scales by powers of ten.
pub(crate) fn curve(title: &str, points: &[(usize, &BTreeMap<&'static str, Vec<f64>>)]) -> String {
    const LEFT: f64 = 70.0;
    const TOP: f64 = 60.0;
    const WIDE: f64 = 480.0;
    const HIGH: f64 = 200.0;
    let figures: Vec<f64> = points
        .iter()
        .flat_map(|(_, cells)| cells.values().filter_map(|figures| median(figures)))
        .filter(|figure| *figure > 0.0)
        .collect();
    let least = figures
        .iter()
        .copied()
        .reduce(f64::min)
        .unwrap_or(1.0)
        .log10()
        .floor();
    let most = figures
        .iter()
        .copied()
        .reduce(f64::max)
        .unwrap_or(10.0)
        .log10()
        .ceil()
        .max(least + 1.0);
    let logarithm = |programs: usize| crate::metrics::ratio(programs.max(1) as u64).log10();
    let last = points
        .iter()
        .map(|(programs, _)| logarithm(*programs))
        .fold(1.0, f64::max);
    let x = |programs: usize| LEFT + WIDE * logarithm(programs) / last;
    // What is nothing lies on the ground.
    let y = |figure: f64| {
        let height = if figure > 0.0 {
            (figure.log10() - least) / (most - least)
        } else {
            0.0
        };
        TOP + HIGH * (1.0 - height.clamp(0.0, 1.0))
    };
    let mut body = format!("<text x='16' y='18' class='h'>{}</text>", escaped(title));
    let mut power = least;
    while power <= most {
        let at = y(10_f64.powf(power));
        let _ = write!(
            body,
            "<line x1='{LEFT}' x2='{}' y1='{at:.1}' y2='{at:.1}' stroke='#8884'/>\
             <text x='{}' y='{:.1}' text-anchor='end'>{}</text>",
            LEFT + WIDE,
            LEFT - 6.0,
            at + 4.0,
            short(10_f64.powf(power))
        );
        power += 1.0;
    }
    for (programs, _) in points {
        let _ = write!(
            body,
            "<text x='{:.1}' y='{}' text-anchor='middle'>{}</text>",
            x(*programs),
            TOP + HIGH + 18.0,
            grouped(*programs)
        );
    }
    for (who, _, colour) in COLOURS {
        let mut path = String::new();
        for (programs, cells) in points {
            let Some(figure) = cells.get(who).and_then(|figures| median(figures)) else {
                continue;
            };
            let (x, y) = (x(*programs), y(figure));
            let _ = write!(
                path,
                "{}{x:.1} {y:.1}",
                if path.is_empty() { "M" } else { "L" }
            );
            let _ = write!(
                body,
                "<circle cx='{x:.1}' cy='{y:.1}' r='3' fill='{colour}'/>"
            );
        }
        let _ = write!(
            body,
            "<path d='{path}' fill='none' stroke='{colour}' stroke-width='2'/>"
        );
    }
    let legend = legend(16.0, 38.0, |who| {
        points.iter().any(|(_, cells)| cells.contains_key(who))
    });
    picture(LEFT + WIDE + 50.0, TOP + HIGH + 30.0, &(legend + &body))
}

fn legend(x: f64, y: f64, is_there: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut x = x;
    for (_, title, colour) in COLOURS.iter().filter(|(who, _, _)| is_there(who)) {
        let _ = write!(
            text,
            "<rect x='{x}' y='{}' width='10' height='10' fill='{colour}'/><text x='{}' y='{y}'>{title}</text>",
            y - 10.0,
            x + 14.0
        );
        x += 92.0;
    }
    text
}

fn picture(wide: f64, high: f64, body: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {wide} {high}' width='{wide}' height='{high}'>{STYLE}{body}</svg>\n"
    )
}

/// What fits beside the bars.
fn cut(title: &str) -> String {
    title
        .split(", to the last")
        .next()
        .unwrap_or(title)
        .to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
