//! A livepatch payload, byte by byte: the layout of `alt_runtime::livepatch::format`, stated a second
//! time, so that the loader is not tested with its own code.

/// Offset of the read-only segment from the payload's base.
pub const READ_ONLY: u32 = 0x1_0000;
/// Offset of the writable segment.
pub const DATA: u32 = 0x2_0000;

/// Bytes of the header of a description.
pub const HEADER: usize = 176;

/// Bytes of the ELF header and a program header.
const ELF_HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

/// A payload to be written.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Its id.
    pub id: [u8; 20],
    /// The build id of the image.
    pub image: [u8; 20],
    /// The id of the parent.
    pub parent: [u8; 20],
    /// Its name.
    pub name: String,
    /// 1: it has state. Set by [`data`](Self::data) as well.
    pub flags: u32,
    /// The executable segment, at offset 0.
    pub text: Vec<u32>,
    /// The read-only segment, at [`READ_ONLY`]; names are appended to it.
    pub read_only: Vec<u8>,
    /// The writable segment, at [`DATA`], and its bytes in memory.
    pub data: Option<(Vec<u8>, u32)>,
    /// Old, old size, new, new size, name, flags, words.
    pub functions: Vec<Function>,
    /// Place from the anchor, word.
    pub expectations: Vec<(i32, u32)>,
    /// Place, type, base, target.
    pub relocations: Vec<(u32, u16, u16, i64)>,
    /// Start, size, name.
    pub symbols: Vec<(u32, u32, String)>,
    /// Start in the payload and number of records, or of bytes of the replacements.
    pub branches: (u32, u32),
    /// As above.
    pub alternatives: (u32, u32),
    /// As above.
    pub replacements: (u32, u32),
    /// Load, pre-apply, post-apply, pre-revert, post-revert, unload; `u32::MAX` if there is none.
    pub hooks: [u32; 6],
}

/// A function to be replaced.
#[derive(Clone, Debug)]
pub struct Function {
    /// Offset of the old function from the anchor.
    pub old: i32,
    /// Its bytes.
    pub old_size: u32,
    /// Offset of the new function from the payload's base.
    pub new: u32,
    /// Its bytes.
    pub new_size: u32,
    /// Its name.
    pub name: String,
    /// 1: landing pad; 2: may be running.
    pub flags: u32,
    /// The words that may be at the place of the branch.
    pub words: Vec<u32>,
}

impl Payload {
    /// A payload that replaces nothing.
    pub fn new(id: u8, image: [u8; 20]) -> Self {
        Self {
            id: [id; 20],
            image,
            parent: image,
            name: format!("payload-{id}"),
            flags: 0,
            text: Vec::new(),
            read_only: Vec::new(),
            data: None,
            functions: Vec::new(),
            expectations: Vec::new(),
            relocations: Vec::new(),
            symbols: Vec::new(),
            branches: (0, 0),
            alternatives: (0, 0),
            replacements: (0, 0),
            hooks: [u32::MAX; 6],
        }
    }

    /// Adds a new function of these words, which replaces the one of `old_size` bytes at `old` from
    /// the anchor, whose place of the branch holds one of `words`.
    pub fn function(
        &mut self,
        name: &str,
        (old, old_size): (i32, u32),
        words: &[u32],
        new: &[u32],
    ) -> &mut Function {
        let start = 4 * self.text.len() as u32;
        self.text.extend(new);
        self.functions.push(Function {
            old,
            old_size,
            new: start,
            new_size: 4 * new.len() as u32,
            name: name.into(),
            flags: 0,
            words: words.into(),
        });
        self.functions.last_mut().expect("just added")
    }

