//! Texts that are nearly right: what parsers must refuse without falling over.
//!
//! Bytes by pure chance are refused at the first one and reach nothing. So a good text is taken and damaged: pieces are
//! cut out, doubled, moved, and others put in that mean something to the parser.

use crate::sim::rng::Rng;

/// Most injuries that one text gets.
const INJURIES_MAX: u64 = 6;

/// Longest piece that is cut out, doubled or moved, in bytes.
const PIECE_MAX: u64 = 40;

/// Damages one of `texts`, perhaps with some of `words`. Some come out whole.
pub fn garble(rng: &mut Rng, texts: &[&[u8]], words: &[&[u8]]) -> Vec<u8> {
    let mut text = rng.pick(texts).to_vec();
    for _ in 0..rng.between(0, INJURIES_MAX) {
        let from = rng.index(text.len() + 1);
        let length = usize::try_from(rng.between(0, PIECE_MAX)).unwrap_or(0);
        let to = (from + length).min(text.len());
        match rng.below(7) {
            0 => {
                text.drain(from..to);
            }
            1 => {
                let piece = text[from..to].to_vec();
                text.splice(from..from, piece);
            }
            2 => {
                let piece: Vec<u8> = text.drain(from..to).collect();
                let place = rng.index(text.len() + 1);
                text.splice(place..place, piece);
            }
            3 => text.truncate(to),
            4 => {
                let byte = u8::try_from(rng.below(256)).unwrap_or(0);
                text.splice(from..to.min(from + 1), [byte]);
            }
            5 if !words.is_empty() => {
                text.splice(from..to, rng.pick(words).iter().copied());
            }
            _ if !words.is_empty() => {
                text.splice(from..from, rng.pick(words).iter().copied());
            }
            _ => {}
        }
    }
    text
}

/// Cuts a text into chunks at places by chance; together they are the text.
pub fn cut<'a>(rng: &mut Rng, text: &'a [u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let longest = *rng.pick(&[1, 3, 20, 4_096]);
        let length = rng.index(rest.len().min(longest)) + 1;
        let (chunk, after) = rest.split_at(length);
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_whole_and_damaged() {
        let mut rng = Rng::new(5);
        let texts: [&[u8]; 2] = [b"[program:a]\ncommand=/bin/cat\n", b""];
        let out: Vec<_> = (0..200)
            .map(|_| garble(&mut rng, &texts, &[b"%("]))
            .collect();
        assert!(out.iter().any(|text| text == texts[0]));
        assert!(
            out.iter()
                .any(|text| text.windows(2).any(|pair| pair == b"%("))
        );
        assert!(out.iter().any(|text| std::str::from_utf8(text).is_err()));
    }

    #[test]
    fn chunks_together_are_the_text() {
        let mut rng = Rng::new(6);
        let text: Vec<u8> = (0..=255).collect();
        for _ in 0..100 {
            assert_eq!(cut(&mut rng, &text).concat(), text);
        }
        assert!(cut(&mut rng, b"").is_empty());
    }
}
