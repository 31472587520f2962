//! The lexer under [`crate::words`] and [`crate::environment`]: Python's `shlex`, POSIX mode and the older one.
//!
//! Upstream splits commands and `environment=` with it, so its rules are part of the configuration language. It knows
//! nothing of commands or variables; it only cuts text into tokens.

use std::fmt;

/// Why a text has no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordsError {
    /// A quote was opened and not closed.
    NoClosingQuotation,
    /// The text ends in a backslash.
    NoEscapedCharacter,
}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoClosingQuotation => "No closing quotation",
            Self::NoEscapedCharacter => "No escaped character",
        })
    }
}

impl std::error::Error for WordsError {}

/// The rules to cut by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Quotes are taken away, backslashes escape. Without it, quotes stay in the token.
    pub(crate) posix: bool,
    /// Only whitespace separates; without it, every character that is no word character is a token of its own.
    pub(crate) whitespace_split: bool,
    /// `#` starts a comment.
    pub(crate) comments: bool,
    /// Word characters besides letters, digits and `_`.
    pub(crate) extra_word_chars: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Word,
    Quoted(char),
    /// After a backslash; the state to go back to is inside.
    Escaped(Option<char>),
    Ended,
}

/// Cuts a text by `rules`.
pub(crate) fn tokens(text: &str, rules: Rules) -> Result<Vec<String>, WordsError> {
    let mut lexer = Lexer {
        rest: text.chars(),
        pushed_back: None,
        state: State::Between,
        rules,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: std::str::Chars<'a>,
    /// A whole token that ended the one before it; handed out as it is.
    pushed_back: Option<char>,
    state: State,
    rules: Rules,
}

impl Lexer<'_> {
    fn next_token(&mut self) -> Result<Option<String>, WordsError> {
        if let Some(token) = self.pushed_back.take() {
            return Ok(Some(token.to_string()));
        }
        let mut token = String::new();
        let mut quoted = false;
        loop {
            if self.state == State::Ended {
                break;
            }
            let next = self.rest.next();
            let complete = match self.state {
                State::Ended => true,
                State::Between => self.between(next, &mut token, quoted),
                State::Quoted(quote) => {
                    quoted = true;
                    self.in_quotes(
                        next.ok_or(WordsError::NoClosingQuotation)?,
                        quote,
                        &mut token,
                    )
                }
                State::Escaped(quote) => {
                    let c = next.ok_or(WordsError::NoEscapedCharacter)?;
                    // Inside double quotes a backslash escapes only itself and the quote, and stays otherwise.
                    if quote.is_some_and(|quote| c != '\\' && c != quote) {
                        token.push('\\');
                    }
                    token.push(c);
                    self.state = quote.map_or(State::Word, State::Quoted);
                    false
                }
                State::Word => self.in_word(next, &mut token, quoted),
            };
            if complete {
                break;
            }
        }
        let nothing = token.is_empty() && !(self.rules.posix && quoted);
        Ok((!nothing).then_some(token))
    }

    /// Before a token; true when one is complete.
    fn between(&mut self, next: Option<char>, token: &mut String, quoted: bool) -> bool {
        let Some(c) = next else {
            self.state = State::Ended;
            return true;
        };
        if is_blank(c) {
            return !token.is_empty() || (self.rules.posix && quoted);
        }
        if self.is_comment(c) {
            self.skip_line();
        } else if self.rules.posix && c == '\\' {
            self.state = State::Escaped(None);
        } else if self.is_word(c) {
            *token = c.to_string();
            self.state = State::Word;
        } else if is_quote(c) {
            if !self.rules.posix {
                *token = c.to_string();
            }
            self.state = State::Quoted(c);
        } else if self.rules.whitespace_split {
            *token = c.to_string();
            self.state = State::Word;
        } else {
            *token = c.to_string();
            return true;
        }
        false
    }

    fn in_quotes(&mut self, c: char, quote: char, token: &mut String) -> bool {
        if c == quote {
            if self.rules.posix {
                self.state = State::Word;
                return false;
            }
            token.push(c);
            self.state = State::Between;
            return true;
        }
        if self.rules.posix && c == '\\' && quote == '"' {
            self.state = State::Escaped(Some(quote));
        } else {
            token.push(c);
        }
        false
    }

    fn in_word(&mut self, next: Option<char>, token: &mut String, quoted: bool) -> bool {
        let Some(c) = next else {
            self.state = State::Ended;
            return true;
        };
        let something = !token.is_empty() || (self.rules.posix && quoted);
        if is_blank(c) {
            self.state = State::Between;
            return something;
        }
        if self.is_comment(c) {
            self.skip_line();
            if self.rules.posix {
                self.state = State::Between;
                return something;
            }
            // The older mode goes on with the same word on the next line.
            return false;
        }
        if self.rules.posix && is_quote(c) {
            self.state = State::Quoted(c);
        } else if self.rules.posix && c == '\\' {
            self.state = State::Escaped(None);
        } else if self.is_word(c) || is_quote(c) || self.rules.whitespace_split {
            token.push(c);
        } else {
            self.pushed_back = Some(c);
            self.state = State::Between;
            return something;
        }
        false
    }

    fn skip_line(&mut self) {
        for c in self.rest.by_ref() {
            if c == '\n' {
                break;
            }
        }
    }

    fn is_comment(&self, c: char) -> bool {
        self.rules.comments && c == '#'
    }

    fn is_word(&self, c: char) -> bool {
        c.is_ascii_alphanumeric()
            || c == '_'
            || self.rules.extra_word_chars.contains(c)
            || (self.rules.posix && is_latin1_letter(c))
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"')
}

/// The accented letters of Latin-1; `×` and `÷` between them are none.
fn is_latin1_letter(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{ff}')
}
