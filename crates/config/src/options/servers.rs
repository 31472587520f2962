//! The sections of servers and of their RPC interfaces.

use super::{Change, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

const BASE: OptionSpec = OptionSpec {
    name: "",
    kind: Kind::Text,
    default: Fallback::Found("none"),
    names: Names::EnvironmentOnly,
    change: Change::Restart,
    since: "3.0",
    sample: Sample::Comment(""),
    flag: None,
    doc: "",
};

const USERNAME: OptionSpec = OptionSpec {
    name: "username",
    default: Fallback::Found("no authentication"),
    sample: Sample::Comment("user"),
    doc: "The user name that clients must give. It needs `password` beside it; an empty name means no authentication.",
    ..BASE
};

const PASSWORD: OptionSpec = OptionSpec {
    name: "password",
    default: Fallback::Found("no authentication"),
    sample: Sample::Comment("123"),
    doc: "The password that clients must give: in clear, or as `{SHA}` and the 40 hexadecimal digits of its SHA-1 sum.",
    ..BASE
};

const WEB_CSRF: OptionSpec = OptionSpec {
    name: "web_csrf",
    kind: Kind::Boolean,
    default: Fallback::Text("on"),
    since: "Provost 0.1",
    sample: Sample::Comment("on"),
    doc: "Whether requests that change something are refused when the page of another site made a browser send them. \
          Programs and typed addresses always pass. `off` lets any page that the operator's browser shows start and \
          stop programs, as Supervisor does.",
    ..BASE
};

const ALLOWED_HOSTS: OptionSpec = OptionSpec {
    name: "allowed_hosts",
    kind: Kind::List,
    default: Fallback::Found("none"),
    since: "Provost 0.1",
    sample: Sample::Comment("sup.example.org"),
    doc: "",
    ..BASE
};

const MAX_REQUEST_BODY: OptionSpec = OptionSpec {
    name: "max_request_body",
    kind: Kind::Bytes,
    default: Fallback::Text("4MB"),
    since: "Provost 0.1",
    sample: Sample::Comment("4MB"),
    doc: "How large the body of an XML-RPC request may be, from 1KB to 64MB. Larger ones are refused before they are \
          read, and named in the log of supervisord.",
    ..BASE
};

/// `[unix_http_server]`.
pub mod unix {
    use super::super::access::{AUTH, PEER_DEFAULT_ROLE};
    use super::{BASE, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

    /// `file`
    pub const FILE: OptionSpec = OptionSpec {
        name: "file",
        kind: Kind::Path,
        default: Fallback::Required,
        names: Names::Here,
        sample: Sample::Active("/tmp/supervisor.sock"),
        doc: "The path of the socket. A `~` at the beginning is expanded; a relative path is relative to the directory \
              that supervisord was started in.",
        ..BASE
    };

    /// `chmod`
    pub const CHMOD: OptionSpec = OptionSpec {
        name: "chmod",
        kind: Kind::Octal,
        default: Fallback::Text("0700"),
        sample: Sample::Comment("0700"),
        doc: "The permission bits of the socket. Whoever can write to it controls supervisord, unless `username` is set.",
        ..BASE
    };

    /// `chown`
    pub const CHOWN: OptionSpec = OptionSpec {
        name: "chown",
        kind: Kind::Owner,
        default: Fallback::Found("the user and group of supervisord"),
        sample: Sample::Comment("nobody:nogroup"),
        doc: "The owner of the socket: a user, or a user and a group with a colon between them.",
        ..BASE
    };

    /// `username`
    pub const USERNAME: OptionSpec = super::USERNAME;
    /// `password`
    pub const PASSWORD: OptionSpec = super::PASSWORD;
    /// `web_csrf`
    pub const WEB_CSRF: OptionSpec = super::WEB_CSRF;
    /// `max_request_body`
    pub const MAX_REQUEST_BODY: OptionSpec = super::MAX_REQUEST_BODY;
    /// `allowed_hosts`
    pub const ALLOWED_HOSTS: OptionSpec = OptionSpec {
        doc: "The names, with commas between them, under which browsers know a reverse proxy in front of this socket: \
              its own pages are told from foreign ones by them. A name without a port means the usual port.",
        ..super::ALLOWED_HOSTS
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "unix_http_server",
        label: "",
        doc: "A server for XML-RPC on a UNIX socket; supervisorctl on the same machine talks to it. Several sections are \
              possible when a label follows in the header, as in `[unix_http_server:admin]`.",
        options: &[
            &FILE,
            &CHMOD,
            &CHOWN,
            &USERNAME,
            &PASSWORD,
            &WEB_CSRF,
            &ALLOWED_HOSTS,
            &MAX_REQUEST_BODY,
            &AUTH,
            &PEER_DEFAULT_ROLE,
        ],
        active: true,
        open: false,
    };
}

/// `[inet_http_server]`.
pub mod inet {
    use super::{BASE, Fallback, Kind, Names, OptionSpec, Sample, SectionSpec};

    /// `port`
    pub const PORT: OptionSpec = OptionSpec {
        name: "port",
        kind: Kind::Address,
        default: Fallback::Required,
        sample: Sample::Comment("127.0.0.1:9001"),
        doc: "The address to listen at: a host and a port. A port alone, or `*` as the host, listens on every IPv4 \
              interface. An IPv6 address stands in brackets, as in `[::1]:9001`.",
        ..BASE
    };

    /// `username`
    pub const USERNAME: OptionSpec = super::USERNAME;
    /// `password`
    pub const PASSWORD: OptionSpec = super::PASSWORD;
    /// `web_csrf`
    pub const WEB_CSRF: OptionSpec = super::WEB_CSRF;
    /// `max_request_body`
    pub const MAX_REQUEST_BODY: OptionSpec = super::MAX_REQUEST_BODY;
    /// `allowed_hosts`
    pub const ALLOWED_HOSTS: OptionSpec = OptionSpec {
        doc: "The names, with commas between them, under which this server may be reached, with or without a port. \
              Addresses, `localhost` and the machine's own name need not be listed. Without the key a server that asks \
              for no password refuses browsers that come under another name; with it, every client that does.",
        ..super::ALLOWED_HOSTS
    };

    /// `tls_cert`
    pub const TLS_CERT: OptionSpec = OptionSpec {
        name: "tls_cert",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("/etc/supervisor/cert.pem"),
        doc: "The certificate of this server in PEM, followed by those between it and its authority. With it and \
              `tls_key` clients speak `https`, and nothing is sent in clear. It and the other files of TLS are read \
              with the configuration, and once more when a client connects and they have changed; one that cannot be used \
              then is told, and the old one counts on.",
        ..BASE
    };

    /// `tls_key`
    pub const TLS_KEY: OptionSpec = OptionSpec {
        name: "tls_key",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("/etc/supervisor/key.pem"),
        doc: "The private key of `tls_cert` in PEM, without a password. It is read before supervisord becomes another \
              user.",
        ..BASE
    };

    /// `tls_client_ca`
    pub const TLS_CLIENT_CA: OptionSpec = OptionSpec {
        name: "tls_client_ca",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("/etc/supervisor/clients.pem"),
        doc: "The authorities, in PEM, that vouch for clients: with it clients are asked for a certificate, which makes \
              them the `[user:x]` whose `tls_subject` or `tls_san` it has. It needs `tls_cert`.",
        ..BASE
    };

    /// `tls_client`
    pub const TLS_CLIENT: OptionSpec = OptionSpec {
        name: "tls_client",
        kind: Kind::Text,
        default: Fallback::Found("`required` where there is `tls_client_ca`"),
        since: "Provost 0.1",
        sample: Sample::Comment("required"),
        doc: "Whether a client without a certificate is turned away (`required`) or may prove in another way who it is \
              (`optional`).",
        ..BASE
    };

    /// `tls_client_crl`
    pub const TLS_CLIENT_CRL: OptionSpec = OptionSpec {
        name: "tls_client_crl",
        kind: Kind::Text,
        names: Names::Here,
        since: "Provost 0.1",
        sample: Sample::Comment("/etc/supervisor/revoked.pem"),
        doc: "Lists, in PEM, of the certificates that authorities have taken back: a client with one of those is turned \
              away. There must be a list of each authority that has signed a certificate of a client or one between; \
              it counts until a newer one is in the file, also after its time. It needs `tls_client_ca`.",
        ..BASE
    };

    /// `tls_min_version`
    pub const TLS_MIN_VERSION: OptionSpec = OptionSpec {
        name: "tls_min_version",
        kind: Kind::Text,
        default: Fallback::Text("1.2"),
        since: "Provost 0.1",
        sample: Sample::Comment("1.2"),
        doc: "The least version of TLS that is spoken: `1.2` or `1.3`.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "inet_http_server",
        label: "",
        doc: "A server for XML-RPC and the web page on a TCP port. There is none unless this section is there. Nothing on \
              it is encrypted without `tls_cert`, and whoever reaches it without a password controls supervisord: listen \
              on the loopback address or in a network of your own, and set `username` and `password`. Several sections are possible \
              when a label follows in the header, as in `[inet_http_server:v6]`.",
        options: &[
            &PORT,
            &USERNAME,
            &PASSWORD,
            &WEB_CSRF,
            &ALLOWED_HOSTS,
            &MAX_REQUEST_BODY,
            &TLS_CERT,
            &TLS_KEY,
            &TLS_CLIENT_CA,
            &TLS_CLIENT,
            &TLS_CLIENT_CRL,
            &TLS_MIN_VERSION,
        ],
        active: false,
        open: false,
    };
}

/// `[rpcinterface:x]`.
pub mod rpcinterface {
    use super::{BASE, Fallback, Kind, OptionSpec, Sample, SectionSpec};

    /// The factory of Supervisor itself.
    pub const MAIN_FACTORY: &str = "supervisor.rpcinterface:make_main_rpcinterface";
    /// That of `supervisor_twiddler`.
    pub const TWIDDLER_FACTORY: &str =
        "supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface";
    /// That of `supervisor_cache`.
    pub const CACHE_FACTORY: &str = "supervisor_cache.rpcinterface:make_cache_rpcinterface";
    /// That of `mr.laforge`.
    pub const LAFORGE_FACTORY: &str = "mr.laforge.rpcinterface:make_laforge_rpcinterface";
    /// All that are built in.
    pub const FACTORIES: &[&str] = &[
        MAIN_FACTORY,
        TWIDDLER_FACTORY,
        CACHE_FACTORY,
        LAFORGE_FACTORY,
    ];

    /// `supervisor.rpcinterface_factory`
    pub const FACTORY: OptionSpec = OptionSpec {
        name: "supervisor.rpcinterface_factory",
        kind: Kind::Object,
        default: Fallback::Required,
        sample: Sample::Active(MAIN_FACTORY),
        doc: "Which interface is offered. No Python is loaded; built in are \
              `supervisor.rpcinterface:make_main_rpcinterface`, \
              `supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface` (with the setting `whitelist`, the only \
              methods that may be called), `supervisor_cache.rpcinterface:make_cache_rpcinterface` and \
              `mr.laforge.rpcinterface:make_laforge_rpcinterface`. Any other value is an error.",
        ..BASE
    };

    /// The section.
    pub const SECTION: SectionSpec = SectionSpec {
        header: "rpcinterface:",
        label: "supervisor",
        doc: "A namespace of XML-RPC methods. Without `[rpcinterface:supervisor]` the methods of the `supervisor` \
              namespace do not exist, and supervisorctl cannot do anything.",
        options: &[&FACTORY],
        active: true,
        open: true,
    };
}
