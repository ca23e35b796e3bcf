//! The description of a payload: its header and tables, as `alt_runtime::livepatch::format` states
//! them.

use alt_runtime::livepatch::format::{
    Entry, Expectation, Function, HOOKS, Header, ID_LEN, Id, PAYLOAD_HAS_STATE, Span, Symbol,
};
use sha2::{Digest, Sha256};

use super::place::Placed;

/// The contents of the description that [`Placed`] does not have.
#[derive(Debug)]
pub struct Contents<'a> {
    pub name: &'a str,
    pub image: Id,
    pub parent: Id,
    pub functions: &'a [Function],
    pub words: &'a [u32],
    pub expectations: &'a [Expectation],
    pub symbols: &'a [Symbol],
    pub hooks: [u32; HOOKS],
    pub has_state: bool,
}

/// The bytes of the description, with an id of zeros.
pub fn write(contents: &Contents<'_>, placed: &Placed) -> Vec<u8> {
    let mut tables = Vec::new();
    let functions = table(&mut tables, contents.functions.iter().map(Entry::to_words));
    let words = table(&mut tables, contents.words.iter().map(|word| [*word]));
    let expectations = table(
        &mut tables,
        contents.expectations.iter().map(Entry::to_words),
    );
    let relocations = table(&mut tables, placed.relocations.iter().map(Entry::to_words));
    let symbols = table(&mut tables, contents.symbols.iter().map(Entry::to_words));
    let name = Span {
        start: (Header::SIZE + tables.len()) as u32,
        len: contents.name.len() as u32,
    };
    tables.extend_from_slice(contents.name.as_bytes());
    tables.resize(tables.len().next_multiple_of(4), 0);
    let header = Header {
        size: (Header::SIZE + tables.len()) as u32,
        flags: if contents.has_state {
            PAYLOAD_HAS_STATE
        } else {
            0
        },
        id: [0; ID_LEN],
        image: contents.image,
        parent: contents.parent,
        name,
        functions,
        words,
        expectations,
        relocations,
        symbols,
        branches: placed.branches,
        alternatives: placed.alternatives,
        replacements: placed.replacements,
        hooks: contents.hooks,
    };
    let mut bytes = header.to_bytes().to_vec();
    bytes.append(&mut tables);
    bytes
}

fn table<const WORDS: usize>(
    tables: &mut Vec<u8>,
    entries: impl Iterator<Item = [u32; WORDS]>,
) -> Span {
    let start = (Header::SIZE + tables.len()) as u32;
    let mut len = 0;
    for words in entries {
        tables.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        len += 1;
    }
    Span { start, len }
}

/// The id of a payload whose id is still zeros: the first bytes of its SHA-256.
pub fn id(file: &[u8]) -> Id {
    let mut id = [0; ID_LEN];
    let digest = Sha256::digest(file);
    id.copy_from_slice(&digest[..ID_LEN]);
    id
}