    /// Adds a writable segment of these bytes, followed by zeros up to `size`.
    pub fn data(&mut self, bytes: &[u8], size: u32) {
        self.data = Some((bytes.into(), size));
        self.flags |= 1;
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let mut read_only = self.read_only.clone();
        let mut name = |text: &str| {
            let start = READ_ONLY + read_only.len() as u32;
            read_only.extend(text.bytes());
            [start, text.len() as u32]
        };
        let (mut functions, mut words, mut symbols) = (Vec::new(), Vec::new(), Vec::new());
        for it in &self.functions {
            let [start, len] = name(&it.name);
            functions.extend([it.old as u32, it.old_size, it.new, it.new_size, start, len]);
            functions.extend([it.flags, words.len() as u32, it.words.len() as u32]);
            words.extend(&it.words);
        }
        for (start, size, text) in &self.symbols {
            symbols.extend([*start, *size]);
            symbols.extend(name(text));
        }
        let expectations = self.expectations.iter();
        let expectations = expectations.flat_map(|(place, word)| [*place as u32, *word]);
        let relocations = self.relocations.iter().flat_map(|it| {
            let (place, kind, base, target) = *it;
            let kind = u32::from(kind) | u32::from(base) << 16;
            [place, kind, target as u32, (target >> 32) as u32]
        });

        let mut tables = Vec::new();
        let mut spans = Vec::new();
        let mut table = |words: Vec<u32>, entry: usize| {
            let start = (HEADER + tables.len()) as u32;
            spans.extend([start, (words.len() / entry) as u32]);
            tables.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        };
        table(functions, 9);
        table(words, 1);
        table(expectations.collect(), 2);
        table(relocations.collect(), 4);
        table(symbols, 4);
        let name_at = (HEADER + tables.len()) as u32;
        tables.extend(self.name.bytes());

        let mut description = Vec::new();
        description.extend(b"altpatch");
        let size = (HEADER + tables.len()) as u32;
        description.extend([1, size, self.flags].iter().flat_map(|it| it.to_le_bytes()));
        for id in [&self.id, &self.image, &self.parent] {
            description.extend(id);
        }
        let parts = [self.branches, self.alternatives, self.replacements];
        let spans = [name_at, self.name.len() as u32]
            .into_iter()
            .chain(spans)
            .chain(parts.iter().flat_map(|(start, len)| [*start, *len]))
            .chain(self.hooks);
        description.extend(spans.flat_map(u32::to_le_bytes));
        assert_eq!(description.len(), HEADER);
        description.extend(tables);

        let text: Vec<u8> = self.text.iter().flat_map(|it| it.to_le_bytes()).collect();
        let mut segments = vec![(1, 5, 0, text.len() as u32, text)];
        if !read_only.is_empty() {
            let size = read_only.len() as u32;
            segments.push((1, 4, READ_ONLY, size, read_only));
        }
        if let Some((bytes, size)) = &self.data {
            segments.push((1, 6, DATA, *size, bytes.clone()));
        }
        segments.push((0x7061_6c74, 0, 0, 0, description));
        elf(&segments)
    }
}

/// An ELF file of these segments: type, access, address, size in memory, bytes.
fn elf(segments: &[(u32, u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01");
    file.resize(16, 0);
    let mut halves = |values: &[u16]| file.extend(values.iter().flat_map(|it| it.to_le_bytes()));
    halves(&[3, 183, 1, 0]);
    let mut longs = |values: &[u64]| file.extend(values.iter().flat_map(|it| it.to_le_bytes()));
    longs(&[0, ELF_HEADER as u64, 0]);
    let mut halves = |values: &[u16]| file.extend(values.iter().flat_map(|it| it.to_le_bytes()));
    halves(&[0, 0, 64, 56, segments.len() as u16, 64, 0, 0]);
    let mut offset = ELF_HEADER + PROGRAM_HEADER * segments.len();
    let mut content = Vec::new();
    for (kind, flags, address, memory, bytes) in segments {
        let padding = offset.next_multiple_of(8) - offset;
        content.resize(content.len() + padding, 0);
        offset += padding;
        file.extend([*kind, *flags].iter().flat_map(|it| it.to_le_bytes()));
        let memory = u64::from(*memory).max(bytes.len() as u64);
        let address = u64::from(*address);
        let fields = [
            offset as u64,
            address,
            address,
            bytes.len() as u64,
            memory,
            8,
        ];
        file.extend(fields.iter().flat_map(|it| it.to_le_bytes()));
        content.extend(bytes);
        offset += bytes.len();
    }
    file.extend(content);
    file
}
