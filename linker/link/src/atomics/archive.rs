//! Writes an archive of objects: the format of GNU ar, which all linkers read.

/// A member.
pub(super) struct Member<'a> {
    pub name: String,
    pub bytes: &'a [u8],
    /// The symbols that it defines for others, for the index.
    pub symbols: Vec<Vec<u8>>,
}

const MAGIC: &[u8] = b"!<arch>\n";

/// The archive with these members, and an index, which GNU ld requires.
pub(super) fn write(members: &[Member<'_>]) -> Vec<u8> {
    let mut names = Vec::new();
    let mut headers = Vec::new();
    for member in members {
        headers.push(format!("/{}", names.len()));
        names.extend_from_slice(member.name.as_bytes());
        names.extend_from_slice(b"/\n");
    }
    // The index: number of symbols, the offset of the member of each, both big-endian, and names.
    let count: usize = members.iter().map(|member| member.symbols.len()).sum();
    let text: usize = members
        .iter()
        .flat_map(|member| &member.symbols)
        .map(|name| name.len() + 1)
        .sum();
    let index_len = 4 + 4 * count + text;
    let mut offset = MAGIC.len() + 60 + padded(index_len) + 60 + padded(names.len());
    let mut index = (count as u32).to_be_bytes().to_vec();
    for member in members {
        for _ in &member.symbols {
            index.extend((offset as u32).to_be_bytes());
        }
        offset += 60 + padded(member.bytes.len());
    }
    for name in members.iter().flat_map(|member| &member.symbols) {
        index.extend_from_slice(name);
        index.push(0);
    }
    let mut bytes = MAGIC.to_vec();
    add(&mut bytes, "/", &index);
    add(&mut bytes, "//", &names);
    for (member, header) in members.iter().zip(&headers) {
        add(&mut bytes, header, member.bytes);
    }
    bytes
}

fn padded(len: usize) -> usize {
    len.next_multiple_of(2)
}

fn add(bytes: &mut Vec<u8>, name: &str, contents: &[u8]) {
    // Name, time, user, group, mode, size, end.
    let header = format!(
        "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
        0,
        0,
        0,
        644,
        contents.len()
    );
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(contents);
    if !contents.len().is_multiple_of(2) {
        bytes.push(b'\n');
    }
}
