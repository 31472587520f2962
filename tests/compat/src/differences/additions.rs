//! What Provost adds in so many places that it is taken out before transcripts are compared.

/// Whether a file is one that upstream does not have: the run records.
pub fn is_added_file(name: &str) -> bool {
    // The second is there for the moment in which the first is made.
    [".pid.runs", ".pid.runs.new"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Headers for browsers that everything but XML-RPC carries.
const ADDED_HEADERS: &[&str] = &[
    "x-content-type-options",
    "content-security-policy",
    "referrer-policy",
];

/// Whether a line is one of those headers, its name in any case.
pub fn is_added_header(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    ADDED_HEADERS
        .iter()
        .any(|added| name.eq_ignore_ascii_case(added))
}

/// What `supervisorctl help` lists, without the commands that upstream does not have.
pub fn without_added_commands(text: &str) -> String {
    const HEADING: &str = "provost commands (type help <topic>):\n";
    let Some((before, after)) = text.split_once(HEADING) else {
        return text.to_owned();
    };
    let rest = after.split_once("\n\n").map_or("", |(_, rest)| rest);
    let before = before.strip_suffix('\n').unwrap_or(before);
    without_added_commands(&format!("{before}{rest}"))
}

/// Takes the member `autorestart` out of the XML of an answer.
pub fn without_autorestart(xml: &str) -> String {
    const BEGIN: &str = "<member>\n<name>autorestart</name>\n";
    const END: &str = "</member>\n";
    let mut out = String::new();
    let mut rest = xml;
    while let Some((head, tail)) = rest.split_once(BEGIN) {
        out.push_str(head);
        rest = tail.split_once(END).map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out
}

/// Whether a line of the log names a key or section that is not known or stands again; upstream is silent there.
pub fn names_a_mistake(line: &str) -> bool {
    let mistakes = [
        "it is ignored",
        "is not known and is ignored",
        "stands again; its keys are added to the first",
    ];
    let dangers = [
        "holds a password, and everybody can read it",
        "sends and takes passwords unencrypted over the network",
        "decide what root runs",
        "everybody can make files in ",
        "PATH has parts that are relative or empty",
    ];
    let is_mistake = line.contains("WARN ")
        && line.contains(".conf:")
        && mistakes.iter().any(|text| line.contains(text));
    let is_danger = (line.contains("WARN ") || line.contains("CRIT "))
        && dangers.iter().any(|text| line.contains(text));
    is_mistake || is_danger
}
