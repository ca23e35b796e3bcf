//! Payloads of the tests, written from the description of the layout alone: an oracle beside the
//! writer of `alt livepatch build`, and a way to write payloads that the tool refuses to write.

use alt_runtime::livepatch::format::{
    Entry, FUNCTION_LANDING_PAD, FUNCTION_MAY_BE_RUNNING, Function, HOOKS, Header, HookKind,
    ID_LEN, Id, MAGIC, NONE, PAYLOAD_HAS_STATE, PT_DESCRIPTION, Relocation, SEGMENT_ALIGN, Span,
};

/// A payload that is being made.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Its name.
    pub name: String,
    /// The build id of the image that it is for.
    pub image: Id,
    /// The payload that must be applied before; the image if none.
    pub parent: Id,
    /// The functions that it replaces.
    pub functions: Vec<Replacement>,
    /// Instructions of its hooks.
    pub hooks: Vec<(HookKind, Vec<u32>)>,
    /// Words of the image, by address, that must have a value.
    pub expectations: Vec<(u64, u32)>,
    /// Relocations, as they are written.
    pub relocations: Vec<Relocation>,
    /// Sites of `cpu_has_cap!`: a NOP, by its offset in the text; the cpucap; and how many
    /// instructions further the B leads that replaces it.
    pub branches: Vec<(u32, u16, i16)>,
    /// Writable bytes.
    pub state: u32,
}

/// A function and its replacement.
#[derive(Clone, Debug)]
pub struct Replacement {
    name: String,
    address: u64,
    old_size: u32,
    code: Vec<u32>,
    flags: u32,
    words: Vec<u32>,
}

impl Replacement {
    /// Replaces the function at `address` by the instructions `code`.
    pub fn new(name: &str, address: u64, old_size: u32, code: Vec<u32>) -> Self {
        Self {
            name: name.into(),
            address,
            old_size,
            code,
            flags: 0,
            words: Vec::new(),
        }
    }

    /// Old and new function begin with a landing pad.
    pub fn landing_pad(mut self) -> Self {
        self.flags |= FUNCTION_LANDING_PAD;
        self
    }

    /// Calls in progress may finish in the old function.
    pub fn may_be_running(mut self) -> Self {
        self.flags |= FUNCTION_MAY_BE_RUNNING;
        self
    }

    /// The words that may be at the place of the branch.
    pub fn words(self, words: Vec<u32>) -> Self {
        Self { words, ..self }
    }
}

/// Segments of a payload: its text, and its read-only data.
const TEXT: u32 = 0;

impl Fixture {
    /// A payload for an image that replaces nothing.
    pub fn new(name: &str, image: Id) -> Self {
        Self {
            name: name.into(),
            image,
            parent: image,
            functions: Vec::new(),
            hooks: Vec::new(),
            expectations: Vec::new(),
            relocations: Vec::new(),
            branches: Vec::new(),
            state: 0,
        }
    }

    /// The id that the file states.
    pub fn id(&self, anchor: u64) -> Id {
        let file = self.to_bytes(anchor);
        let at = file.windows(MAGIC.len()).position(|bytes| bytes == MAGIC);
        let at = at.unwrap_or_default() + Header::ID_OFFSET;
        file[at..at + ID_LEN].try_into().unwrap_or_default()
    }

    /// The file. `anchor` is the address of the image's build id.
    pub fn to_bytes(&self, anchor: u64) -> Vec<u8> {
        let offset = |address: u64| address.wrapping_sub(anchor) as u32;
        let mut functions: Vec<_> = self.functions.iter().collect();
        functions.sort_by_key(|function| function.address);

        let mut text: Vec<u32> = Vec::new();
        let mut names = Vec::new();
        let read_only = segment_end(self.text_words());
        let mut words = Vec::new();
        let mut entries = Vec::new();
        for function in functions {
            let new = TEXT + 4 * text.len() as u32;
            text.extend(&function.code);
            entries.push(Function {
                old: offset(function.address),
                old_size: function.old_size,
                new,
                new_size: 4 * function.code.len() as u32,
                name: read_only + names.len() as u32,
                name_len: function.name.len() as u32,
                flags: function.flags,
                first_word: words.len() as u32,
                word_count: function.words.len() as u32,
            });
            names.extend(function.name.bytes());
            words.extend(&function.words);
        }
        let mut hooks = [NONE; HOOKS];
        for (kind, code) in &self.hooks {
            hooks[*kind as usize] = TEXT + 4 * text.len() as u32;
            text.extend(code);
        }
        names.resize(names.len().next_multiple_of(4).max(4), 0);
        let in_memory = |len: usize| Span {
            start: read_only + names.len() as u32,
            len: len as u32,
        };
        let (branches, none) = (in_memory(self.branches.len()), in_memory(0));
        for (site, cap, distance) in &self.branches {
            let record = read_only + names.len() as u32;
            names.extend((TEXT + site).wrapping_sub(record).to_le_bytes());
            names.extend(cap.to_le_bytes());
            names.extend(distance.to_le_bytes());
        }

        // The description: header, name, tables.
        let mut tables = Vec::new();
        let mut add = |bytes: Vec<u8>, len: usize| {
            let start = Header::SIZE + tables.len();
            tables.extend(bytes);
            tables.resize(tables.len().next_multiple_of(4), 0);
            Span {
                start: start as u32,
                len: len as u32,
            }
        };
        let little = |words: &[u32]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<_>>()
        };
        let name = add(self.name.clone().into_bytes(), self.name.len());
        let table: Vec<_> = entries.iter().flat_map(Function::to_words).collect();
        let functions = add(little(&table), entries.len());
        let words = add(little(&words), words.len());
        let table: Vec<_> = self
            .expectations
            .iter()
            .flat_map(|(at, word)| [offset(*at), *word])
            .collect();
        let expectations = add(little(&table), self.expectations.len());
        let table: Vec<_> = self
            .relocations
            .iter()
            .flat_map(Relocation::to_words)
            .collect();
        let relocations = add(little(&table), self.relocations.len());
        let nothing = add(Vec::new(), 0);

