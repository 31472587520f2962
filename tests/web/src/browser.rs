//! A browser without a window, and the driver that it belongs to.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use provost_e2e::{PATIENCE, Place, clean, free_port, kill_tree, wait_for, wait_until};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Whether the system is set to dark.
    pub dark: bool,
}

impl Look {
    /// A desk.
    pub const DESK: Self = Self {
        width: 1400,
        height: 900,
        dark: false,
    };
    /// A desk at night.
    pub const DARK: Self = Self {
        dark: true,
        ..Self::DESK
    };
    /// A phone.
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        dark: false,
    };
}

/// A browser. Dropping it ends it, and its driver.
#[derive(Debug)]
pub struct Browser {
    runtime: Runtime,
    client: Option<Client>,
    driver: Child,
    _place: Place,
}

impl Browser {
    /// Starts one.
    pub fn start() -> Self {
        Self::with(&json!({}))
    }

    /// Starts one that runs no scripts of pages.
    pub fn without_scripts() -> Self {
        Self::with(&json!({"profile.managed_default_content_settings.javascript": 2}))
    }

    fn with(preferences: &Value) -> Self {
        let place = Place::new();
        let port = free_port();
        let log = File::create(place.join("driver.log")).expect("the place is writable");
        let mut command = Command::new("chromedriver");
        clean(&mut command, &place);
        let driver = command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("descriptors are left"))
            .stderr(log)
            .spawn()
            .expect("the driver is there: `cargo xtask setup` installs it");
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let mut browser = Self {
            runtime,
            client: None,
            driver,
            _place: place,
        };
        wait_until(PATIENCE, "the driver to listen", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let wishes = json!({
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--hide-scrollbars", "--host-resolver-rules=MAP *.example 127.0.0.1", "--no-first-run", "--disable-background-networking"],
                "prefs": preferences,
            },
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let wishes = wishes.as_object().expect("it is one").clone();
        let connect = async {
            ClientBuilder::new(HttpConnector::new())
                .capabilities(wishes)
                .connect(&format!("http://127.0.0.1:{port}"))
                .await
        };
        let client = browser.runtime.block_on(connect);
        browser.client = Some(client.expect("the browser starts"));
        browser.look(Look::DESK);
        browser
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("it is taken by drop only")
    }

    /// Goes to an address.
    pub fn go(&self, url: &str) {
        let gone = self.runtime.block_on(self.client().goto(url));
        gone.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Does something in a tab that nothing was shown in before, and closes the one from before.
    pub fn in_a_new_tab(&self, run: impl FnOnce()) {
        let client = self.client();
        let change = async {
            let before = client.window().await?;
            let tab = client.new_window(true).await?;
            client.switch_to_window(before).await?;
            client.close_window().await?;
            client.switch_to_window(tab.handle).await
        };
        let changed = self.runtime.block_on(change);
        changed.unwrap_or_else(|error| panic!("a new tab: {error}"));
        run();
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let url = self.runtime.block_on(self.client().current_url());
        url.expect("there is a page").to_string()
    }

    /// Runs the body of a function in the page, which may wait for promises; what it returns.
    pub fn run(&self, script: &str) -> Value {
        let script = format!("return (async () => {{ {script} }})()");
        let ran = self
            .runtime
            .block_on(self.client().execute(&script, vec![]));
        ran.unwrap_or_else(|error| panic!("{error} in {script}"))
    }

    /// The value of an expression in the page.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&format!("return {expression};"))
    }

    /// The text of an expression.
    pub fn text(&self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    }

    /// Waits until an expression is true.
    pub fn wait(&self, expression: &str) {
        let mut last = Value::Null;
        let begun = std::time::Instant::now();
        while begun.elapsed() < PATIENCE {
            last = self.value(expression);
            if last.as_bool().unwrap_or(!last.is_null()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let page = self.text("document.body.innerText");
        panic!("waited in vain for {expression}, which is {last}, in\n{page}");
    }

    /// Clicks on what a selector finds, as a person would: where it is in view.
    pub fn click(&self, selector: &str) {
        let found = wait_for(PATIENCE, selector, || {
            let locator = fantoccini::Locator::Css(selector);
            self.runtime.block_on(self.client().find(locator)).ok()
        });
        let clicked = self.runtime.block_on(found.click());
        clicked.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into whatever has the focus.
    pub fn press(&self, keys: &str) {
        for key in keys.chars() {
            let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": [
                {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key},
            ]}]});
            self.post("actions", actions);
        }
    }

    /// Sets size and colours.
    pub fn look(&self, look: Look) {
        let scheme = if look.dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.tell("Emulation.setEmulatedMedia", &json!({"features": features}));
        let metrics = json!({
            "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": look.width < 600,
        });
        self.tell("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// A command of the protocol of Chromium's own tools.
    pub fn tell(&self, command: &str, params: &Value) -> Value {
        self.post(
            "goog/cdp/execute",
            json!({"cmd": command, "params": params}),
        )
    }

    /// What the page and the browser complained about since this was asked last.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", json!({"type": "browser"}));
        let lines = log.as_array().into_iter().flatten();
        lines.map(|line| line["message"].to_string()).collect()
    }

    /// Writes a picture of what is in view.
    pub fn picture(&self, path: &Path) {
        let picture = self.runtime.block_on(self.client().screenshot());
        fs::write(path, picture.expect("a picture is taken")).expect("it can be written");
    }

    fn post(&self, command: &'static str, body: Value) -> Value {
        let sent = self
            .runtime
            .block_on(self.client().issue_cmd(Post { command, body }));
        sent.unwrap_or_else(|error| panic!("{command}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // The driver that is ended next takes with it whatever is left.
            let _ = self.runtime.block_on(client.close());
        }
        kill_tree(self.driver.id());
        let _ = self.driver.wait();
    }
}

/// A command that the client has no function for.
#[derive(Debug)]
struct Post {
    command: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.command))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
