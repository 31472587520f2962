//! `[user:x]`, `[role:x]` and `[audit]`: who may do what, and what is written down about it.

use super::{Change, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

const BASE: OptionSpec = OptionSpec {
    name: "",
    kind: Kind::Text,
    default: Fallback::Found("none"),
    names: Names::Here,
    change: Change::Restart,
    since: "Provost 0.1",
    sample: Sample::Comment(""),
    flag: None,
    doc: "",
};

/// `[user:x]`.
pub mod user {
    use super::{BASE, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

    /// `role`
    pub const ROLE: OptionSpec = OptionSpec {
        name: "role",
        kind: Kind::List,
        default: Fallback::Text("viewer"),
        sample: Sample::Comment("viewer"),
        doc: "The roles, with commas between them; what any of them allows is allowed. Built in are `viewer` (`status`), \
              `operator` (`status`, `logs`, `start`, `stop`, `restart`, `signal`, `clearlog`), `admin` (everything) and \
              `none`; others are `[role:x]` sections.",
        ..BASE
    };

    /// `programs`
    pub const PROGRAMS: OptionSpec = OptionSpec {
        name: "programs",
        kind: Kind::List,
        default: Fallback::Text("*"),
        sample: Sample::Comment("web:*"),
        doc: "The programs that exist for this user, as `group:process` with `*` and `?`; a group alone stands for all of \
              it. What concerns all of supervisord, such as `shutdown`, needs `*`.",
        ..BASE
    };

    /// `unix_user`
    pub const UNIX_USER: OptionSpec = OptionSpec {
        name: "unix_user",
        kind: Kind::User,
        sample: Sample::Comment("nobody"),
        doc: "The user of the system whose processes are this user where a UNIX socket has `auth=peercred` or `both`.",
        ..BASE
    };

    /// `unix_group`
    pub const UNIX_GROUP: OptionSpec = OptionSpec {
        name: "unix_group",
        sample: Sample::Comment("nogroup"),
        doc: "The group of the system, by name or number, whose members' processes are this user there. Supplementary \
              groups count. A section with a fitting `unix_user` comes before one with a fitting group, and the first \
              of several in the file counts.",
        ..BASE
    };

    /// `password`
    pub const PASSWORD: OptionSpec = OptionSpec {
        name: "password",
        names: Names::EnvironmentOnly,
        sample: Sample::Comment("{ARGON2ID}$argon2id$v=19$..."),
        doc: "The password: `{ARGON2ID}` and a hash as `argon2` prints it, `{SHA}` and the 40 hexadecimal digits of a \
              SHA-1 sum, or the password in clear. The user name is the label of the section.",
        ..BASE
    };

    /// `password_file`
    pub const PASSWORD_FILE: OptionSpec = OptionSpec {
        name: "password_file",
        sample: Sample::Comment("/etc/supervisor/deploy.password"),
        doc: "A file whose first line is the password, in any form of `password`. It is read at each login; a change \
              takes effect at once. It has no effect beside `password`.",
        ..BASE
    };

    /// `token_file`
    pub const TOKEN_FILE: OptionSpec = OptionSpec {
        name: "token_file",
        sample: Sample::Comment("/etc/supervisor/deploy.tokens"),
        doc: "A file of tokens, one a line: a name, the SHA-256 of the token in hexadecimal digits and, if it ends some \
              day, `expires=` and a time as `2027-01-31T00:00:00Z`. Clients send `Authorization: Bearer` and the token. \
              It is read at each login; a change takes effect at once.",
        ..BASE
    };

    /// `tls_subject`
    pub const TLS_SUBJECT: OptionSpec = OptionSpec {
        name: "tls_subject",
        sample: Sample::Comment("deploy"),
        doc: "The common name (CN) of the client certificate that proves this user, where an `[inet_http_server]` has \
              `tls_client_ca`. No password is needed then, and one that is sent is not looked at.",
        ..BASE
    };

    /// `tls_san`
    pub const TLS_SAN: OptionSpec = OptionSpec {
        name: "tls_san",
        sample: Sample::Comment("deploy.example.org"),
        doc: "An alternative name (a host, a mail address, a URI or an address) of the client certificate that proves \
              this user there. With `tls_subject` beside it both must fit. The first fitting section in the file counts.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "user:",
        label: "x",
        doc: "Somebody who may ask, and for what. As soon as there is one such section, whoever is not known may do \
              nothing. The `username` of a server section stays a user that may do everything.",
        options: &[
            &ROLE,
            &PROGRAMS,
            &UNIX_USER,
            &UNIX_GROUP,
            &PASSWORD,
            &PASSWORD_FILE,
            &TOKEN_FILE,
            &TLS_SUBJECT,
            &TLS_SAN,
        ],
        active: false,
        open: false,
    };
}

/// `[role:x]`.
pub mod role {
    use super::{BASE, Fallback, Kind, OptionSpec, Sample, SectionSpec};

    /// `allow`
    pub const ALLOW: OptionSpec = OptionSpec {
        name: "allow",
        kind: Kind::List,
        default: Fallback::Required,
        sample: Sample::Comment("status, logs, restart, signal:HUP"),
        doc: "What the role allows: `status`, `config`, `logs`, `mainlog`, `clear_mainlog`, `clearlog`, `start`, `stop`, \
              `restart`, `signal` (or single ones, as `signal:HUP`), `stdin`, `event`, `update`, `define`, `helper`, \
              `cache`, `write_log`, `shutdown`, `reload`.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "role:",
        label: "x",
        doc: "A role of your own for `[user:x]` sections and for `peer_default_role`.",
        options: &[&ALLOW],
        active: false,
        open: false,
    };
}

/// `[audit]`.
pub mod audit {
    use super::{BASE, Fallback, Kind, OptionSpec, Sample, SectionSpec};

    /// `file`
    pub const FILE: OptionSpec = OptionSpec {
        name: "file",
        kind: Kind::Path,
        default: Fallback::Required,
        sample: Sample::Comment("/var/log/supervisor-audit.log"),
        doc: "The file, to which one line of JSON is added for each call before its answer. Each line holds the SHA-256 of \
              the line before it; `supervisord --verify-audit FILE` checks that none was changed or taken out. When the \
              file is moved away, a new one is begun.",
        ..BASE
    };

    /// `reads`
    pub const READS: OptionSpec = OptionSpec {
        name: "reads",
        kind: Kind::Boolean,
        default: Fallback::Text("false"),
        sample: Sample::Comment("false"),
        doc: "Whether calls that change nothing are recorded, too.",
        ..BASE
    };

    /// `on_failure`
    pub const ON_FAILURE: OptionSpec = OptionSpec {
        name: "on_failure",
        default: Fallback::Text("continue"),
        sample: Sample::Comment("continue"),
        doc: "What happens to calls while the file cannot be written: `continue` answers them, and the main log tells; \
              `refuse` refuses them. With `refuse` a line is also written before a call is begun.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "audit",
        label: "",
        doc: "A record of who asked for what, and what came of it.",
        options: &[&FILE, &READS, &ON_FAILURE],
        active: false,
        open: false,
    };
}

/// `auth` of `[unix_http_server]`.
pub const AUTH: OptionSpec = OptionSpec {
    name: "auth",
    names: Names::EnvironmentOnly,
    default: Fallback::Found(
        "`password`, or `peercred` where there is a `[user:x]` section and no `username`",
    ),
    sample: Sample::Comment("peercred"),
    doc: "How clients of this socket prove who they are: `password`; `peercred`, by the user and groups of the \
          connecting process, which the system vouches for; or `both`, by a password or token where one is sent, else \
          by the process.",
    ..BASE
};

/// `peer_default_role` of `[unix_http_server]`.
pub const PEER_DEFAULT_ROLE: OptionSpec = OptionSpec {
    name: "peer_default_role",
    names: Names::EnvironmentOnly,
    default: Fallback::Found("`none` where there is a `[user:x]` section, else `admin`"),
    sample: Sample::Comment("none"),
    doc: "The role of a process that is no `[user:x]`, where `auth` looks at processes.",
    ..BASE
};