        let mut header = Header {
            size: (Header::SIZE + tables.len()) as u32,
            flags: if self.state == 0 {
                0
            } else {
                PAYLOAD_HAS_STATE
            },
            id: [0; 20],
            image: self.image,
            parent: self.parent,
            name,
            functions,
            words,
            expectations,
            relocations,
            symbols: nothing,
            branches,
            alternatives: none,
            replacements: none,
            hooks,
        };
        // Any number that differs between payloads.
        for (index, byte) in self
            .name
            .bytes()
            .chain(little(&text))
            .chain(names.iter().copied())
            .enumerate()
        {
            let id = &mut header.id[index % 20];
            *id = id.rotate_left(3) ^ byte;
        }
        let mut description = header.to_bytes().to_vec();
        description.extend(tables);
        let read_write = segment_end_of(read_only, names.len() as u32);
        let loads = [
            Segment::load(5, TEXT, little(&text), 4 * text.len() as u32),
            Segment::load(4, read_only, names.clone(), names.len() as u32),
            Segment::load(6, read_write, Vec::new(), self.state),
        ];
        let mut segments: Vec<_> = loads.into_iter().filter(|s| s.memory != 0).collect();
        let size = description.len() as u32;
        segments.push(Segment {
            kind: PT_DESCRIPTION,
            flags: 4,
            address: 0,
            bytes: description,
            memory: size,
        });
        file(&segments)
    }

    fn text_words(&self) -> u32 {
        let functions = self.functions.iter().map(|function| function.code.len());
        let hooks = self.hooks.iter().map(|(_, code)| code.len());
        functions.chain(hooks).sum::<usize>() as u32
    }
}

fn segment_end(words: u32) -> u32 {
    segment_end_of(TEXT, 4 * words)
}

fn segment_end_of(start: u32, bytes: u32) -> u32 {
    (start + bytes).next_multiple_of(SEGMENT_ALIGN)
}

struct Segment {
    kind: u32,
    flags: u32,
    address: u32,
    bytes: Vec<u8>,
    memory: u32,
}

impl Segment {
    fn load(flags: u32, address: u32, bytes: Vec<u8>, memory: u32) -> Self {
        Self {
            kind: 1,
            flags,
            address,
            bytes,
            memory,
        }
    }
}

/// An ELF file of these segments: ET_DYN, EM_AARCH64, no sections.
fn file(segments: &[Segment]) -> Vec<u8> {
    const HEADER: usize = 64;
    const PROGRAM_HEADER: usize = 56;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let put = |file: &mut Vec<u8>, value: u64, bytes: usize| {
        file.extend(&value.to_le_bytes()[..bytes]);
    };
    // e_type … e_shstrndx, in this order.
    for (value, bytes) in [
        (3, 2),
        (183, 2),
        (1, 4),
        (0, 8),
        (HEADER as u64, 8),
        (0, 8),
        (0, 4),
        (HEADER as u64, 2),
        (PROGRAM_HEADER as u64, 2),
        (segments.len() as u64, 2),
        (0, 2),
        (0, 2),
        (0, 2),
    ] {
        put(&mut file, value, bytes);
    }
    let mut at =
        (HEADER + PROGRAM_HEADER * segments.len()).next_multiple_of(SEGMENT_ALIGN as usize);
    let mut contents = Vec::new();
    for segment in segments {
        let size = segment.bytes.len();
        for (value, bytes) in [
            (segment.kind.into(), 4),
            (segment.flags.into(), 4),
            (at as u64, 8),
            (segment.address.into(), 8),
            (segment.address.into(), 8),
            (size as u64, 8),
            (segment.memory.into(), 8),
            (
                if segment.kind == 1 {
                    SEGMENT_ALIGN.into()
                } else {
                    4
                },
                8,
            ),
        ] {
            put(&mut file, value, bytes);
        }
        contents.push((at, &segment.bytes));
        at = (at + size).next_multiple_of(SEGMENT_ALIGN as usize);
    }
    for (at, bytes) in contents {
        file.resize(at.max(file.len()), 0);
        file.extend(bytes);
    }
    file
}
