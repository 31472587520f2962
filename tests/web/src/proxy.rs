//! A reverse proxy in front of a site, under a path of its own.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use provost_e2e::{PATIENCE, Place, free_port, kill_tree, wait_until};

use crate::Site;

/// An nginx. Dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
    port: u16,
    _place: Place,
}

impl Proxy {
    /// Serves a site below `/ops/sup/`; `lines` are more lines of the location.
    pub fn start(site: &Site, lines: &str) -> Self {
        let (place, port) = (Place::new(), free_port());
        let here = place.text();
        let config = format!(
            "daemon off;\npid {here}/nginx.pid;\nerror_log {here}/error.log;\nworker_processes 1;\nevents {{}}\n\
             http {{\naccess_log off;\nclient_body_temp_path {here}/b;\nproxy_temp_path {here}/p;\n\
             fastcgi_temp_path {here}/f;\nuwsgi_temp_path {here}/u;\nscgi_temp_path {here}/s;\n\
             server {{\nlisten 127.0.0.1:{port};\nlocation /ops/sup/ {{\nproxy_pass http://127.0.0.1:{}/;\n\
             proxy_http_version 1.1;\n{lines}\n}}\n}}\n}}\n",
            site.port
        );
        let config = place.write("nginx.conf", config);
        let child = Command::new("nginx")
            .env("PATH", "/usr/sbin:/usr/bin:/bin")
            .args(["-e", "stderr", "-p", here, "-c"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("nginx is there: `cargo xtask setup` installs it");
        wait_until(PATIENCE, "nginx to listen", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            child,
            port,
            _place: place,
        }
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/ops/sup/{path}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        kill_tree(self.child.id());
        let _ = self.child.wait();
    }
}
