//! A mail server of the loopback interface that keeps what it is sent.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use provost_e2e::{PATIENCE, wait_until};

/// A message that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Who sends it, as told to the server.
    pub from: String,
    /// Who shall get it.
    pub to: Vec<String>,
    /// Header lines and body.
    pub text: String,
}

/// The server. It ends with the test's process.
#[derive(Debug)]
pub struct PostOffice {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl PostOffice {
    /// Opens it.
    ///
    /// # Panics
    /// When the loopback interface has no free port.
    pub fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // A client that leaves in the middle has sent nothing.
                let _ = serve(&connection, &kept);
            }
        });
        Self { port, mails }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages so far.
    ///
    /// # Panics
    /// Never: nobody panics while holding them.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().expect("no holder panics").clone()
    }

    /// Waits until all of these texts have come, in whichever messages.
    pub fn wait_texts(&self, texts: &[&str]) {
        wait_until(PATIENCE, &format!("mail with {texts:?}"), || {
            let mails = self.mails();
            texts
                .iter()
                .all(|text| mails.iter().any(|mail| mail.text.contains(text)))
        });
    }
}

/// The commands of one client, as far as a client needs them.
fn serve(connection: &TcpStream, kept: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    let mut mail = Mail::default();
    write!(writer, "220 test\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let address = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
        match line.to_uppercase().split([' ', ':']).next() {
            Some("MAIL") => mail.from = address,
            Some("RCPT") => mail.to.push(address),
            Some("DATA") => {
                write!(writer, "354 go on\r\n")?;
                read_text(&mut reader, &mut mail.text)?;
                let whole = std::mem::take(&mut mail);
                kept.lock().expect("no holder panics").push(whole);
            }
            Some("QUIT") => return write!(writer, "221 bye\r\n"),
            _ => {}
        }
        write!(writer, "250 ok\r\n")?;
    }
}

/// Lines up to one with a single dot.
fn read_text(reader: &mut BufReader<&TcpStream>, text: &mut String) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line == "." {
            return Ok(());
        }
        text.push_str(line.strip_prefix('.').unwrap_or(line));
        text.push('\n');
    }
}
