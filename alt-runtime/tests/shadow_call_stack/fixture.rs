//! An image of functions with unwind tables, and what is planned for it.

use std::fs;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::path::Path;

use alt_runtime::region::{Region, Table, Words};
use alt_runtime::shadow_call_stack::{ShadowPlan, ShadowReport, UnwindError, UnwindInfo};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use test_support::Cross;
use test_support::signing;

/// Address, old and new word of a write.
pub type Change = (u64, u32, u32);

/// A linked image.
#[derive(Clone)]
pub struct Image {
    /// Address and words of `.text`.
    pub text: (u64, Vec<u32>),
    pub hyp_text: (u64, Vec<u32>),
    /// Address and bytes.
    pub eh_frame: (u64, Vec<u8>),
    /// Name and addresses of each function.
    pub functions: Vec<(String, Range<u64>)>,
}

impl Image {
    /// Assembles and links `source`; `name` is that of the test, for its files.
    pub fn new(cross: &Cross, name: &str, source: &str) -> Self {
        Self::read(&signing::signed(cross, name, source))
    }

    /// The same with what must become of it in the source.
    pub fn shadowed(cross: &Cross, name: &str, source: &str) -> Self {
        Self::read(&signing::shadowed(cross, name, source))
    }

    fn read(path: &Path) -> Self {
        let file = fs::read(path).unwrap();
        let file: ElfFile64<'_> = ElfFile64::parse(file.as_slice()).unwrap();
        let section = |name: &str| {
            let section = file.section_by_name(name);
            section.map_or((0, Vec::new()), |section| {
                (section.address(), section.data().unwrap().to_vec())
            })
        };
        let words = |(address, bytes): (u64, Vec<u8>)| {
            let words = bytes.chunks_exact(4);
            let words = words.map(|word| u32::from_le_bytes(word.try_into().unwrap()));
            (address, words.collect())
        };
        let functions = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() != 0);
        Self {
            text: words(section(".text")),
            hyp_text: words(section(".hyp.text")),
            eh_frame: section(".eh_frame"),
            functions: functions
                .map(|symbol| {
                    let start = symbol.address();
                    (symbol.name().unwrap().into(), start..start + symbol.size())
                })
                .collect(),
        }
    }

    /// The addresses of a function.
    pub fn function(&self, name: &str) -> Range<u64> {
        let function = self.functions.iter().find(|function| function.0 == name);
        function.expect(name).1.clone()
    }

    /// The addresses of `.hyp.text`.
    pub fn hypervisor(&self) -> Range<u64> {
        let (start, words) = &self.hyp_text;
        *start..start + 4 * words.len() as u64
    }

    pub fn region(&self) -> Region<'_> {
        let (address, words) = &self.text;
        // SAFETY: `self` is borrowed for as long as the region, so the words stay readable and
        // nothing writes them; `Vec::as_ptr` makes no reference to them.
        let text = unsafe { Words::from_raw(*address, words.as_ptr(), words.len()) };
        Region {
            text: text.into(),
            branches: Table::new(0, &[]),
            alternatives: Table::new(0, &[]),
            replacements: Words::new(0, &[]),
            callbacks: Table::new(0, &[]),
        }
    }

    /// Plans with enough room, and without the hypervisor.
    pub fn plan(&self) -> Result<(Vec<Change>, ShadowReport), UnwindError> {
        self.plan_for(&self.region(), &[self.hypervisor()], 1 << 12)
    }

    /// Plans for a region, which may have tables.
    pub fn plan_for(
        &self,
        region: &Region<'_>,
        excluded: &[Range<u64>],
        room: usize,
    ) -> Result<(Vec<Change>, ShadowReport), UnwindError> {
        let unwind = UnwindInfo::new(self.eh_frame.0, &self.eh_frame.1);
        let mut room = vec![MaybeUninit::uninit(); room];
        let plan = ShadowPlan::new(region, unwind, excluded, &mut room)?;
        let writes = plan.writes().iter().map(|write| {
            let address = region.text.range().start + u64::from(write.offset);
            (address, write.before().0, write.after().0)
        });
        Ok((writes.collect(), plan.report()))
    }

    /// Does what has been planned.
    pub fn write(&mut self, writes: &[Change]) {
        for (address, before, after) in writes {
            let word = &mut self.text.1[((address - self.text.0) / 4) as usize];
            assert_eq!(word, before, "{address:#x}");
            *word = *after;
        }
    }

    /// Offset of the entry of a function in `.eh_frame`, found by its bytes: the length, the
    /// distance of the CIE, then the place of the function from there, in 4 bytes (LSB core,
    /// 10.6.1).
    pub fn entry(&self, name: &str) -> usize {
        let start = self.function(name).start;
        let (address, bytes) = &self.eh_frame;
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let mut at = 0;
        loop {
            let place = address + at as u64 + 8;
            let is_cie = word(at + 4) == 0;
            if !is_cie && place.wrapping_add_signed((word(at + 8) as i32).into()) == start {
                return at;
            }
            at += 4 + word(at) as usize;
        }
    }
}
