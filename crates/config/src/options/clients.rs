//! `[supervisorctl]`, `[group:x]`, `[include]` and `[ctlplugin:x]`.

use super::{Change, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

const BASE: OptionSpec = OptionSpec {
    name: "",
    kind: Kind::Text,
    default: Fallback::Found("none"),
    names: Names::EnvironmentOnly,
    change: Change::NextRun,
    since: "3.0",
    sample: Sample::Comment(""),
    flag: None,
    doc: "",
};

/// `[supervisorctl]`.
pub mod supervisorctl {
    use super::{BASE, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};
    use crate::config::{DEFAULT_PROMPT, DEFAULT_SERVERURL};

    /// `serverurl`
    pub const SERVERURL: OptionSpec = OptionSpec {
        name: "serverurl",
        kind: Kind::Url,
        default: Fallback::Text(DEFAULT_SERVERURL),
        names: Names::Here,
        sample: Sample::Active("unix:///tmp/supervisor.sock"),
        doc: "Where supervisord listens: `http://host:port`, `https://host:port` where it has `tls_cert`, or `unix://` and \
              the absolute path of its socket.",
        ..BASE
    };

    /// `username`
    pub const USERNAME: OptionSpec = OptionSpec {
        name: "username",
        sample: Sample::Comment("user"),
        doc: "The user name of the server section.",
        ..BASE
    };

    /// `password`
    pub const PASSWORD: OptionSpec = OptionSpec {
        name: "password",
        sample: Sample::Comment("123"),
        doc: "The password of the server section, in clear.",
        ..BASE
    };

    /// `password_file`
    pub const PASSWORD_FILE: OptionSpec = OptionSpec {
        name: "password_file",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("~/.supervisor_password"),
        doc: "A file whose first line is the password, in place of `password`. The environment variable \
              SUPERVISOR_PASSWORD_FILE can name one, too, and goes over both keys.",
        ..BASE
    };

    /// `tls_ca`
    pub const TLS_CA: OptionSpec = OptionSpec {
        name: "tls_ca",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("/etc/supervisor/ca.pem"),
        doc: "The authorities, in PEM, that vouch for the server of an `https` URL. The system's own authorities do not \
              count. The certificate must be for the host of the URL.",
        ..BASE
    };

    /// `tls_fingerprint`
    pub const TLS_FINGERPRINT: OptionSpec = OptionSpec {
        name: "tls_fingerprint",
        kind: Kind::Text,
        since: "Provost 0.1",
        sample: Sample::Comment(
            "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
        doc: "`sha256:` and the 64 hexadecimal digits of the SHA-256 of the server's certificate, with or without colons, \
              as `openssl x509 -noout -fingerprint -sha256` prints them. Only this certificate is accepted. Without \
              `tls_ca` beside it neither the name in it nor its end matters.",
        ..BASE
    };

    /// `tls_cert`
    pub const TLS_CERT: OptionSpec = OptionSpec {
        name: "tls_cert",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("~/.supervisor_cert.pem"),
        doc: "Your own certificate in PEM, for a server with `tls_client_ca`. It needs `tls_key` beside it.",
        ..BASE
    };

    /// `tls_key`
    pub const TLS_KEY: OptionSpec = OptionSpec {
        name: "tls_key",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("~/.supervisor_key.pem"),
        doc: "The private key of `tls_cert` in PEM, without a password.",
        ..BASE
    };

    /// `prompt`
    pub const PROMPT: OptionSpec = OptionSpec {
        name: "prompt",
        default: Fallback::Text(DEFAULT_PROMPT),
        sample: Sample::Comment("mysupervisor"),
        doc: "What stands before the `>` of the interactive shell.",
        ..BASE
    };

    /// `history_file`
    pub const HISTORY_FILE: OptionSpec = OptionSpec {
        name: "history_file",
        kind: Kind::Text,
        names: Names::Here,
        since: "3.0a5",
        sample: Sample::Comment("~/.sc_history"),
        doc: "Where the interactive shell keeps its history between runs. A `~` at the beginning is expanded.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "supervisorctl",
        label: "",
        doc: "Settings of supervisorctl. The section must be in the main file: supervisorctl does not read included files.",
        options: &[
            &SERVERURL,
            &USERNAME,
            &PASSWORD,
            &PASSWORD_FILE,
            &TLS_CA,
            &TLS_FINGERPRINT,
            &TLS_CERT,
            &TLS_KEY,
            &PROMPT,
            &HISTORY_FILE,
        ],
        active: true,
        open: false,
    };
}

/// `[group:x]`.
pub mod group {
    use super::{BASE, Change, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

    /// `programs`
    pub const PROGRAMS: OptionSpec = OptionSpec {
        name: "programs",
        kind: Kind::List,
        default: Fallback::Found("no programs"),
        names: Names::Here,
        change: Change::Update,
        sample: Sample::Comment("progname1,progname2"),
        doc: "The names of `[program:x]` and `[fcgi-program:x]` sections. They no longer form groups of their own.",
        ..BASE
    };

    /// `priority`
    pub const PRIORITY: OptionSpec = OptionSpec {
        name: "priority",
        kind: Kind::Integer,
        default: Fallback::Text("999"),
        names: Names::Here,
        change: Change::Update,
        sample: Sample::Comment("999"),
        doc: "The order among groups: a group with a lower number starts earlier and stops later. The `priority` of \
              a program orders it within the group.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "group:",
        label: "x",
        doc: "Programs that are started, stopped and named together, as `x:name`.",
        options: &[&PROGRAMS, &PRIORITY],
        active: false,
        open: false,
    };
}

/// `[include]`.
pub mod include {
    use super::{BASE, Change, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

    /// `files`
    pub const FILES: OptionSpec = OptionSpec {
        name: "files",
        kind: Kind::Patterns,
        default: Fallback::Required,
        names: Names::HereAndHost,
        change: Change::Update,
        sample: Sample::Comment("conf.d/*.conf"),
        doc: "Files to read as if they stood at the end of this one, with blanks or line breaks between them. `*`, `?` \
              and `[...]` match names. A relative path is relative to the directory of the main file.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "include",
        label: "",
        doc: "More files. An included file cannot include others.",
        options: &[&FILES],
        active: false,
        open: false,
    };
}

/// `[ctlplugin:x]`.
pub mod plugin {
    use super::{BASE, Fallback, Kind, OptionSpec, Sample, SectionSpec};

    /// That of `supervisor_cache`.
    pub const CACHE_FACTORY: &str = "supervisor_cache.controllerplugin:make_cache_controllerplugin";
    /// That of `supervisor_quick`.
    pub const QUICK_FACTORY: &str = "supervisor_quick:make_quick_controllerplugin";
    /// That of `mr.laforge`.
    pub const LAFORGE_FACTORY: &str = "mr.laforge.controllerplugin:make_laforge_controllerplugin";
    /// That of `supervisor-wildcards`.
    pub const WILDCARDS_FACTORY: &str =
        "supervisorwildcards.controllerplugin:make_wildcards_controllerplugin";
    /// The same, by the name of its distribution.
    pub const WILDCARDS_ALIAS: &str =
        "supervisor_wildcards.controllerplugin:make_wildcards_controllerplugin";
    /// That of `supervisor-serialrestart`.
    pub const SERIALRESTART_FACTORY: &str =
        "supervisorserialrestart.controllerplugin:make_serialrestart_controllerplugin";
    /// The same, by the name of its distribution.
    pub const SERIALRESTART_ALIAS: &str =
        "supervisor_serialrestart.controllerplugin:make_serialrestart_controllerplugin";
    /// All that are built in.
    pub const FACTORIES: &[&str] = &[
        CACHE_FACTORY,
        QUICK_FACTORY,
        LAFORGE_FACTORY,
        WILDCARDS_FACTORY,
        WILDCARDS_ALIAS,
        SERIALRESTART_FACTORY,
        SERIALRESTART_ALIAS,
    ];

    /// `supervisor.ctl_factory`
    pub const FACTORY: OptionSpec = OptionSpec {
        name: "supervisor.ctl_factory",
        kind: Kind::Object,
        default: Fallback::Required,
        sample: Sample::Comment("module:factory"),
        doc: "Which commands supervisorctl gets. No Python is loaded; built in are \
              `supervisor_cache.controllerplugin:make_cache_controllerplugin`, \
              `supervisor_quick:make_quick_controllerplugin` (with the setting `retries`, tenths of a second to wait; \
              600 unless set), `mr.laforge.controllerplugin:make_laforge_controllerplugin`, \
              `supervisorwildcards.controllerplugin:make_wildcards_controllerplugin` (with the setting `match_group`, \
              0 or 1) and `supervisorserialrestart.controllerplugin:make_serialrestart_controllerplugin`. Any other \
              value is refused by supervisorctl.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "ctlplugin:",
        label: "x",
        doc: "More commands for supervisorctl, listed by its `help` under the label.",
        options: &[&FACTORY],
        active: false,
        open: true,
    };
}
